package filestorage

import (
	"context"
	"maps"
	"strconv"
	"syscall"
	"testing"
	"time"

	contrib "github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/protobuf/encoding/protowire"
)

// stored is a storage in memory whose transactions can fail at their end, as those of a full disk do.
type stored struct {
	values map[string][]byte
	full   error
	closed bool
	writes int
}

func (s *stored) Batch(_ context.Context, ops ...*storage.Operation) error {
	values := maps.Clone(s.values)
	for _, op := range ops {
		switch op.Type {
		case storage.Get:
			op.Value = values[op.Key]
		case storage.Set:
			values[op.Key] = op.Value
		case storage.Delete:
			delete(values, op.Key)
		}
	}
	s.writes++
	if s.full != nil {
		return s.full
	}
	s.values = values
	return nil
}

func (s *stored) Close(context.Context) error                 { s.closed = true; return nil }
func (s *stored) Get(context.Context, string) ([]byte, error) { panic("not called") }
func (s *stored) Set(context.Context, string, []byte) error   { panic("not called") }
func (s *stored) Delete(context.Context, string) error        { panic("not called") }
func (s *stored) indices(t *testing.T) (read uint64, sent []uint64) {
	return indicesOf(t, s.values[metadataKey])
}

// indicesOf are the index where reading goes on, and those that are read and not sent.
func indicesOf(t *testing.T, data []byte) (read uint64, dispatched []uint64) {
	m, err := decode(data)
	require.NoError(t, err)
	return m.read, m.dispatched
}

// written is what exporterhelper writes: sizes, the indices, and those that are dispatched.
func written(read, write uint64, dispatched ...uint64) []byte {
	var data []byte
	for field, value := range []uint64{1: 7, 2: 700, 4: write} {
		if value > 0 {
			data = protowire.AppendFixed64(protowire.AppendTag(data, protowire.Number(field), protowire.Fixed64Type), value)
		}
	}
	return append(data, indices{read: read, dispatched: dispatched}.encode()...)
}

func open(t *testing.T, s *stored) (*queue, *time.Time, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	q, err := openQueue(t.Context(), s, zap.New(core))
	require.NoError(t, err)
	now := time.Unix(1000, 0)
	q.now = func() time.Time { return now }
	return q, &now, logs
}

// dispatch does what exporterhelper does to send an item, and finish what it does after.
func dispatch(t *testing.T, q *queue, indices []byte, key string) (string, error) {
	t.Helper()
	get := storage.GetOperation(key)
	err := q.Batch(t.Context(), storage.SetOperation(metadataKey, indices), get)
	return string(get.Value), err
}

func finish(t *testing.T, q *queue, indices []byte, key string) {
	t.Helper()
	require.NoError(t, q.Batch(t.Context(), storage.SetOperation(metadataKey, indices), storage.DeleteOperation(key)))
}

// TestItemsOfAnEarlierProcess: items 3 and 7 of 1..9 were being sent when the process ended. They are shown as 7 and 8, the
// last before 9, and what is stored names them as they are stored.
func TestItemsOfAnEarlierProcess(t *testing.T) {
	s := &stored{values: map[string][]byte{metadataKey: written(9, 10, 7, 3), "3": []byte("three"), "7": []byte("seven"), "9": []byte("nine")}}
	q, _, _ := open(t, s)
	shown, err := q.Get(t.Context(), metadataKey)
	require.NoError(t, err)
	read, dispatched := indicesOf(t, shown)
	require.EqualValues(t, 7, read)
	require.Empty(t, dispatched)
	require.Contains(t, string(shown), string(written(9, 10)[:9]), "the sizes are as before")

	value, err := dispatch(t, q, written(8, 10, 7), "7")
	require.NoError(t, err)
	require.Equal(t, "three", value)
	read, dispatched = s.indices(t)
	require.EqualValues(t, 9, read)
	require.ElementsMatch(t, []uint64{3, 7}, dispatched, "another kill now would find both")

	value, err = dispatch(t, q, written(9, 10, 7, 8), "8")
	require.NoError(t, err)
	require.Equal(t, "seven", value)
	finish(t, q, written(9, 10, 8), "7")
	require.NotContains(t, s.values, "3")
	read, dispatched = s.indices(t)
	require.EqualValues(t, 9, read)
	require.Equal(t, []uint64{7}, dispatched)

	value, err = dispatch(t, q, written(10, 10, 8, 9), "9")
	require.NoError(t, err)
	require.Equal(t, "nine", value)
	finish(t, q, written(10, 10, 9), "8")
	finish(t, q, written(10, 10), "9")
	require.Len(t, s.values, 1, "all are gone")
	read, dispatched = s.indices(t)
	require.EqualValues(t, 10, read)
	require.Empty(t, dispatched)
}

