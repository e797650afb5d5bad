// Package arrivals reads the collector's own metrics about the spans that arrive: how many each dialect recognised,
// how many none did, which values were invalid, what was refused and what was lost.
//
// The metrics are read from the address that Prometheus scrapes. A registry within the process would have to be fed
// by every component, including those of others, and could not show a collector in another process.
//
// A Reader may be used concurrently. The caller owns the samples that Read returns; NewReport does not change them.
package arrivals

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Sample is one series of the collector's own metrics.
type Sample struct {
	Name   string
	Labels map[string]string
	Value  float64
}

// Reader reads the collector's own metrics. It may be used concurrently.
type Reader struct {
	// Endpoint is the URL, empty if there is none.
	Endpoint string
	client   http.Client
}

// NewReader returns a reader of a URL.
func NewReader(endpoint string) *Reader {
	return &Reader{Endpoint: endpoint, client: http.Client{Timeout: 2 * time.Second}}
}

const mostBytes = 32 << 20 // of a response

// Read fetches the samples whose names start with otelcol_.
func (r *Reader) Read(ctx context.Context) ([]Sample, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Endpoint, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "text/plain;version=0.0.4")
	answer, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("telemetry_endpoint: found the answer %q of %s, must be 200 OK; write the URL of the collector's own metrics", answer.Status, r.Endpoint)
	}
	return parse(io.LimitReader(answer.Body, mostBytes))
}

// Close closes idle connections.
func (r *Reader) Close() { r.client.CloseIdleConnections() }

// parse parses Prometheus' text format, version 0.0.4.
func parse(from io.Reader) (samples []Sample, _ error) {
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 64<<10), 1<<20)
	for lines.Scan() {
		if s, ok := parseLine(lines.Text()); ok {
			samples = append(samples, s)
		}
	}
	return samples, lines.Err()
}

// parseLine parses name{label="value",...} value. Lines that it cannot parse are comments or have another format;
// they are ignored.
func parseLine(line string) (s Sample, ok bool) {
	end := strings.IndexAny(line, "{ ")
	if end < 0 || !strings.HasPrefix(line, "otelcol_") {
		return s, false
	}
	s.Name, line = line[:end], line[end:]
	s.Labels = map[string]string{}
	if line[0] == '{' {
		line = line[1:]
		for {
			line = strings.TrimLeft(line, ", ")
			if strings.HasPrefix(line, "}") {
				line = line[1:]
				break
			}
			key, rest, found := strings.Cut(line, `="`)
			if !found {
				return s, false
			}
			value, rest, closed := quoted(rest)
			if !closed {
				return s, false
			}
			s.Labels[key] = value
			line = rest
		}
	}
	number, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	var err error
	s.Value, err = strconv.ParseFloat(number, 64)
	return s, err == nil
}

// quoted parses a label's value up to its closing quote.
func quoted(text string) (value, rest string, closed bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], true
		case c == '\\' && i+1 < len(text):
			i++
			if text[i] == 'n' {
				b.WriteByte('\n')
			} else {
				b.WriteByte(text[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}
