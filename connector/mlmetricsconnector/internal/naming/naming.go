// Package naming knows what becomes of names in Prometheus, so that two
// metrics or labels that would become one are found before the collector starts.
package naming

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
)

var (
	metricName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]{0,254}$`)
	labelName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)
	other      = regexp.MustCompile(`[^A-Za-z0-9]+`)
)

// abbreviations at the end of a name are units that Prometheus does not recognise as such.
var abbreviations = []string{"ns", "us", "ms", "s", "min", "h", "kb", "mb", "gb", "pct"}

// reservedLabels are those that Prometheus and its exporter set themselves.
var reservedLabels = []string{"le", "quantile", "job", "instance", "otel_metric_overflow"}

// Metric tells what is wrong with the name of a metric.
func Metric(name string) error {
	if !metricName.MatchString(name) {
		return fmt.Errorf("%q is no metric name; write letters, digits and _ . - / with a letter first, 255 at most", name)
	}
	return nil
}

// Unit tells what is wrong with a unit beside a name.
func Unit(name, unit string) error {
	if unit == "" || strings.HasPrefix(unit, "{") {
		return nil
	}
	if last := lastWord(name); slices.Contains(abbreviations, last) {
		return fmt.Errorf("%q beside the name's %q would give the name two units in Prometheus (as in _ms_milliseconds); leave the unit out, or take %q out of the name", unit, last, last)
	}
	return nil
}

// Label tells what is wrong with the name of a label.
func Label(name string) error {
	if !labelName.MatchString(name) {
		return fmt.Errorf("%q is no label name; write letters, digits and _ . - / with a letter first", name)
	}
	p := PrometheusLabel(name)
	if slices.Contains(reservedLabels, p) || strings.HasPrefix(p, "__") || strings.HasPrefix(p, "otel_scope_") {
		return fmt.Errorf("%q is a label that Prometheus or its exporter sets; write another name", name)
	}
	return nil
}

// PrometheusLabel is the name of a label in Prometheus.
func PrometheusLabel(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
}

// Series returns the names that a metric and its series have in Prometheus, its unit left aside.
func Series(name string, kind definition.Kind) []string {
	words := strings.Split(strings.Trim(other.ReplaceAllString(name, "_"), "_"), "_")
	base := strings.Join(words, "_")
	switch kind {
	case definition.Counter:
		return []string{strings.Join(append(slices.DeleteFunc(words, func(w string) bool { return w == "total" }), "total"), "_")}
	case definition.Histogram:
		return []string{base, base + "_bucket", base + "_count", base + "_sum"}
	default:
		return []string{base}
	}
}

func lastWord(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("_./-", r) })
	return words[len(words)-1]
}
