package mladmissionextension

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"

	"github.com/otelcol-ml/otelcol-ml/extension/mladmissionextension/internal/shape"
)

// admission is a middleware of OTLP receivers, for gRPC and HTTP.
type admission struct {
	config *Config
	limit  int64 // of inFlight
	// inFlight is the estimated memory of the requests that are read or processed.
	inFlight atomic.Int64
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
	a := &admission{config: config, limit: limit}
	a.telemetry, err = newTelemetry(set, a)
	return a, err
}

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
	errBusy = errors.New("request: found too many others that are not processed yet; send it again")
	errSize = errors.New("request: found one that takes more than max_request_bytes when decoded, must be smaller; send fewer spans at once")
)

// reserve takes more memory for a request that takes memory in all. It returns
// errSize where a request may not take so much, and errBusy where there is not
// enough now.
func (a *admission) reserve(memory, more int64) error {
	if memory > a.config.MaxRequestBytes {
		return errSize
	}
	if a.inFlight.Add(more) > a.limit {
		a.inFlight.Add(-more)
		return errBusy
	}
	return nil
}

func (a *admission) release(memory int64) { a.inFlight.Add(-memory) }

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
