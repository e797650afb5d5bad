// Package promname checks names of metrics and labels by what becomes of them
// in Prometheus, so that a configuration in which two of them would become one
// is refused.
package promname

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/prometheus/otlptranslator"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
)

var (
	metricName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]{0,254}$`)
	labelName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)
	// reservedPrefix is two characters that become underscores.
	reservedPrefix = regexp.MustCompile(`^[^A-Za-z0-9]{2}`)
)

// abbreviations in a name are units that Prometheus does not recognise as such. The value is the UCUM unit.
var abbreviations = map[string]string{
	"ns": "ns", "nsec": "ns", "nanos": "ns", "us": "us", "usec": "us", "micros": "us", "ms": "ms", "msec": "ms", "msecs": "ms", "millis": "ms",
	"s": "s", "sec": "s", "secs": "s", "second": "s", "min": "min", "mins": "min", "minute": "min", "h": "h", "hr": "h", "hrs": "h", "hour": "h",
	"byte": "By", "kb": "KBy", "mb": "MBy", "gb": "GBy", "tb": "TBy", "kib": "KiBy", "mib": "MiBy", "gib": "GiBy", "tib": "TiBy", "pct": "%",
}

// ucum is what units look like: letters and some signs, / and . between them, annotations in braces.
var ucum = regexp.MustCompile(`^/?` + ucumTerm + `([/.]` + ucumTerm + `)*$`)

const ucumTerm = `([A-Za-z0-9%*^_'"()\[\]+-]+(\{[!-z|~]*\})?|\{[!-z|~]*\})`

// reservedLabels are those that Prometheus and its exporter set themselves.
var reservedLabels = []string{"le", "quantile", "job", "instance", "otel_metric_overflow"}

// reservedMetrics are those that Prometheus and its exporter write themselves, besides scrape_*.
var reservedMetrics = []string{"up", "target_info", "otel_scope_info", "ALERTS", "ALERTS_FOR_STATE"}

// Metric returns an error that says what is wrong with the name of a metric.
func Metric(name string) error {
	if !metricName.MatchString(name) {
		return fmt.Errorf("%q is no metric name; write letters, digits and _ . - / with a letter first, 255 at most", name)
	}
	return nil
}

// Unit returns an error that says what is wrong with a unit beside a name.
func Unit(name, unit string) error {
	if unit == "" {
		return nil
	}
	if !ucum.MatchString(unit) {
		return fmt.Errorf("%q is no UCUM unit; write one such as ms, By, %%, By/s or {request}", unit)
	}
	if strings.HasPrefix(unit, "{") {
		return nil
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, word := range words {
		// A word before the last may mean something else, such as min or s, but not beside that very unit.
		short, last := abbreviations[word], i == len(words)-1
		if short != "" && (last || short == unit) || last && isUnit(word) && adds(name, unit) {
			return fmt.Errorf("%q beside the name's %q would give the name two units in Prometheus (as in _ms_milliseconds); leave the unit out, or take %q out of the name", unit, word, word)
		}
	}
	return nil
}

// Label returns an error that says what is wrong with the name of a label.
func Label(name string) error {
	if !labelName.MatchString(name) {
		return fmt.Errorf("%q is no label name; write letters, digits and _ . - / with a letter or _ first", name)
	}
	p := PrometheusLabel(name)
	if slices.Contains(reservedLabels, p) || reservedPrefix.MatchString(name) || strings.HasPrefix(p, "otel_scope_") {
		return fmt.Errorf("%q is a label that Prometheus or its exporter sets; write another name", name)
	}
	return nil
}

// PrometheusLabel is the name of a label in Prometheus. Some exporters keep
// several underscores in a row and some do not; two names that differ in
// nothing else are too close in any case.
func PrometheusLabel(name string) string {
	label, err := labelNamer.Build(name)
	if err != nil { // it has underscores only
		return "_"
	}
	return label
}

// Series returns the names that a metric and its series have in Prometheus.
func Series(name, unit string, kind metric.Kind) []string {
	switch kind {
	case metric.Counter:
		total := full(name, unit, otlptranslator.MetricTypeMonotonicCounter)
		// The second is the name of the family, which has the help text.
		return []string{total, strings.TrimSuffix(total, "_total")}
	case metric.Histogram:
		base := full(name, unit, otlptranslator.MetricTypeHistogram)
		return []string{base, base + "_bucket", base + "_count", base + "_sum"}
	default:
		return []string{full(name, unit, otlptranslator.MetricTypeGauge)}
	}
}

// Reserved reports whether Prometheus or its exporter writes a series of this name.
func Reserved(series string) bool {
	return slices.Contains(reservedMetrics, series) || strings.HasPrefix(series, "scrape_")
}

// The namers are those of the Prometheus exporter with its default translation strategy.
var (
	metricNamer = otlptranslator.NewMetricNamer("", otlptranslator.UnderscoreEscapingWithSuffixes)
	labelNamer  = otlptranslator.LabelNamer{}
	unitNamer   = otlptranslator.UnitNamer{}
)

// full is the name in Prometheus, unit and suffix included.
func full(name, unit string, kind otlptranslator.MetricType) string {
	full, err := metricNamer.Build(otlptranslator.Metric{Name: name, Unit: unit, Type: kind})
	if err != nil { // it has no letter or digit, which Metric refuses
		return name
	}
	return full
}

// units are the UCUM units that have a name in Prometheus.
var units = []string{
	"d", "h", "min", "s", "ms", "us", "ns", "By", "KiBy", "MiBy", "GiBy", "TiBy", "KBy", "MBy", "GBy", "TBy",
	"m", "V", "A", "J", "W", "g", "Cel", "Hz", "%",
}

// isUnit reports whether a word is the name of a unit.
func isUnit(word string) bool {
	return slices.ContainsFunc(units, func(unit string) bool { return unitNamer.Build(unit) == word })
}

// adds reports whether the name in Prometheus gets the unit's name besides its own words.
func adds(name, unit string) bool {
	return full(name, unit, otlptranslator.MetricTypeHistogram) != full(name, "", otlptranslator.MetricTypeHistogram)
}
