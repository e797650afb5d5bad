package supervise

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Snapshot keeps the last configuration with which the collector has started.
type Snapshot struct {
	mu sync.Mutex
	// last is the configuration that was resolved last, good the last one that the collector started with.
	last, good map[string]any
	ready      chan struct{}
}

// Factory returns the factory of a converter that does not change the configuration and records it.
func (s *Snapshot) Factory() confmap.ConverterFactory {
	return confmap.NewConverterFactory(func(confmap.ConverterSettings) confmap.Converter { return converter{s} })
}

type converter struct{ *Snapshot }

// Convert records the configuration.
func (c converter) Convert(_ context.Context, conf *confmap.Conf) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = conf.ToStringMap()
	return nil
}

// readyMessage is the message that the collector's library logs after its start.
const readyMessage = "Everything is ready. Begin running and processing data."

// Hook returns an option of the collector's logger that notices the start.
func (s *Snapshot) Hook() zap.Option {
	return zap.Hooks(func(e zapcore.Entry) error {
		if e.Message == readyMessage {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.ready != nil {
				close(s.ready)
				s.ready = nil
			}
		}
		return nil
	})
}

// expect returns a channel that is closed when the collector has started the next time.
func (s *Snapshot) expect() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = make(chan struct{})
	return s.ready
}

// keep records that the configuration that was resolved last works.
func (s *Snapshot) keep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.good = s.last
}

// changed reports whether what was resolved last differs from what has worked.
func (s *Snapshot) changed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !reflect.DeepEqual(s.last, s.good)
}

func (s *Snapshot) worked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.good != nil
}

// args returns the arguments that start the collector with the last configuration that worked.
func (s *Snapshot) args() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := json.Marshal(escaped(s.good))
	if err != nil { // it came from YAML
		panic(err)
	}
	return []string{"--config", "yaml:" + string(text)}
}

// escaped doubles all dollar signs, because the text is already expanded and will be expanded again.
func escaped(v any) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, "$", "$$")
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = escaped(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key := range v {
			out[key] = escaped(v[key])
		}
		return out
	default:
		return v
	}
}

var queueSize = regexp.MustCompile(`(?m)^otelcol_exporter_queue_size\{.*?exporter="([^"]*)".*?\} ([0-9.e+]+)$`)

// queued reads the queue sizes of the exporters from the collector's own telemetry, which is served until the end of
// the shutdown.
func (s *Snapshot) queued() []string {
	s.mu.Lock()
	address := telemetryAddress(s.good)
	s.mu.Unlock()
	if address == "" {
		return nil
	}
	client := http.Client{Timeout: time.Second}
	response, err := client.Get("http://" + address + "/metrics")
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return nil
	}
	var queued []string
	for _, m := range queueSize.FindAllStringSubmatch(string(text), -1) {
		if m[2] != "0" {
			queued = append(queued, fmt.Sprintf("%s: %s requests", m[1], m[2]))
		}
	}
	return queued
}

// telemetryAddress returns the address of the collector's own metrics, empty if there is none.
func telemetryAddress(config map[string]any) string {
	conf := confmap.NewFromStringMap(config)
	readers, _ := conf.Get("service::telemetry::metrics::readers").([]any)
	for _, r := range readers {
		reader, _ := r.(map[string]any)
		if reader == nil {
			continue
		}
		prometheus := confmap.NewFromStringMap(reader)
		host, port := prometheus.Get("pull::exporter::prometheus::host"), prometheus.Get("pull::exporter::prometheus::port")
		if host != nil && port != nil {
			return net.JoinHostPort(fmt.Sprint(host), fmt.Sprint(port))
		}
	}
	return ""
}
