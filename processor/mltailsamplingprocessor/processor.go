package mltailsamplingprocessor

import (
	"context"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.uber.org/zap"

	"github.com/otelcol-ml/otelcol-ml/internal/processmemory"
	"github.com/otelcol-ml/otelcol-ml/internal/wholetrace"
	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/buffer"
	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/prefilter"
)

// tailSampling is the processor: a buffer in front of contrib's policies.
type tailSampling struct {
	cfg       *Config
	logger    *zap.Logger
	buffer    *buffer.Buffer
	decider   *decider
	next      consumer.Traces
	heap      *processmemory.HeapWatch
	unknown   []string // policies that the prefilter cannot exclude
	telemetry *metadata.TelemetryBuilder

	batch   buffer.Batch // of the goroutine that sends what is due
	stop    chan struct{}
	stopped sync.WaitGroup
}

// patience is how long a sender waits where the policies are behind: they decide once a second.
const patience = 1200 * time.Millisecond

// dueInterval is how often traces that are due are taken from the buffer.
const dueInterval = 100 * time.Millisecond

func newProcessor(ctx context.Context, set processor.Settings, cfg *Config, next consumer.Traces) (*tailSampling, error) {
	conditions, err := cfg.PassOn.conditions()
	if err != nil {
		return nil, err
	}
	filter := prefilter.New(cfg.PolicyCfgs, conditions)
	maxBytes, err := cfg.maxBytes()
	if err != nil {
		return nil, err
	}
	// Without a cache contrib remembers the decisions on the last num_traces traces.
	remember := func(size int) int {
		if size > 0 {
			return size
		}
		return int(min(cfg.NumTraces, maxRemembered))
	}
	heapBytes, err := cfg.pressureHeapBytes()
	if err != nil {
		return nil, err
	}
	p := &tailSampling{cfg: cfg, logger: set.Logger, next: next, heap: processmemory.NewHeapWatch(heapBytes), unknown: filter.Unknown()}
	p.buffer = buffer.New(buffer.Options{
		Filter:            filter,
		Wait:              cfg.DecisionWait,
		RootWait:          cfg.DecisionWaitAfterRootReceived,
		MaxTraces:         int64(min(cfg.NumTraces, 1<<62)),
		MaxBytes:          maxBytes,
		SenderWait:        patience,
		MaxTraceBytes:     int64(min(cfg.MaximumTraceSizeBytes, 1<<62)),
		BlockOnOverflow:   cfg.BlockOnOverflow,
		RememberKept:      remember(cfg.DecisionCache.SampledCacheSize),
		RememberDropped:   remember(cfg.DecisionCache.NonSampledCacheSize),
		RememberPassed:    cfg.PassOn.MaxTraces,
		RememberPassedFor: cfg.PassOn.RememberFor,
		Now:               time.Now,
	})
	kept, err := consumer.NewTraces(func(ctx context.Context, td ptrace.Traces) error {
		return next.ConsumeTraces(wholetrace.With(ctx, wholetrace.Whole), td)
	})
	if err != nil {
		return nil, err
	}
	if p.decider, err = newDecider(ctx, set, cfg, p.buffer, kept); err != nil {
		return nil, err
	}
	p.telemetry, err = newTelemetry(set.TelemetrySettings, set.ID, p.buffer)
	return p, err
}

// maxRemembered bounds the decisions that are remembered where num_traces is no bound.
const maxRemembered = 1_000_000

// Capabilities reports that batches are read, not changed.
func (*tailSampling) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// Start starts contrib's processor, and sending it what is due.
func (p *tailSampling) Start(ctx context.Context, host component.Host) error {
	if err := p.decider.Start(ctx, host); err != nil {
		return err
	}
	if len(p.unknown) > 0 {
		p.logger.Info("Every trace is decoded and passed to the policies, because these can match any trace; "+
			"mltailsampling costs less with policies that compare attributes, status, duration or a probability",
			zap.String("policies", strings.Join(p.unknown, ", ")))
	}
	p.stop = make(chan struct{})
	p.stopped.Go(func() {
		ticker := time.NewTicker(dueInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
			case <-p.buffer.Early():
			case <-p.stop:
				return
			}
			p.sendDue(false)
		}
	})
	p.stopped.Go(p.watchHeap)
	return nil
}

// watchHeap has the buffer drop most new traces while the process is short of memory.
func (p *tailSampling) watchHeap() {
	ticker := time.NewTicker(dueInterval)
	defer ticker.Stop()
	var logged time.Time
	for before := false; ; {
		select {
		case <-p.stop:
			return
		case now := <-ticker.C:
			high := p.heap.High(now)
			p.buffer.SetPressure(high)
			if high && !before && now.Sub(logged) > time.Minute {
				logged = now
				p.logger.Warn("The process is short of memory: most new traces are dropped, so that spans are still counted; "+
					"otelcol_processor_mltailsampling_dropped_traces counts them. Give it more memory, or less to buffer",
					zap.String("setting", "pressure_heap_bytes"))
			}
			before = high
		}
	}
}

// ConsumeTraces buffers a batch.
func (p *tailSampling) ConsumeTraces(_ context.Context, td ptrace.Traces) error {
	marshaler := ptrace.ProtoMarshaler{}
	encoded, err := marshaler.MarshalTraces(td)
	if err == nil {
		err = p.buffer.Add(encoded)
	}
	if err != nil {
		return consumererror.NewPermanent(err)
	}
	return nil
}

// sendDue sends what is due to the policies or to the next component.
func (p *tailSampling) sendDue(all bool) {
	for more := true; more; {
		more = p.buffer.Due(&p.batch, all)
		if len(p.batch.Decide) > 0 {
			p.decider.decide(context.Background(), p.batch.Decide)
		}
		for _, direct := range p.batch.Direct {
			p.forward(direct)
		}
	}
}

// forward sends spans that need no decision to the next component.
func (p *tailSampling) forward(direct buffer.Direct) {
	unmarshaler := ptrace.ProtoUnmarshaler{}
	td, err := unmarshaler.UnmarshalTraces(direct.Encoded)
	if err == nil {
		extent := wholetrace.Late
		if direct.Pass {
			extent = wholetrace.Passed
		}
		err = p.next.ConsumeTraces(wholetrace.With(context.Background(), extent), td)
	}
	if err != nil { // as in contrib, the sender does not learn of it
		p.logger.Warn("The next component refused spans of a kept trace; they are lost there", zap.Error(err))
	}
}

// Shutdown decides what waits and stops contrib's processor.
func (p *tailSampling) Shutdown(ctx context.Context) error {
	p.buffer.Close()
	if p.stop != nil {
		close(p.stop)
		p.stopped.Wait()
		if p.cfg.DropPendingTracesOnShutdown {
			p.buffer.Discard()
		}
		p.sendDue(true)
	}
	err := p.decider.Shutdown(ctx)
	if p.stop != nil {
		p.sendDue(true) // spans that came while the last traces were decided
	}
	p.buffer.Free()
	p.telemetry.Shutdown()
	return err
}
