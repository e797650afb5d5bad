package mladmissionextension

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"

	"github.com/otelcol-ml/otelcol-ml/extension/mladmissionextension/internal/shape"
)

// admission is a middleware of OTLP receivers, for gRPC and HTTP.
type admission struct {
	config *Config
	// reading is the length of the requests that are read, processing the estimated memory of those that are decoded and processed.
	reading, processing *pool
	connections         connections
	// largest is the length of the largest gRPC request of late.
	largest   atomic.Int64
	refused   [reasons]atomic.Int64
	telemetry *telemetry
	// decoded has by the address of a decoded gRPC request what the codec found; see codec.
	decoded sync.Map
}

var (
	_ extensionmiddleware.GRPCServer = (*admission)(nil)
	_ extensionmiddleware.HTTPServer = (*admission)(nil)
)

func newAdmission(set extension.Settings, config *Config) (*admission, error) {
	limit, err := config.maxInFlight()
	if err != nil {
		return nil, err
	}
	a := &admission{
		config: config, reading: newPool(limit / readingShare), processing: newPool(limit - limit/readingShare),
		connections: connections{requests: map[string]int{}},
	}
	a.largest.Store(firstLargest)
	a.telemetry, err = newTelemetry(set, a)
	return a, err
}

// firstLargest is how large a request is taken to be before there was one, so
// that a start among many clients with large ones is none with all of them at once.
const firstLargest = 16 << 20

// readingShare is the part of the memory for requests that are read. What is
// read must find room to be decoded, or many large requests at once keep each
// other out; by estimate, decoding takes four times the length or more.
const readingShare = 4

// Start does nothing.
func (*admission) Start(context.Context, component.Host) error { return nil }

// Shutdown ends the telemetry.
func (a *admission) Shutdown(context.Context) error {
	a.telemetry.builder.Shutdown()
	return nil
}

// reason is why a request was refused.
type reason uint8

const (
	busy reason = iota
	depth
	malformed
	size
	reasons
)

// The errors of requests that are refused for their size or for that of others.
var (
	errBusy = errors.New("request: found too many others in flight, must wait; send it again later")
	errSize = errors.New("request: found one that takes more than max_request_bytes when decoded or exceeds max_request_body_size, must be smaller; send fewer spans at once")
)

// reserve takes more memory from a pool for a request that has some of it
// already. It returns errSize where a request may not take so much, and errBusy
// where there is not enough for as long as it may wait.
func (a *admission) reserve(ctx context.Context, from *pool, has, more int64, patience time.Duration) error {
	if has+more > a.config.MaxRequestBytes {
		return errSize
	}
	return from.take(ctx, has, more, patience)
}

// patience is how long a request waits for others before it is refused: the
// sender waits for an answer, and should have time to send it again.
func (a *admission) patience() time.Duration { return a.config.RequestTimeout / 2 }

// refuse counts a refusal and returns its reason.
func (a *admission) refuse(err error) reason {
	why := malformed
	switch {
	case errors.Is(err, errBusy):
		why = busy
	case errors.Is(err, errSize):
		why = size
	case errors.Is(err, shape.ErrTooDeep):
		why = depth
	}
	a.refused[why].Add(1)
	return why
}
