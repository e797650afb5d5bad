package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
)

type soakOptions struct {
	binary       string
	configs      []string
	memory, text int
	duration     time.Duration
	connections  int
	// rate is in spans a second, and cores is how many the collector has, 0 for no bound.
	rate  float64
	cores int
}

// result is what came of a run.
type result struct {
	spanBytes int
	// rate is of accepted spans. refused is the share of answers, limited that of memory_limiter, and lost the share of requests
	// that were refused until their client gave up.
	rate, refused, limited, lost float64
	peak                         uint64
	early                        float64
	// counted says whether the metrics equal what was accepted.
	counted string
	// telling are the traces of accepted requests that are to be kept. kept are all that were, dropped those that the sampler dropped because memory was short or its policies too slow.
	telling, kept, dropped float64
	// unheld are spans that the sampler did not even take.
	unheld float64
	// recovery is how long after the load a request was taken.
	recovery time.Duration
}

func soak(ctx context.Context, o soakOptions) (r result, err error) {
	requests, err := newTemplates(o.text)
	if err != nil {
		return r, err
	}
	r.spanBytes = len(requests[0].data) / spansPerRequest
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	binary, err := filepath.Abs(o.binary)
	if err != nil {
		return r, err
	}
	if o.cores > 0 {
		if binary, err = onCores(dir, binary, o.cores); err != nil {
			return r, err
		}
	}
	var group *group
	if o.memory > 0 {
		if group, err = newGroup(int64(o.memory) << 20); err != nil {
			return r, err
		}
		defer group.remove()
		if binary, err = group.wrap(dir, binary); err != nil {
			return r, err
		}
	}
	addresses, err := collector.FreeAddresses()
	if err != nil {
		return r, err
	}
	c, err := collector.Start(ctx, collector.Options{
		Binary: binary, Configs: o.configs, Addresses: addresses, DataDir: dir, Log: dir + "/log",
		Env: []string{"OTELCOL_ML_DECISION_WAIT=10s"},
	})
	if err != nil {
		return r, err
	}
	defer func() {
		ended, cancel := context.WithTimeout(context.Background(), 40*time.Second)
		defer cancel()
		_ = c.Stop(ended)
	}()
	sent, err := send(ctx, addresses.GRPC, requests, o)
	if err != nil {
		return r, fmt.Errorf("%w\n%s", err, c.Tail(5))
	}
	accepted, refused := sent.accepted.Load()*spansPerRequest, sent.refused.Load()
	r.rate = float64(accepted) / o.duration.Seconds()
	r.refused = float64(refused) / max(1, float64(refused+sent.accepted.Load()))
	r.lost = float64(sent.givenUp.Load()) / max(1, float64(sent.givenUp.Load()+sent.accepted.Load()))
	r.telling = float64(sent.telling.Load())
	if r.recovery, err = recovers(ctx, addresses.GRPC, requests[0]); err != nil {
		return r, fmt.Errorf("%w\n%s", err, c.Tail(5))
	}
	accepted += spansPerRequest
	r.telling += float64(requests[0].telling)
	if group != nil {
		r.peak = group.peak()
	}
	// The next flush has everything.
	deadline := time.Now().Add(2 * time.Minute)
	for {
		metrics, err := c.Metrics(ctx)
		if err == nil {
			unsure := sent.unsure.Load() * spansPerRequest
			if counted := uint64(metrics.Sum("duration_ms_count")); counted >= accepted && counted <= accepted+unsure {
				r.counted = "all"
				break
			} else if time.Now().After(deadline) {
				r.counted = fmt.Sprintf("%d of %d", counted, accepted)
				break
			}
		} else if time.Now().After(deadline) {
			return r, err
		}
		time.Sleep(time.Second)
	}
	// After decision_wait all is decided.
	var telemetry scrape.Samples
	for {
		telemetry, err = c.Telemetry(ctx)
		if s := collector.SamplingOf(telemetry); err == nil && s.Arrived == s.Decided {
			break
		} else if time.Now().After(deadline) {
			return r, fmt.Errorf("%d of %d traces are decided", s.Decided, s.Arrived)
		}
		time.Sleep(time.Second)
	}
	r.limited = telemetry.Sum("otelcol_receiver_refused_spans") / max(1, float64(accepted)+spansPerRequest*float64(refused))
	r.early = telemetry.Sum("otelcol_processor_mltailsampling_decided_early")
	dropped := func(reason string) float64 {
		return telemetry.Sum("otelcol_processor_mltailsampling_dropped_traces", "reason", reason)
	}
	r.dropped = dropped("overload") + dropped("memory")
	r.unheld = telemetry.Sum("otelcol_processor_mltailsampling_dropped_spans")
	r.kept = telemetry.Sum("otelcol_processor_tail_sampling_global_count_traces_sampled", "sampled", "true")
	return r, nil
}

// wrong returns what must not be: accepted spans that are not counted, telling traces that are neither kept nor counted as dropped,
// and a collector that takes long to recover.
func (r result) wrong() error {
	var errs []error
	if r.counted != "all" {
		errs = append(errs, fmt.Errorf("counted: found %s, must be all", r.counted))
	}
	if r.kept+r.dropped+r.unheld < r.telling {
		errs = append(errs, fmt.Errorf("kept: found %.0f traces, and %.0f dropped, must be at least the %.0f that tell", r.kept, r.dropped, r.telling))
	}
	if r.recovery > recoverWithin {
		errs = append(errs, fmt.Errorf("recovery: found %v, must be at most %v", r.recovery, recoverWithin))
	}
	return errors.Join(errs...)
}

