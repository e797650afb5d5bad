package traffic

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
)

// Config says what to send.
type Config struct {
	// To are the collectors' OTLP gRPC addresses. Each gets the same.
	To     []string
	Seed   uint64
	Traces int
	Rates  shop.Rates
	// Wave is how many requests end between two looks of the exporters, Every how often those look.
	Wave  int
	Every time.Duration
	// Apart is how long after a trace's first spans its last ones are sent.
	Apart time.Duration
	// AtMost is how long a busy machine may make that. The traces of a wave that took longer are unsure.
	AtMost time.Duration
	// Repeated is the share of batches that are sent twice, as after an answer that got lost.
	Repeated float64
	// Late is the share of traces with one service's spans held back until [Run.SendLate].
	Late float64
}

// Run is traffic under way.
type Run struct {
	// Sent has every trace, by the index in its ID.
	Sent []Sent
	// Spread is the longest time from the first to the last send of a wave's batches, late ones and unsure waves apart.
	Spread time.Duration

	config  Config
	random  *rand.Rand
	order   *rand.Rand // apart, because what it draws depends on the machine's speed, and the traces must not
	source  *shop.Source
	waiting []batch
	late    [Services]ptrace.Traces
	lateTo  batches
	clients []ptraceotlp.GRPCClient
}

// batch is a message that a service's exporter will send.
type batch struct {
	ptrace.Traces
	service int
	due     time.Time
	wave    *wave
}

// wave is the requests that ended between two looks of the exporters.
type wave struct {
	began    time.Time
	from, to int // indices of its traces
}

// Open draws nothing yet.
func Open(config Config) (*Run, error) {
	r := &Run{
		config: config,
		random: rand.New(rand.NewPCG(config.Seed, 1)),
		order:  rand.New(rand.NewPCG(config.Seed, 2)),
		source: shop.NewSource(config.Seed, config.Rates, time.Now().Add(-time.Minute), 100*time.Microsecond),
	}
	r.lateTo, r.late = newBatches()
	for _, to := range config.To {
		connection, err := grpc.NewClient(to, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, fmt.Errorf("connect to %s: %w", to, err)
		}
		r.clients = append(r.clients, ptraceotlp.NewGRPCClient(connection))
	}
	return r, nil
}

// Send sends everything but what is late, no faster than the collectors take it.
func (r *Run) Send(ctx context.Context) error {
	ticker := time.NewTicker(r.config.Every)
	defer ticker.Stop()
	for {
		now := time.Now()
		if len(r.Sent) < r.config.Traces {
			r.draw(now)
		} else if len(r.waiting) == 0 {
			return nil
		}
		if err := r.sendDue(ctx, now); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// SendLate sends the spans that were held back.
func (r *Run) SendLate(ctx context.Context) error {
	for _, message := range r.late {
		if err := r.export(ctx, message); err != nil {
			return err
		}
	}
	return nil
}

// draw draws a wave of requests, and when each service sends its batch of their spans: the first at once.
func (r *Run) draw(now time.Time) {
	into, messages := newBatches()
	drawn := &wave{began: now, from: len(r.Sent)}
	for range min(r.config.Wave, r.config.Traces-len(r.Sent)) {
		r.play(r.source.Next(), into)
	}
	drawn.to = len(r.Sent)
	order := r.random.Perm(int(Services))
	for position, service := range order {
		r.shuffle(into[service])
		due := now
		if position > 0 {
			due = now.Add(r.upTo(r.config.Apart))
		}
		r.waiting = append(r.waiting, batch{messages[service], service, due, drawn})
		if r.random.Float64() < r.config.Repeated {
			again := due.Add(r.upTo(now.Add(r.config.Apart).Sub(due)))
			r.waiting = append(r.waiting, batch{messages[service], service, again, drawn})
		}
	}
}

func (r *Run) play(drawn shop.Request, into batches) {
	index := uint32(len(r.Sent))
	types := Articles
	if drawn.LooseTypes {
		types = Integers + Types(r.random.IntN(2))
	}
	id := traceID(r.random, index)
	sent := newSent(drawn, id, types)
	late := Service(-1)
	if r.random.Float64() < r.config.Late {
		late = Service(r.random.IntN(int(Services)))
		into[late] = r.lateTo[late] // into is a copy: the others of the wave are not late
	}
	of := request{Request: drawn, batches: into, sent: &sent, id: id, index: index}
	of.write()
	if late >= 0 {
		sent.holdBack(late)
	}
	r.Sent = append(r.Sent, sent)
}

// shuffle puts the spans in an order that depends on their IDs and on chance.
func (r *Run) shuffle(spans ptrace.SpanSlice) {
	factor := r.random.Uint64() | 1
	key := func(s ptrace.Span) uint64 {
		id := s.SpanID()
		return binary.BigEndian.Uint64(id[:]) * factor
	}
	spans.Sort(func(a, b ptrace.Span) bool { return key(a) < key(b) })
}

func (r *Run) upTo(d time.Duration) time.Duration {
	return time.Duration(r.random.Int64N(max(int64(d), 1)))
}

// sendDue sends the batches whose time has come: each service one after the other, in any order, all services at once.
func (r *Run) sendDue(ctx context.Context, now time.Time) error {
	var due [Services][]batch
	var waiting []batch
	for _, b := range r.waiting {
		if b.due.After(now) {
			waiting = append(waiting, b)
		} else {
			due[b.service] = append(due[b.service], b)
		}
	}
	r.waiting = waiting
	var failed [Services]error
	var group sync.WaitGroup
	for service, batches := range due {
		r.order.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
		group.Go(func() {
			for _, b := range batches {
				failed[service] = errors.Join(failed[service], r.export(ctx, b.Traces))
			}
		})
	}
	group.Wait()
	for _, batches := range due {
		for _, b := range batches {
			r.took(b.wave, time.Since(b.wave.began))
		}
	}
	return errors.Join(failed[:]...)
}

// took notes how long ago a wave's first batch was sent when another one was.
func (r *Run) took(w *wave, spread time.Duration) {
	if spread < r.config.AtMost {
		r.Spread = max(r.Spread, spread)
		return
	}
	for i := range r.Sent[w.from:w.to] {
		r.Sent[w.from+i].Unsure = true
	}
}

func (r *Run) export(ctx context.Context, traces ptrace.Traces) error {
	request := ptraceotlp.NewExportRequestFromTraces(traces)
	failed := make([]error, len(r.clients))
	var group sync.WaitGroup
	for i, client := range r.clients {
		group.Go(func() {
			answer, err := client.Export(ctx, request)
			if err != nil {
				failed[i] = fmt.Errorf("%s: %w", r.config.To[i], err)
			} else if n := answer.PartialSuccess().RejectedSpans(); n > 0 {
				failed[i] = fmt.Errorf("%s rejected %d spans: %s", r.config.To[i], n, answer.PartialSuccess().ErrorMessage())
			}
		})
	}
	group.Wait()
	return errors.Join(failed...)
}