// TestNothingCanBeWritten: an item that is stored is read and sent, one that is new is refused, and what was deleted is
// deleted once it can be.
func TestNothingCanBeWritten(t *testing.T) {
	s := &stored{values: map[string][]byte{metadataKey: written(1, 3), "1": []byte("one"), "2": []byte("two")}}
	q, now, logs := open(t, s)
	before := maps.Clone(s.values)
	s.full = syscall.ENOSPC
	value, err := dispatch(t, q, written(2, 3, 1), "1")
	require.NoError(t, err)
	require.Equal(t, "one", value)
	require.ErrorIs(t, q.Batch(t.Context(), storage.SetOperation(metadataKey, written(2, 4, 1)), storage.SetOperation("3", []byte("new"))), syscall.ENOSPC)
	finish(t, q, written(2, 4), "1")
	gone, err := q.Get(t.Context(), "1")
	require.NoError(t, err)
	require.Nil(t, gone)
	require.Equal(t, before, s.values, "nothing is written, or half")
	require.Equal(t, 1, logs.FilterMessageSnippet("cannot be written").Len(), "logged once")

	tried := s.writes
	finish(t, q, written(2, 4), "1")
	require.Equal(t, tried, s.writes, "not tried again at once")

	s.full = nil
	*now = now.Add(retryAfter)
	value, err = dispatch(t, q, written(3, 4, 2), "2")
	require.NoError(t, err)
	require.Equal(t, "two", value)
	require.NotContains(t, s.values, "1")
	read, dispatched := s.indices(t)
	require.EqualValues(t, 3, read)
	require.Equal(t, []uint64{2}, dispatched)
	finish(t, q, written(3, 4), "2")
	_, err = dispatch(t, q, written(4, 4, 3), "3")
	require.ErrorIs(t, err, errNoItem, "the one that was refused")
	require.NoError(t, q.Close(t.Context()))
	require.True(t, s.closed)
}

// TestAnItemCanBeWrittenAgain: the first new item that can be stored takes what was not written with it.
func TestAnItemCanBeWrittenAgain(t *testing.T) {
	s := &stored{values: map[string][]byte{metadataKey: written(1, 2), "1": []byte("one")}}
	q, _, _ := open(t, s)
	s.full = syscall.EROFS
	_, err := dispatch(t, q, written(2, 2, 1), "1")
	require.NoError(t, err)
	finish(t, q, written(2, 2), "1")
	s.full = nil
	require.NoError(t, q.Batch(t.Context(), storage.SetOperation(metadataKey, written(2, 3)), storage.SetOperation("2", []byte("two"))))
	require.Equal(t, map[string][]byte{metadataKey: written(2, 3), "2": []byte("two")}, s.values)
}

// TestCloseWrites: what could not be written is, at the end, where it can be.
func TestCloseWrites(t *testing.T) {
	s := &stored{values: map[string][]byte{metadataKey: written(2, 2, 1), "1": []byte("one")}}
	q, _, _ := open(t, s)
	s.full = syscall.ENOSPC
	_, err := dispatch(t, q, written(2, 2, 1), "1")
	require.NoError(t, err)
	finish(t, q, written(2, 2), "1")
	s.full = nil
	require.NoError(t, q.Close(t.Context()))
	require.Equal(t, 1, len(s.values))
}

// TestIndicesThatAreNone: what is not exporterhelper's is left as it is.
func TestIndicesThatAreNone(t *testing.T) {
	for name, data := range map[string][]byte{
		"no protobuf": []byte("\xff\xff"), "half an index": {5<<3 | 2, 4, 1, 2, 3, 4}, "an index to come": written(3, 5, 4), "none": nil,
	} {
		t.Run(name, func(t *testing.T) {
			s := &stored{values: map[string][]byte{metadataKey: data}}
			q, _, _ := open(t, s)
			shown, err := q.Get(t.Context(), metadataKey)
			require.NoError(t, err)
			require.Equal(t, string(data), string(shown))
		})
	}
}

// TestEncodings: indices survive, in both encodings of a repeated field, with fields that are not known here.
func TestEncodings(t *testing.T) {
	unpacked := protowire.AppendFixed64(protowire.AppendTag(nil, 9, protowire.Fixed64Type), 1)
	for i := range uint64(3) {
		unpacked = protowire.AppendFixed64(protowire.AppendTag(unpacked, dispatchedField, protowire.Fixed64Type), i)
	}
	for _, data := range [][]byte{unpacked, written(5, 6, 0, 1, 2)} {
		m, err := decode(data)
		require.NoError(t, err)
		require.Equal(t, []uint64{0, 1, 2}, m.dispatched)
		again, err := decode(m.encode())
		require.NoError(t, err)
		require.Equal(t, m, again)
	}
}

// TestFactory: it is contrib's by type, settings and files, and only exporters get a client of ours.
func TestFactory(t *testing.T) {
	f := NewFactory()
	require.Equal(t, contrib.NewFactory().Type(), f.Type())
	cfg := f.CreateDefaultConfig().(*contrib.Config)
	cfg.Directory = t.TempDir()
	set := extensiontest.NewNopSettings(f.Type())
	e, err := f.Create(t.Context(), set, cfg)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	for kind, ours := range map[component.Kind]bool{component.KindExporter: true, component.KindReceiver: false} {
		client, err := e.(storage.Extension).GetClient(t.Context(), kind, set.ID, "traces")
		require.NoError(t, err)
		_, is := client.(*queue)
		require.Equal(t, ours, is)
		for i := range 3 {
			require.NoError(t, client.Set(t.Context(), strconv.Itoa(i), []byte("value")))
		}
		require.NoError(t, client.Delete(t.Context(), "1"))
		got, err := client.Get(t.Context(), "1")
		require.NoError(t, err)
		require.Nil(t, got)
		require.NoError(t, client.Close(t.Context()))
	}
	require.NoError(t, e.Shutdown(t.Context()))
}
