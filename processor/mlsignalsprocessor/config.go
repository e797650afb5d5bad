package mlsignalsprocessor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
	"github.com/otelcol-ml/otelcol-ml/internal/suggest"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/dialects"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/coldstart"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/pattern"
)

// Config is the configuration of the processor. Every setting has a default.
type Config struct {
	// Signals has the threshold of each signal and switches it on or off.
	Signals SignalsConfig `mapstructure:"signals"`
	// GenAI also writes the attributes of the OpenTelemetry GenAI conventions. Default: false.
	GenAI bool `mapstructure:"genai_conventions"`
	// Dialects are the names of the built-in dialects in use. Default: all.
	Dialects []string `mapstructure:"dialects"`
	// CustomDialects are dialects of the user, in the form of the built-in ones. Default: none.
	CustomDialects []dialect.Dialect `mapstructure:"custom_dialects"`
	// ReloadMemory limits the memory that distinguishes a reload from a first start.
	ReloadMemory ReloadMemoryConfig `mapstructure:"reload_memory"`
	// Join limits the memory for values that are derived from several spans.
	Join JoinConfig `mapstructure:"join"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// Unmarshal decodes the settings. The error for an unknown key names the allowed
// ones. Settings of dialects that would be decoded differently are errors too.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	if err := knownkeys.Unmarshal(conf, c); err != nil {
		return err
	}
	// The default words belong to the default names of spans.
	if conf.IsSet("signals::cold_start::span_names") && !conf.IsSet("signals::cold_start::components") {
		c.Signals.ColdStart.Components = nil
	}
	custom, _ := conf.ToStringMap()["custom_dialects"].([]any)
	var errs []error
	for i := range custom {
		errs = append(errs, dialect.CheckYAML(custom[i], fmt.Sprintf("custom_dialects[%d]", i))...)
	}
	return errors.Join(errs...)
}

// SignalsConfig has a block for each signal.
type SignalsConfig struct {
	QueueBound          QueueBoundConfig    `mapstructure:"queue_bound"`
	HighQueueWait       HighQueueWaitConfig `mapstructure:"high_queue_wait"`
	FeatureCascade      CascadeConfig       `mapstructure:"feature_cascade"`
	FeaturesUnavailable SwitchConfig        `mapstructure:"features_unavailable"`
	Revalidated         RevalidatedConfig   `mapstructure:"revalidated"`
	ColdStart           ColdStartConfig     `mapstructure:"cold_start"`
}

// SwitchConfig switches a signal on or off.
type SwitchConfig struct {
	// Enabled: the signal is set on spans. True by default.
	Enabled bool `mapstructure:"enabled"`
}

// QueueBoundConfig is about ml.signal.queue_bound.
type QueueBoundConfig struct {
	SwitchConfig `mapstructure:",squash"`
	// Ratio: a queue wait longer than the forward pass times Ratio sets the signal. 0 to 1e9, default 1: the wait is longer than the compute.
	Ratio float64 `mapstructure:"ratio"`
}

// HighQueueWaitConfig is about ml.signal.high_queue_wait.
type HighQueueWaitConfig struct {
	SwitchConfig `mapstructure:",squash"`
	// Threshold: a queue wait of at least this duration sets the signal. At least 1ms, default 300ms, from the article.
	Threshold time.Duration `mapstructure:"threshold"`
}

// CascadeConfig is about ml.signal.feature_cascade.
type CascadeConfig struct {
	SwitchConfig `mapstructure:",squash"`
	// DBShare: database lookups of at least this share of their span set the signal. Above 0, at most 1,
	// default 0.5: half of the span, a choice of this project; the article names no share.
	DBShare float64 `mapstructure:"db_share"`
}

// RevalidatedConfig is about ml.signal.revalidated.
type RevalidatedConfig struct {
	SwitchConfig `mapstructure:",squash"`
	// Attempts: at least this number of validations sets the signal. At least 2, default 2.
	Attempts int `mapstructure:"attempts"`
}

// ColdStartConfig is about ml.signal.cold_start.
type ColdStartConfig struct {
	SwitchConfig `mapstructure:",squash"`
	// MinDuration is the shortest load that is a cold start. 0 or at least 1us, default 10ms,
	// a choice of this project, far below the 300ms of the article's tokenizer_init.
	MinDuration time.Duration `mapstructure:"min_duration"`
	// SpanNames are patterns of the names of spans that load a component; the * stands for the component. Spans that a
	// built-in dialect other than ml recognises are not compared. Default: coldstart.DefaultSpanNames.
	SpanNames []string `mapstructure:"span_names"`
	// Components are words, one of which must be the last of the name that the * stands for. Empty, or SpanNames alone
	// set: any name. Default: coldstart.DefaultComponents.
	Components []string `mapstructure:"components"`
}

// ReloadMemoryConfig bounds the memory of loads.
type ReloadMemoryConfig struct {
	// MaxComponents is the number of components that are remembered, over all instances. At least 1, default 10,000.
	MaxComponents int `mapstructure:"max_components"`
}

// JoinConfig bounds the memory of joins.
type JoinConfig struct {
	// MaxSpans is the largest number of spans that are buffered for each join; smaller values mean join.MinSpans. At least 1, default 50,000.
	MaxSpans int `mapstructure:"max_spans"`
	// TTL is how long a span is buffered; it is dropped after at most twice as long. At least 1ms, default 30s.
	TTL time.Duration `mapstructure:"ttl"`
}

func createDefaultConfig() component.Config {
	on := SwitchConfig{Enabled: true}
	return &Config{
		Signals: SignalsConfig{
			QueueBound:          QueueBoundConfig{SwitchConfig: on, Ratio: 1},
			HighQueueWait:       HighQueueWaitConfig{SwitchConfig: on, Threshold: 300 * time.Millisecond},
			FeatureCascade:      CascadeConfig{SwitchConfig: on, DBShare: 0.5},
			FeaturesUnavailable: on,
			Revalidated:         RevalidatedConfig{SwitchConfig: on, Attempts: 2},
			ColdStart: ColdStartConfig{
				SwitchConfig: on, MinDuration: 10 * time.Millisecond,
				SpanNames:  slices.Clone(coldstart.DefaultSpanNames),
				Components: slices.Clone(coldstart.DefaultComponents),
			},
		},
		ReloadMemory: ReloadMemoryConfig{MaxComponents: 10_000},
		Join:         JoinConfig{MaxSpans: 50_000, TTL: 30 * time.Second},
	}
}

// Validate returns an error that lists every mistake, each with the key, the value found and what is allowed.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if r := c.Signals.QueueBound.Ratio; !(r >= 0 && r <= maxRatio) {
		bad("signals::queue_bound::ratio: found %v, must be a number from 0 to %v", r, maxRatio)
	}
	// A number without a unit is read as nanoseconds by mistake.
	if d := c.Signals.HighQueueWait.Threshold; d < time.Millisecond {
		bad("signals::high_queue_wait::threshold: found %v, must be at least 1ms; write it with its unit, such as 300ms", d)
	}
	if s := c.Signals.FeatureCascade.DBShare; !(s > 0 && s <= 1) {
		bad("signals::feature_cascade::db_share: found %v, must be above 0 and at most 1", s)
	}
	if n := c.Signals.Revalidated.Attempts; n < 2 {
		bad("signals::revalidated::attempts: found %d, must be at least 2: the first attempt is not a revalidation", n)
	}
	if d := c.Signals.ColdStart.MinDuration; d != 0 && d < time.Microsecond {
		bad("signals::cold_start::min_duration: found %v, must be 0s or at least 1us; write it with its unit, such as 10ms", d)
	}
	for i, name := range c.Signals.ColdStart.SpanNames {
		if _, err := pattern.Parse(name); err != nil {
			bad("signals::cold_start::span_names[%d]: %w", i, err)
		}
	}
	for i, word := range c.Signals.ColdStart.Components {
		if words := slices.Collect(pattern.Words(word)); strings.Join(words, "_") != word || word == "" {
			bad("signals::cold_start::components[%d]: found %q, must be words of a to z and 0 to 9 with _ between them, such as model or kv_cache", i, word)
		}
	}
	if n := c.ReloadMemory.MaxComponents; n < 1 {
		bad("reload_memory::max_components: found %d, must be at least 1", n)
	}
	if n := c.Join.MaxSpans; n < 1 {
		bad("join::max_spans: found %d, must be at least 1", n)
	}
	if d := c.Join.TTL; d < time.Millisecond {
		bad("join::ttl: found %v, must be at least 1ms; write it with its unit, such as 30s", d)
	}
	errs = append(errs, c.validateDialects()...)
	return errors.Join(errs...)
}

// maxRatio is far above every ratio of a queue wait to a forward pass.
const maxRatio = 1e9

func (c *Config) validateDialects() []error {
	builtin, err := dialects.All()
	if err != nil {
		return []error{err}
	}
	var errs []error
	taken := map[string]bool{}
	for _, d := range builtin {
		taken[d.Name] = true
	}
	for i, name := range c.Dialects {
		if !taken[name] {
			errs = append(errs, fmt.Errorf("dialects[%d]: %s", i, suggest.OneOf(name, dialects.Names())))
		} else if slices.Contains(c.Dialects[:i], name) {
			errs = append(errs, fmt.Errorf("dialects[%d]: found %q twice, must be unique; remove one", i, name))
		}
	}
	for i := range c.CustomDialects {
		d := &c.CustomDialects[i]
		at := fmt.Sprintf("custom_dialects[%d]", i)
		if d.Name != "" {
			at += " (" + d.Name + ")"
		}
		for _, err := range d.Problems() {
			errs = append(errs, knownkeys.Under(at, err))
		}
		if taken[d.Name] {
			errs = append(errs, fmt.Errorf("%s::name: found %q, must be unique; another dialect has this name", at, d.Name))
		}
		taken[d.Name] = true
	}
	return errs
}

// inUse returns the configured dialects. The second value is the number of custom ones, at the end.
func (c *Config) inUse() ([]*dialect.Dialect, int, error) {
	builtin, err := dialects.All()
	if err != nil {
		return nil, 0, err
	}
	var use []*dialect.Dialect
	for _, d := range builtin {
		if c.Dialects == nil || slices.Contains(c.Dialects, d.Name) {
			use = append(use, d)
		}
	}
	for i := range c.CustomDialects {
		use = append(use, &c.CustomDialects[i])
	}
	return use, len(c.CustomDialects), nil
}
