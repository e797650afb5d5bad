package mlmetricsconnector

import (
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
)

// Config is the configuration of the connector. The zero configuration of the
// YAML, `mlmetrics: {}`, is the one of createDefaultConfig.
type Config struct {
	// FlushInterval is the time between two exports of all series. At least 1ms, default 15s.
	FlushInterval time.Duration `mapstructure:"metrics_flush_interval"`
	// Temporality is cumulative (for Prometheus, the default) or delta.
	Temporality string `mapstructure:"aggregation_temporality"`
	// SeriesLimit is the largest number of series of each metric. Further label sets go to its overflow series. 0: no limit. Default 10,000.
	SeriesLimit int `mapstructure:"series_limit"`
	// LabelLengthLimit is the largest number of bytes of a label's value. A longer one is cut between two characters. 0: no limit. Default 256.
	LabelLengthLimit int `mapstructure:"label_length_limit"`
	// SeriesExpiration is how long a series may be idle before it is dropped. 0: never. Otherwise at least FlushInterval. Default 15m.
	SeriesExpiration time.Duration `mapstructure:"series_expiration"`
	// AdjustedCounts weights spans of sampled traces by the sampling threshold in their W3C trace state. Default true.
	AdjustedCounts bool `mapstructure:"adjusted_counts"`
	// Histograms is the form of all histograms.
	Histograms HistogramsConfig `mapstructure:"histograms"`
	// Instance distinguishes the series of this collector from those of others.
	Instance InstanceConfig `mapstructure:"instance"`
	// GenAI adds the metrics of the OpenTelemetry GenAI conventions. Default false.
	GenAI bool `mapstructure:"genai_conventions"`
	// Metrics changes built-in metrics and adds others, by name.
	Metrics map[string]MetricConfig `mapstructure:"metrics"`
}

// Unmarshal decodes the settings. A mistyped key is an error that names the keys that are allowed.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	if conf.IsSet("exemplars") {
		return errors.New("exemplars: found settings that are gone, must be left out: exemplars come from the traces that were kept; " +
			"put the exporter mlexemplars into the pipeline behind the sampler, or beside mlmetrics where every trace is stored")
	}
	return knownkeys.Unmarshal(conf, c)
}

// HistogramsConfig is the form of histograms.
type HistogramsConfig struct {
	// Type is explicit (default), exponential or both.
	Type metric.Form `mapstructure:"type"`
	// MaxSize is the largest number of exponential buckets for either sign. 136 to 1000, default 160 (the default of OpenTelemetry SDKs).
	MaxSize int `mapstructure:"max_size"`
	// MinMax adds the smallest and the largest value to exponential histograms. Default true.
	MinMax bool `mapstructure:"min_max"`
	// ExponentialSuffix is appended to the name of the exponential histogram if Type is both. Default .exponential.
	ExponentialSuffix string `mapstructure:"exponential_suffix"`
}

// InstanceConfig is a label on every series.
type InstanceConfig struct {
	// Label is the label's name. Empty: no label. Default collector.instance.
	Label string `mapstructure:"label"`
	// ID is the label's value. Empty (default): the host name, followed by the connector's name if it has one.
	ID string `mapstructure:"id"`
}

