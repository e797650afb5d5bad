package browser

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// played is a running collector and what was sent to it, the article's request first.
type played struct {
	*collector.Collector
	sent []shop.Sent
}

const requests = 1500

// play starts the collector, sends it the demo's traffic, and waits until the page has all of it.
func play(t *testing.T) *played {
	t.Helper()
	running := stack.StartCollector(t, stack.CollectorOptions(t, stack.FastFlush))
	services, err := shop.Open(t.Context(), shop.Config{Endpoint: running.GRPC})
	require.NoError(t, err)
	began := time.Now().Add(-time.Minute)
	p := &played{running, []shop.Sent{services.Play(shop.ArticleRequest(began))}}
	rates := shop.ArticleRates
	rates.Failed, rates.ColdStart = 0.01, 0.01 // so that there are a few of each
	source := shop.NewSource(7, rates, began, 20*time.Millisecond)
	for range requests {
		p.sent = append(p.sent, services.Play(source.Next()))
	}
	require.NoError(t, services.Close(t.Context()))
	p.until(t, "/?window=start", `<dd id="count">`+grouped(len(p.sent))+`<`)
	for signal, n := range p.signals() {
		p.until(t, "/traces?signal="+signal, fmt.Sprintf(`id="found">%d of `, n))
	}
	return p
}

// until waits for a text on a page.
func (p *played) until(t *testing.T, path, text string) {
	t.Helper()
	stack.Until(t, p.Process, fmt.Sprintf("%q on %s", text, path), func(ctx context.Context) error {
		body, err := get(ctx, p.url(path))
		if err == nil && !strings.Contains(body, text) {
			err = fmt.Errorf("the page has no %q", text)
		}
		return err
	})
}

func (p *played) url(path string) string { return strings.TrimSuffix(p.ViewURL(), "/") + path }

func get(ctx context.Context, address string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", address, answer.Status)
	}
	return string(body), err
}

// signals counts the requests that show each signal.
func (p *played) signals() map[string]int {
	signals := map[string]int{}
	for _, s := range p.sent {
		for signal, n := range s.Signals() {
			signals[signal] += n
		}
	}
	return signals
}

// count is how many requests meet a condition.
func (p *played) count(condition func(shop.Sent) bool) (n int) {
	for _, s := range p.sent {
		if condition(s) {
			n++
		}
	}
	return n
}

// mean is the mean of a time over all requests, in ms.
func (p *played) mean(of func(shop.Sent) time.Duration) float64 {
	var sum time.Duration
	for _, s := range p.sent {
		sum += of(s)
	}
	return shop.Milliseconds(sum) / float64(len(p.sent))
}

// grouped is a whole number as the page writes it.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u00a0" + text[i:]
	}
	return text
}

// span is a span of OTLP JSON, for what no service of the demo sends.
type span struct {
	trace, id, parent, name string
	from, to                time.Duration // after the trace's start
	attributes              map[string]any
	failed                  bool
	event                   string
}

// send sends spans of one service over OTLP/HTTP.
func (p *played) send(t *testing.T, resource map[string]any, scope string, began time.Time, spans ...span) {
	t.Helper()
	var encoded []map[string]any
	for _, s := range spans {
		at := func(d time.Duration) string { return strconv.FormatInt(began.Add(d).UnixNano(), 10) }
		one := map[string]any{
			"traceId": id(s.trace, 16), "spanId": id(s.id, 8), "name": s.name, "kind": 1,
			"startTimeUnixNano": at(s.from), "endTimeUnixNano": at(s.to), "attributes": attributes(s.attributes),
		}
		if s.parent != "" {
			one["parentSpanId"] = id(s.parent, 8)
		}
		if s.failed {
			one["status"] = map[string]any{"code": 2, "message": s.name}
		}
		if s.event != "" {
			one["events"] = []any{map[string]any{"timeUnixNano": at(s.from), "name": s.event, "attributes": attributes(map[string]any{s.event: s.event})}}
		}
		encoded = append(encoded, one)
	}
	body, err := json.Marshal(map[string]any{"resourceSpans": []any{map[string]any{
		"resource":   map[string]any{"attributes": attributes(resource)},
		"scopeSpans": []any{map[string]any{"scope": map[string]any{"name": scope}, "spans": encoded}},
	}}})
	require.NoError(t, err)
	answer, err := http.Post("http://"+p.HTTP+"/v1/traces", "application/json", bytes.NewReader(body))
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
}

func id(text string, bytes int) string {
	b := make([]byte, bytes)
	copy(b, text)
	return hex.EncodeToString(b)
}

func attributes(m map[string]any) []any {
	all := []any{}
	for key, value := range m {
		kind := "stringValue"
		switch value.(type) {
		case bool:
			kind = "boolValue"
		case float64:
			kind = "doubleValue"
		}
		all = append(all, map[string]any{"key": key, "value": map[string]any{kind: value}})
	}
	return all
}

func escaped(text string) string { return url.QueryEscape(text) }
