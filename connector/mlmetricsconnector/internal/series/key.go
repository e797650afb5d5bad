package series

import (
	"encoding/binary"
	"iter"
)

// A key identifies a series: the metric's number and the values of its labels,
// each preceded by its length. An absent label has an empty value.

// AppendMetric begins a key with the number of a metric.
func AppendMetric(key []byte, number int) []byte {
	return binary.AppendUvarint(key, uint64(number))
}

// AppendLabel appends the value of the metric's next label.
func AppendLabel(key []byte, value string) []byte {
	return append(binary.AppendUvarint(key, uint64(len(value))), value...)
}

// CutLabel returns the label's value that a key begins with, and the rest.
func CutLabel(key string) (value, rest string) {
	n, key := cutNumber(key)
	return key[:n], key[n:]
}

// labels returns the label values of a key, by the position of the label.
func labels(key string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		_, key = cutNumber(key)
		for i := 0; key != ""; i++ {
			var value string
			if value, key = CutLabel(key); !yield(i, value) {
				return
			}
		}
	}
}

// cutNumber returns the number that a text begins with, and the rest.
func cutNumber(text string) (int, string) {
	n, size := binary.Uvarint([]byte(text[:min(len(text), binary.MaxVarintLen64)]))
	return int(n), text[size:]
}