// MetricConfig changes a built-in metric or defines another one.
type MetricConfig struct {
	// Enabled: false disables a built-in metric. Default true.
	Enabled *bool `mapstructure:"enabled"`
	// Kind is histogram, counter or gauge.
	Kind string `mapstructure:"kind"`
	// Description is the help text of the metric.
	Description string `mapstructure:"description"`
	// Unit is a UCUM unit, such as ms, By or {request}. It is the unit of the observed values, except that durations
	// are converted to s.
	Unit string `mapstructure:"unit"`
	// Attribute is the key of the number to observe. From is where it is read from: span, resource, event or
	// span_or_resource. Default: event for metrics of events, else span_or_resource.
	Attribute string `mapstructure:"attribute"`
	From      string `mapstructure:"from"`
	// Duration observes the span's duration instead of an attribute.
	Duration bool `mapstructure:"duration"`
	// Event is the name of the span events to look at instead of the span.
	Event string `mapstructure:"event"`
	// Split observes several attributes in one metric.
	Split *SplitConfig `mapstructure:"split"`
	// Min and Max are the smallest and the largest valid value, inclusive. Others are counted as invalid. Default for
	// histograms and counters: up to 1e15, counters from 0.
	Min *float64 `mapstructure:"min"`
	Max *float64 `mapstructure:"max"`
	// Buckets are the upper bounds of a histogram, inclusive, in rising order, at most 255, in the unit of the metric.
	Buckets []float64 `mapstructure:"buckets"`
	// Histogram is the form of this histogram: explicit, exponential or both.
	Histogram metric.Form `mapstructure:"histogram"`
	// Labels are added to the common ones.
	Labels []LabelConfig `mapstructure:"labels"`
	// When lists conditions, all of which must hold.
	When []ConditionConfig `mapstructure:"when"`
	// Spans is ml, for spans of ML pipelines, or all.
	Spans string `mapstructure:"spans"`
	// SeriesLimit and SeriesExpiration replace those of the connector. 0: no limit, and never.
	SeriesLimit      *int           `mapstructure:"series_limit"`
	SeriesExpiration *time.Duration `mapstructure:"series_expiration"`
}

// SplitConfig observes several attributes in one metric, with a label for each.
type SplitConfig struct {
	// Label is the name of the label.
	Label string `mapstructure:"label"`
	// Attributes maps a value of the label to the key of an attribute.
	Attributes map[string]string `mapstructure:"attributes"`
}

// LabelConfig is a label of a metric.
type LabelConfig struct {
	// Attribute is the key of an attribute, or span.name, span.kind or status.code.
	Attribute string `mapstructure:"attribute"`
	// From is where it is read from: span, resource, event or span_or_resource. Default: event for metrics of events, else span_or_resource.
	From string `mapstructure:"from"`
	// Name is the label's name. Empty: the attribute's key.
	Name string `mapstructure:"name"`
	// Default is the value if the attribute is absent. Empty: the label is left out.
	Default string `mapstructure:"default"`
}

// ConditionConfig is a test on an attribute. All the tests that are set must hold.
type ConditionConfig struct {
	// Attribute is the key of an attribute, or span.name, span.kind or status.code.
	Attribute string `mapstructure:"attribute"`
	// From is where it is read from: span, resource, event or span_or_resource. Default: event for metrics of events, else span_or_resource.
	From string `mapstructure:"from"`
	// Exists requires that the attribute is present (true) or absent (false).
	Exists *bool `mapstructure:"exists"`
	// Equals, NotEquals, In and NotIn compare texts, numbers and bools by their text.
	Equals    any   `mapstructure:"equals"`
	NotEquals any   `mapstructure:"not_equals"`
	In        []any `mapstructure:"in"`
	NotIn     []any `mapstructure:"not_in"`
	// Matches is a regular expression (RE2) that must match a part of the text.
	Matches string `mapstructure:"matches"`
	// Min and Max are the bounds of a number, inclusive.
	Min *float64 `mapstructure:"min"`
	Max *float64 `mapstructure:"max"`
}

const (
	cumulative = "cumulative"
	delta      = "delta"

	defaultExpiration = 15 * time.Minute
)

func createDefaultConfig() component.Config {
	return &Config{
		FlushInterval:    15 * time.Second,
		Temporality:      cumulative,
		SeriesLimit:      10_000,
		LabelLengthLimit: 256,
		SeriesExpiration: defaultExpiration,
		AdjustedCounts:   true,
		Histograms:       HistogramsConfig{Type: metric.Explicit, MaxSize: 160, MinMax: true, ExponentialSuffix: ".exponential"},
		Instance:         InstanceConfig{Label: "collector.instance"},
	}
}
