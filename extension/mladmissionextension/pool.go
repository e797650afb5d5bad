package mladmissionextension

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc/peer"
)

// pool is memory that requests share.
type pool struct {
	limit int64
	free  *semaphore.Weighted
	used  atomic.Int64
}

func newPool(limit int64) *pool { return &pool{limit: limit, free: semaphore.NewWeighted(limit)} }

// take takes more for a request that has some, and waits for it in the order in which requests came. One that is alone
// gets whatever it asks for.
func (p *pool) take(ctx context.Context, has, more int64, patience time.Duration) error {
	n := p.counted(has+more) - p.counted(has)
	if !p.free.TryAcquire(n) {
		if patience == 0 {
			return errBusy
		}
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if p.free.Acquire(ctx, n) != nil {
			return errBusy
		}
	}
	p.used.Add(more)
	return nil
}

func (p *pool) release(memory int64) {
	p.used.Add(-memory)
	p.free.Release(p.counted(memory))
}

func (p *pool) counted(memory int64) int64 { return min(memory, p.limit) }

// connections has the number of requests of each gRPC connection. gRPC reads nothing from a connection while a request on it
// waits to be read, so that its sender waits too. It must not keep up others on the same connection.
type connections struct {
	mutex    sync.Mutex
	requests map[string]int
}

// begin notes a request. It reports whether it is alone on its connection, and returns what is to be called when it ends.
func (c *connections) begin(ctx context.Context) (alone bool, end func()) {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return false, func() {}
	}
	address := from.Addr.String()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.requests[address]++
	return c.requests[address] == 1, sync.OnceFunc(func() {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		if c.requests[address]--; c.requests[address] == 0 {
			delete(c.requests, address)
		}
	})
}
