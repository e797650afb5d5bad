package filestorage

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/zap"
)

// retryAfter is how long after a failed write the next one is tried that stores no new item.
const retryAfter = time.Second

// errNoItem is the answer where the queue reads an item that could not be stored, so that it goes on to the next one.
var errNoItem = errors.New("there is no such item")

// queue is the client of an exporter's queue. exporterhelper's persistent queue drops an item, uncounted, where it cannot
// write that it has read it. So only storing a new item fails here, which the exporter counts. What else cannot be written,
// the indices and the deletions of items that were sent, is kept in memory until it can be. Where the process ends
// before that, the next one sends those items again.
type queue struct {
	client storage.Client
	logger *zap.Logger
	now    func() time.Time

	mutex sync.Mutex
	moved renumbered
	// indices are the newest, as the queue has written them, nil before there are any.
	indices []byte
	// unwritten reports whether they are not stored. deleted are keys that are still stored.
	unwritten bool
	deleted   map[string]struct{}
	// failed is when a write failed, zero where the last one did not.
	failed time.Time
}

func openQueue(ctx context.Context, client storage.Client, logger *zap.Logger) (*queue, error) {
	q := &queue{client: client, logger: logger, now: time.Now, deleted: map[string]struct{}{}}
	stored, err := q.Get(ctx, metadataKey)
	if err != nil {
		return nil, errors.Join(err, client.Close(ctx))
	}
	m, err := decode(stored)
	if err != nil {
		logger.Warn("The queue's indices cannot be read. It starts as it does without this extension.", zap.Error(err))
		return q, nil
	}
	if q.moved, m = renumber(m); len(q.moved.stored) > 0 {
		logger.Info("Items that were being sent when the last process ended are sent again.", zap.Int("items", len(q.moved.stored)))
		q.indices = m.encode()
	}
	return q, nil
}

// Get returns a value, nil where there is none.
func (q *queue) Get(ctx context.Context, key string) ([]byte, error) {
	op := storage.GetOperation(key)
	err := q.Batch(ctx, op)
	return op.Value, err
}

// Set stores a value.
func (q *queue) Set(ctx context.Context, key string, value []byte) error {
	return q.Batch(ctx, storage.SetOperation(key, value))
}

// Delete deletes a value.
func (q *queue) Delete(ctx context.Context, key string) error {
	return q.Batch(ctx, storage.DeleteOperation(key))
}

// Batch stores items with the indices that come with them, or none of it. Indices and deletions alone are in effect
// at once, and written as soon as they can be.
func (q *queue) Batch(ctx context.Context, ops ...*storage.Operation) error {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	var items, gets []*storage.Operation
	indices, changed := q.indices, false
	var deleted []string
	for _, op := range ops {
		switch {
		case op.Type == storage.Get:
			gets = append(gets, op)
		case op.Type == storage.Delete:
			deleted = append(deleted, q.moved.key(op.Key))
		case op.Key == metadataKey:
			indices, changed = op.Value, true
		default:
			items = append(items, storage.SetOperation(q.moved.key(op.Key), op.Value))
		}
	}
	if len(items) > 0 {
		if err := q.client.Batch(ctx, append(q.pending(indices, changed, deleted), items...)...); err != nil {
			q.fails(err)
			return err
		}
		q.indices = indices
		q.written()
		return q.get(ctx, gets, false)
	}
	q.indices, q.unwritten = indices, q.unwritten || changed
	for _, key := range deleted {
		q.deleted[key] = struct{}{}
	}
	if q.now().Sub(q.failed) < retryAfter {
		return q.get(ctx, gets, changed)
	}
	return q.get(ctx, gets, changed, q.pending(indices, false, nil)...)
}

// pending are the operations that store indices and delete keys, with what was not written before.
func (q *queue) pending(indices []byte, changed bool, deleted []string) []*storage.Operation {
	var ops []*storage.Operation
	for key := range q.deleted {
		ops = append(ops, storage.DeleteOperation(key))
	}
	for _, key := range deleted {
		ops = append(ops, storage.DeleteOperation(key))
	}
	if changed || q.unwritten {
		ops = append(ops, storage.SetOperation(metadataKey, q.moved.stores(indices)))
	}
	return ops
}

func (q *queue) written() {
	if !q.failed.IsZero() {
		q.logger.Info("The queue can be written again.")
	}
	q.unwritten, q.failed = false, time.Time{}
	clear(q.deleted)
}

func (q *queue) fails(err error) {
	if q.failed.IsZero() {
		q.logger.Warn("The queue cannot be written. What is in it is sent, new items are refused.", zap.Error(err))
	}
	q.failed = q.now()
}

// get reads values, in one transaction with what is written. An item that the queue reads to send it must be there.
func (q *queue) get(ctx context.Context, gets []*storage.Operation, sends bool, writes ...*storage.Operation) error {
	reads := make([]*storage.Operation, len(gets))
	for i, op := range gets {
		reads[i] = storage.GetOperation(q.moved.key(op.Key))
	}
	if len(writes)+len(reads) == 0 {
		return nil
	}
	err := q.client.Batch(ctx, append(writes, reads...)...)
	switch {
	case err == nil && len(writes) > 0:
		q.written()
	case err != nil && len(writes) > 0:
		q.fails(err)
	}
	for i, op := range gets {
		_, gone := q.deleted[reads[i].Key]
		switch {
		case op.Key == metadataKey && q.indices != nil:
			op.Value = q.indices
		case gone:
			op.Value = nil
		default:
			// Where the transaction failed it did so at its end, when what is there had been read.
			if op.Value = reads[i].Value; op.Value == nil && err != nil {
				return err
			}
		}
		if op.Value == nil && sends {
			return errNoItem
		}
	}
	return nil
}

// Close writes what can be written.
func (q *queue) Close(ctx context.Context) error {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if _ = q.get(ctx, nil, false, q.pending(q.indices, false, nil)...); len(q.deleted) > 0 {
		q.logger.Warn("The queue could not be written. Items that were sent are sent again after the next start.", zap.Int("items", len(q.deleted)))
	}
	return q.client.Close(ctx)
}
