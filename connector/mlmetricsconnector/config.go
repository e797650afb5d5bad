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
	// FlushInterval is the time between two exports of all series.
	FlushInterval time.Duration `mapstructure:"metrics_flush_interval"`
	// Temporality is cumulative or delta.
	Temporality string `mapstructure:"aggregation_temporality"`
	// SeriesLimit is the largest number of series of each metric; the rest goes to the metric's overflow series. 0: no limit.
	SeriesLimit int `mapstructure:"series_limit"`
	// LabelLengthLimit is the largest number of bytes of a label's value. A longer one is cut between two characters. 0: no limit.
	LabelLengthLimit int `mapstructure:"label_length_limit"`
	// SeriesExpiration is how long a series may be idle before it is dropped. 0: never dropped.
	SeriesExpiration time.Duration `mapstructure:"series_expiration"`
	// AdjustedCounts weighs the spans of sampled traces by the threshold in their W3C trace state.
	AdjustedCounts bool `mapstructure:"adjusted_counts"`
	// Histograms is the form of all histograms.
	Histograms HistogramsConfig `mapstructure:"histograms"`
	// Instance tells the series of this collector from those of others.
	Instance InstanceConfig `mapstructure:"instance"`
	// GenAI adds the metrics of the OpenTelemetry GenAI conventions.
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
	// Type is explicit, exponential or both.
	Type metric.Form `mapstructure:"type"`
	// MaxSize is the largest number of exponential buckets for either sign.
	MaxSize int `mapstructure:"max_size"`
	// MinMax adds the smallest and the largest value to exponential histograms.
	MinMax bool `mapstructure:"min_max"`
	// ExponentialSuffix is appended to the name of the exponential one where there are both.
	ExponentialSuffix string `mapstructure:"exponential_suffix"`
}

// InstanceConfig is a label on every series.
type InstanceConfig struct {
	// Label is the label's name. Empty: no label.
	Label string `mapstructure:"label"`
	// ID is the label's value. Empty: the host's name, followed by the connector's name where it has one.
	ID string `mapstructure:"id"`
}

// MetricConfig changes a built-in metric or defines another one.
type MetricConfig struct {
	// Enabled switches a built-in metric off where false.
	Enabled *bool `mapstructure:"enabled"`
	// Kind is histogram, counter or gauge.
	Kind        string `mapstructure:"kind"`
	Description string `mapstructure:"description"`
	Unit        string `mapstructure:"unit"`
	// Attribute is the key of the number to observe, From where it is: span, resource or event. Empty: the span, then the resource.
	Attribute string `mapstructure:"attribute"`
	From      string `mapstructure:"from"`
	// Duration observes the span's duration instead of an attribute.
	Duration bool `mapstructure:"duration"`
	// Event is the name of the span events to look at instead of the span.
	Event string `mapstructure:"event"`
	// Split observes several attributes in one metric.
	Split *SplitConfig `mapstructure:"split"`
	// Min and Max bound the values that can be true.
	Min *float64 `mapstructure:"min"`
	Max *float64 `mapstructure:"max"`
	// Buckets are the bounds of a histogram.
	Buckets []float64 `mapstructure:"buckets"`
	// Histogram is the form of this histogram: explicit, exponential or both.
	Histogram metric.Form `mapstructure:"histogram"`
	// Labels are added to the common ones.
	Labels []LabelConfig `mapstructure:"labels"`
	// When lists conditions, all of which must hold.
	When []ConditionConfig `mapstructure:"when"`
	// Spans is ml, for spans of ML pipelines, or all.
	Spans string `mapstructure:"spans"`
	// SeriesLimit and SeriesExpiration stand in for the connector's, 0 for no limit and for never.
	SeriesLimit      *int           `mapstructure:"series_limit"`
	SeriesExpiration *time.Duration `mapstructure:"series_expiration"`
}

// SplitConfig tells the attributes of one metric apart by a label.
type SplitConfig struct {
	Label string `mapstructure:"label"`
	// Attributes maps a value of the label to the key of an attribute.
	Attributes map[string]string `mapstructure:"attributes"`
}

// LabelConfig is a label of a metric.
type LabelConfig struct {
	// Attribute is the key of an attribute, or span.name, span.kind or status.code.
	Attribute string `mapstructure:"attribute"`
	From      string `mapstructure:"from"`
	// Name is the label's name. Empty: the attribute's key.
	Name string `mapstructure:"name"`
	// Default is the value where the attribute is absent. Empty: the label is left out.
	Default string `mapstructure:"default"`
}

// ConditionConfig is a test on an attribute. All the tests that are set must hold.
type ConditionConfig struct {
	Attribute string `mapstructure:"attribute"`
	From      string `mapstructure:"from"`
	Exists    *bool  `mapstructure:"exists"`
	// Equals, NotEquals, In and NotIn compare text, numbers and bools alike.
	Equals    any      `mapstructure:"equals"`
	NotEquals any      `mapstructure:"not_equals"`
	In        []any    `mapstructure:"in"`
	NotIn     []any    `mapstructure:"not_in"`
	Matches   string   `mapstructure:"matches"`
	Min       *float64 `mapstructure:"min"`
	Max       *float64 `mapstructure:"max"`
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
