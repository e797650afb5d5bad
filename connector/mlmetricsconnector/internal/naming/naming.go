// Package naming knows what becomes of names in Prometheus, so that two
// metrics or labels that would become one are found before the collector starts.
package naming

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
)

var (
	metricName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]{0,254}$`)
	labelName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)
	underscores = regexp.MustCompile(`_+`)
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

// Metric tells what is wrong with the name of a metric.
func Metric(name string) error {
	if !metricName.MatchString(name) {
		return fmt.Errorf("%q is no metric name; write letters, digits and _ . - / with a letter first, 255 at most", name)
	}
	return nil
}

// Unit tells what is wrong with a unit beside a name.
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
	all := words(name)
	for i, word := range all {
		// A word before the last may mean something else, such as min or s, but not beside that very unit.
		short, last := abbreviations[word], i == len(all)-1
		if short != "" && (last || short == unit) || last && isUnit(word) && len(addUnit(all, unit)) > len(all) {
			return fmt.Errorf("%q beside the name's %q would give the name two units in Prometheus (as in _ms_milliseconds); leave the unit out, or take %q out of the name", unit, word, word)
		}
	}
	return nil
}

// Label tells what is wrong with the name of a label.
func Label(name string) error {
	if !labelName.MatchString(name) {
		return fmt.Errorf("%q is no label name; write letters, digits and _ . - / with a letter or _ first", name)
	}
	p := PrometheusLabel(name)
	if slices.Contains(reservedLabels, p) || strings.HasPrefix(escape(name), "__") || strings.HasPrefix(p, "otel_scope_") {
		return fmt.Errorf("%q is a label that Prometheus or its exporter sets; write another name", name)
	}
	return nil
}

// PrometheusLabel is the name of a label in Prometheus. Some ways there keep
// several underscores in a row and some do not; two names that differ in
// nothing else are too close in any case.
func PrometheusLabel(name string) string { return underscores.ReplaceAllString(escape(name), "_") }

// escape replaces what Prometheus does not have in names.
func escape(name string) string {
	return strings.Map(func(r rune) rune {
		if isWord(r) {
			return r
		}
		return '_'
	}, name)
}

// Series returns the names that a metric and its series have in Prometheus.
func Series(name, unit string, kind definition.Kind) []string {
	words := addUnit(words(name), unit)
	switch kind {
	case definition.Counter:
		words = without(words, "total")
		// The last is the name of the family, which has the help text.
		return []string{strings.Join(append(words, "total"), "_"), strings.Join(words, "_")}
	case definition.Histogram:
		base := strings.Join(words, "_")
		return []string{base, base + "_bucket", base + "_count", base + "_sum"}
	default:
		if unit == "1" {
			words = append(without(words, "ratio"), "ratio")
		}
		return []string{strings.Join(words, "_")}
	}
}

// Reserved tells that Prometheus or its exporter writes a series of this name.
func Reserved(series string) bool {
	return slices.Contains(reservedMetrics, series) || strings.HasPrefix(series, "scrape_")
}

// units are the names that Prometheus has for UCUM units; it writes others as they are.
var (
	units = map[string]string{
		"d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds",
		"By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes", "TiBy": "tibibytes",
		"KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes",
		"m": "meters", "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams",
		"Cel": "celsius", "Hz": "hertz", "1": "", "%": "percent",
	}
	perUnits = map[string]string{"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year"}
)

// addUnit appends a unit's words to those of a name that does not have them.
func addUnit(words []string, unit string) []string {
	unit, per, _ := strings.Cut(unit, "/")
	if w := unitWord(unit, units); w != "" && !slices.Contains(words, w) {
		words = append(words, w)
	}
	if w := unitWord(per, perUnits); w != "" && !slices.Contains(words, "per_"+w) {
		words = append(words, "per_"+w)
	}
	return words
}

// unitWord is a unit's name, empty for annotations such as {request}.
func unitWord(unit string, names map[string]string) string {
	unit = strings.TrimSpace(unit)
	if strings.ContainsAny(unit, "{}") {
		return ""
	}
	if name, ok := names[unit]; ok {
		return name
	}
	return strings.TrimPrefix(PrometheusLabel(unit), "_")
}

func isWord(r rune) bool { return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func without(words []string, word string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == word })
}

// words are the parts of a name.
func words(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return !isWord(r) })
}

func isUnit(word string) bool {
	return word != "" && slices.Contains(slices.Collect(maps.Values(units)), word)
}