// recoverWithin is how long after the load a request may take.
const recoverWithin = 10 * time.Second

const export = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// Clients send a request again as OpenTelemetry's SDKs do: a second later, twice as long after that, and so on, until
// ten seconds are over, which is the SDKs' timeout.
const (
	firstRetry = time.Second
	giveUp     = 10 * time.Second
)

// sent is what came of requests. refused are answers. unsure are requests that took longer than request_timeout: they may have
// been accepted.
type sent struct{ accepted, refused, givenUp, unsure, telling atomic.Uint64 }

// send sends for a while, as fast as requests are answered.
func send(ctx context.Context, address string, requests []template, o soakOptions) (*sent, error) {
	ctx, cancel := context.WithTimeout(ctx, o.duration+time.Minute)
	defer cancel()
	var next atomic.Uint64
	var all sent
	var failed atomic.Pointer[error]
	began := time.Now()
	until := began.Add(o.duration)
	var wait sync.WaitGroup
	for range o.connections {
		wait.Go(func() {
			conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				failed.Store(&err)
				return
			}
			defer conn.Close()
			var buffer []byte
			for time.Now().Before(until) && failed.Load() == nil {
				n := next.Add(1)
				if o.rate > 0 {
					due := began.Add(time.Duration(float64(n*spansPerRequest) / o.rate * float64(time.Second)))
					if due.After(until) {
						return
					}
					time.Sleep(time.Until(due))
				}
				template := &requests[n%templates]
				buffer = template.request(n, buffer)
				if err := all.send(ctx, conn, buffer, template.telling); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wait.Wait()
	if e := failed.Load(); e != nil {
		return nil, *e
	}
	return &all, nil
}

// send sends a request until it is accepted, or given up.
func (s *sent) send(ctx context.Context, conn *grpc.ClientConn, request []byte, telling uint64) error {
	began := time.Now()
	for retry := firstRetry; ; retry *= 2 {
		var answer []byte
		err := conn.Invoke(ctx, export, request, &answer, grpc.ForceCodecV2(raw{}))
		switch {
		case status.Code(err) == codes.DeadlineExceeded:
			s.unsure.Add(1)
			return nil
		case err == nil:
			s.accepted.Add(1)
			s.telling.Add(telling)
			return nil
		case status.Code(err) != codes.Unavailable || strings.Contains(err.Error(), "connection"):
			return err
		}
		s.refused.Add(1)
		if time.Since(began)+retry > giveUp {
			s.givenUp.Add(1)
			return nil
		}
		select {
		case <-time.After(retry/2 + rand.N(retry)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// recovers returns how long it takes until a request is taken.
func recovers(ctx context.Context, address string, t template) (time.Duration, error) {
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	began := time.Now()
	for {
		var answer []byte
		err := conn.Invoke(ctx, export, t.request(1<<40, nil), &answer, grpc.ForceCodecV2(raw{}))
		if err == nil {
			return time.Since(began), nil
		}
		if time.Since(began) > time.Minute {
			return 0, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// raw is a codec of requests that are encoded already.
type raw struct{}

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}
func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}
func (raw) Name() string { return "proto" }

// onCores returns a program that starts another one on the first cores alone.
func onCores(dir, binary string, cores int) (string, error) {
	path := dir + "/on-cores"
	script := fmt.Sprintf("#!/bin/sh\nexec taskset -c 0-%d %s \"$@\"\n", cores-1, binary)
	return path, os.WriteFile(path, []byte(script), 0o755)
}

// group is a control group with a limit of memory.
type group struct {
	dir string
	v2  bool
}

func newGroup(limit int64) (*group, error) {
	g := &group{dir: fmt.Sprintf("/sys/fs/cgroup/memory/otelcol-ml-soak-%d", os.Getpid())}
	file := "memory.limit_in_bytes"
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		g.v2, g.dir, file = true, fmt.Sprintf("/sys/fs/cgroup/otelcol-ml-soak-%d", os.Getpid()), "memory.max"
	}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return nil, fmt.Errorf("control group: %w; run as root, or with -memory 0", err)
	}
	return g, os.WriteFile(g.dir+"/"+file, []byte(strconv.FormatInt(limit, 10)), 0o644)
}

// wrap returns a program that starts another one in the group.
func (g *group) wrap(dir, binary string) (string, error) {
	path := dir + "/in-group"
	script := fmt.Sprintf("#!/bin/sh\necho $$ > %s/cgroup.procs\nexec %s \"$@\"\n", g.dir, binary)
	return path, os.WriteFile(path, []byte(script), 0o755)
}

// peak is the most memory that the group has used.
func (g *group) peak() uint64 {
	file := "memory.max_usage_in_bytes"
	if g.v2 {
		file = "memory.peak"
	}
	text, _ := os.ReadFile(g.dir + "/" + file)
	n, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return n
}

func (g *group) remove() { _ = os.Remove(g.dir) }
