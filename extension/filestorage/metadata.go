package filestorage

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// metadataKey is where exporterhelper's queue has its indices: the PersistentMetadata of its meta.proto.
const metadataKey = "qmv0"

// The fields of PersistentMetadata that are read here.
const (
	readIndexField  = 3
	dispatchedField = 5
)

// indices are what a queue stores about its items: those from read on have not been read, and those dispatched were read
// and are neither sent nor given up. Each item has its index as key.
type indices struct {
	read       uint64
	dispatched []uint64
	// others are the other fields, encoded.
	others []byte
}

func decode(data []byte) (indices, error) {
	var m indices
	for len(data) > 0 {
		field, wire, n := protowire.ConsumeTag(data)
		if n < 0 {
			return m, protowire.ParseError(n)
		}
		size := protowire.ConsumeFieldValue(field, wire, data[n:])
		if size < 0 {
			return m, protowire.ParseError(size)
		}
		value := data[n : n+size]
		switch {
		case field == readIndexField && wire == protowire.Fixed64Type:
			m.read, _ = protowire.ConsumeFixed64(value)
		case field == dispatchedField && wire == protowire.Fixed64Type:
			index, _ := protowire.ConsumeFixed64(value)
			m.dispatched = append(m.dispatched, index)
		case field == dispatchedField && wire == protowire.BytesType:
			packed, _ := protowire.ConsumeBytes(value)
			if len(packed)%8 != 0 {
				return m, fmt.Errorf("found %d bytes of indices, must be a multiple of 8", len(packed))
			}
			for len(packed) > 0 {
				index, n := protowire.ConsumeFixed64(packed)
				m.dispatched, packed = append(m.dispatched, index), packed[n:]
			}
		default:
			m.others = append(m.others, data[:n+size]...)
		}
		data = data[n+size:]
	}
	return m, nil
}

func (m indices) encode() []byte {
	data := slices.Clone(m.others)
	data = protowire.AppendTag(data, readIndexField, protowire.Fixed64Type)
	data = protowire.AppendFixed64(data, m.read)
	if len(m.dispatched) > 0 {
		var packed []byte
		for _, index := range m.dispatched {
			packed = protowire.AppendFixed64(packed, index)
		}
		data = protowire.AppendTag(data, dispatchedField, protowire.BytesType)
		data = protowire.AppendBytes(data, packed)
	}
	return data
}
