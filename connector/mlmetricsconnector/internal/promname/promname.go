// Package promname translates names of metrics and labels to Prometheus, with
// the translator of the Prometheus exporter, and checks them. Two names that
// would be the same in Prometheus are mistakes in a configuration.
//
// Metric, Unit and Label check one name each; Series and PrometheusLabel return
// translated names for the comparison of several. Errors have the form
// "found X, must be Y", to be put behind a key. All functions may be called
// concurrently.
package promname

import (
	"cmp"
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
	// reservedPrefix matches two characters that become underscores.
	reservedPrefix = regexp.MustCompile(`^[^A-Za-z0-9]{2}`)
)

// abbreviations maps abbreviations of units, which Prometheus does not recognise in names, to UCUM units.
var abbreviations = map[string]string{
	"ns": "ns", "nsec": "ns", "nanos": "ns", "us": "us", "usec": "us", "micros": "us", "ms": "ms", "msec": "ms", "msecs": "ms", "millis": "ms",
	"s": "s", "sec": "s", "secs": "s", "second": "s", "min": "min", "mins": "min", "minute": "min", "h": "h", "hr": "h", "hrs": "h", "hour": "h",
	"byte": "By", "kb": "KBy", "mb": "MBy", "gb": "GBy", "tb": "TBy", "kib": "KiBy", "mib": "MiBy", "gib": "GiBy", "tib": "TiBy", "pct": "%",
}

// ucum matches UCUM units: letters and some signs, / and . between them, annotations in braces.
var ucum = regexp.MustCompile(`^/?` + ucumTerm + `([/.]` + ucumTerm + `)*$`)

const ucumTerm = `([A-Za-z0-9%*^_'"()\[\]+-]+(\{[!-z|~]*\})?|\{[!-z|~]*\})`

// reservedLabels are labels that Prometheus and its exporter set.
var reservedLabels = []string{"le", "quantile", "job", "instance", "otel_metric_overflow"}

// reservedMetrics are metrics that Prometheus and its exporter write, besides scrape_*.
var reservedMetrics = []string{"up", "target_info", "otel_scope_info", "ALERTS", "ALERTS_FOR_STATE"}

// Metric returns an error if the name of a metric is invalid.
func Metric(name string) error {
	if !metricName.MatchString(name) {
		return fmt.Errorf("found %q, must be letters, digits and _ . - / with a letter first, at most 255", name)
	}
	return nil
}

// Unit returns an error if the unit is invalid, or would give the name a second unit.
func Unit(name, unit string) error {
	if unit == "" {
		return nil
	}
	if !ucum.MatchString(unit) {
		return fmt.Errorf("found %q, must be a UCUM unit such as ms, By, %%, By/s or {request}", unit)
	}
	if strings.HasPrefix(unit, "{") {
		return nil
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, word := range words {
		// A word before the last can mean something else, such as min or s, unless it is the unit itself.
		short, last := abbreviations[word], i == len(words)-1
		if short != "" && (last || short == unit) || last && isUnit(word) && adds(name, unit) {
			return fmt.Errorf("found %q, must be left out, because the name has %q and would get two units in Prometheus (as in _ms_milliseconds); remove the unit, or %q from the name", unit, word, word)
		}
	}
	return nil
}

// Label returns an error if the name of a label is invalid or reserved.
func Label(name string) error {
	if !labelName.MatchString(name) {
		return fmt.Errorf("found %q, must be letters, digits and _ . - / with a letter or _ first", name)
	}
	p := PrometheusLabel(name)
	if slices.Contains(reservedLabels, p) || reservedPrefix.MatchString(name) || strings.HasPrefix(p, "otel_scope_") {
		return fmt.Errorf("found %q, must be another name: Prometheus or its exporter sets this label", name)
	}
	return nil
}

// PrometheusLabel returns the name of a label in Prometheus, with one underscore
// in place of several: some exporters keep several and some do not.
func PrometheusLabel(name string) string {
	label, _ := labelNamer.Build(name) // empty if the name has underscores only
	return cmp.Or(label, "_")
}

// Series returns the names that a metric and its series have in Prometheus.
func Series(name, unit string, kind metric.Kind) []string {
	switch kind {
	case metric.Counter:
		total := full(name, unit, otlptranslator.MetricTypeMonotonicCounter)
		// The second is the name of the metric family, which has the help text.
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

// full returns the name in Prometheus with unit and suffix.
func full(name, unit string, kind otlptranslator.MetricType) string {
	full, _ := metricNamer.Build(otlptranslator.Metric{Name: name, Unit: unit, Type: kind})
	return cmp.Or(full, name) // empty if the name has no letter or digit; Metric refuses it
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

// adds reports whether the unit is appended to the name in Prometheus.
func adds(name, unit string) bool {
	return full(name, unit, otlptranslator.MetricTypeHistogram) != full(name, "", otlptranslator.MetricTypeHistogram)
}
