package tiers

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
)

// rates have each anomaly, and enough traces that must be kept for few requests.
var rates = shop.Rates{
	FeatureCascade: 0.04, LongQueue: 0.04, ShortQueue: 0.02, Revalidated: 0.04, ColdStart: 0.02,
	Unavailable: 0.02, Failed: 0.01, LongCompute: 0.02, LooseTypes: 0.4,
}

// traffic sends requests to one address and remembers them. Its waves are sent one after another.
type traffic struct {
	t        testing.TB
	services *shop.Shop
	source   *shop.Source

	mutex sync.Mutex
	sent  []shop.Sent
}

func newTraffic(t testing.TB, endpoint string, seed uint64) *traffic {
	t.Helper()
	services, err := shop.Open(t.Context(), shop.Config{Endpoint: endpoint})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, services.Close(ctx))
	})
	return &traffic{
		t: t, services: services,
		source: shop.NewSource(seed, rates, time.Now().Add(-time.Minute), time.Millisecond),
	}
}

// wave sends so many requests: nine services' batches, one after the other.
func (tr *traffic) wave(requests int) error {
	wave := make([]shop.Sent, requests)
	for i := range wave {
		wave[i] = tr.services.Play(tr.source.Next())
	}
	// Remembered before they arrive: what is looked up among them must be there.
	tr.mutex.Lock()
	tr.sent = append(tr.sent, wave...)
	tr.mutex.Unlock()
	return tr.services.Flush(context.Background())
}

func (tr *traffic) send(waves, requests int) {
	tr.t.Helper()
	for range waves {
		require.NoError(tr.t, tr.wave(requests))
	}
}

// all are the requests that were sent so far.
func (tr *traffic) all() []shop.Sent {
	tr.mutex.Lock()
	defer tr.mutex.Unlock()
	return append([]shop.Sent(nil), tr.sent...)
}

const (
	flowEvery = 100 * time.Millisecond
	flowWave  = 10
)

// flow goes on sending until the returned function is called.
func (tr *traffic) flow() (stop func()) {
	tr.t.Helper()
	ended, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		ticker := time.NewTicker(flowEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ended:
				failed <- nil
				return
			case <-ticker.C:
				if err := tr.wave(flowWave); err != nil {
					failed <- err
					return
				}
			}
		}
	}()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			close(ended)
			require.NoError(tr.t, <-failed)
		})
	}
	return stop
}

func spans(sent []shop.Sent) (n int) {
	for _, s := range sent {
		n += len(s.Spans)
	}
	return n
}
