// Package scrape reads a Prometheus endpoint, remembers what it read, and
// answers PromQL over that with Prometheus' own engine.
package scrape

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// Sample is one line of an exposition.
type Sample struct {
	Labels labels.Labels
	Value  float64
}

// Samples is one exposition.
type Samples []Sample

// accept asks for OpenMetrics first, as Prometheus does.
const accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"

// Fetch reads the endpoint at a URL.
func Fetch(ctx context.Context, url string) (Samples, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", url, response.Status)
	}
	return parse(body, response.Header.Get("Content-Type"))
}

func parse(body []byte, contentType string) (Samples, error) {
	parser, err := textparse.New(body, contentType, nil, textparse.ParserOptions{FallbackContentType: "text/plain"})
	if parser == nil {
		return nil, fmt.Errorf("content type %q: %w", contentType, err)
	}
	var samples Samples
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return samples, nil
		}
		if err != nil {
			return nil, err
		}
		if entry != textparse.EntrySeries {
			continue
		}
		_, _, value := parser.Series()
		var of labels.Labels
		parser.Labels(&of)
		samples = append(samples, Sample{Labels: of, Value: value})
	}
}

// Sum adds the values of a metric's series that carry the labels, given as name, value, name, value.
func (s Samples) Sum(metric string, nameValues ...string) float64 {
	var sum float64
	for _, sample := range s {
		if sample.Labels.Get(model.MetricNameLabel) == metric && carries(sample.Labels, nameValues) {
			sum += sample.Value
		}
	}
	return sum
}

// By adds the values of a metric's series for each value of a label.
func (s Samples) By(metric, label string, nameValues ...string) map[string]float64 {
	by := map[string]float64{}
	for _, sample := range s {
		if sample.Labels.Get(model.MetricNameLabel) == metric && carries(sample.Labels, nameValues) {
			by[sample.Labels.Get(label)] += sample.Value
		}
	}
	return by
}

func carries(of labels.Labels, nameValues []string) bool {
	for i := 0; i+1 < len(nameValues); i += 2 {
		if of.Get(nameValues[i]) != nameValues[i+1] {
			return false
		}
	}
	return true
}
