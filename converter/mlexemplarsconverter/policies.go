package mlexemplarsconverter

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/featuregate"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// sampler is what counts of the settings of tail_sampling.
type sampler struct {
	DecisionWait          time.Duration `mapstructure:"decision_wait"`
	WaitAfterRootReceived time.Duration `mapstructure:"decision_wait_after_root_received"`
	Strategy              string        `mapstructure:"sampling_strategy"`
	MaximumTraceSizeBytes uint64        `mapstructure:"maximum_trace_size_bytes"`
	Policies              []policy      `mapstructure:"policies"`
}

// policy is what counts of one of its policies.
type policy struct {
	Name    string `mapstructure:"name"`
	Type    string `mapstructure:"type"`
	Latency struct {
		ThresholdMS      int64 `mapstructure:"threshold_ms"`
		UpperThresholdMS int64 `mapstructure:"upper_threshold_ms"`
	} `mapstructure:"latency"`
	StatusCode struct {
		StatusCodes []string `mapstructure:"status_codes"`
	} `mapstructure:"status_code"`
	BooleanAttribute struct {
		Key         string `mapstructure:"key"`
		Value       bool   `mapstructure:"value"`
		InvertMatch bool   `mapstructure:"invert_match"`
	} `mapstructure:"boolean_attribute"`
	StringAttribute struct {
		Key                  string   `mapstructure:"key"`
		Values               []string `mapstructure:"values"`
		EnabledRegexMatching bool     `mapstructure:"enabled_regex_matching"`
		InvertMatch          bool     `mapstructure:"invert_match"`
	} `mapstructure:"string_attribute"`
	Probabilistic struct {
		HashSalt           string  `mapstructure:"hash_salt"`
		SamplingPercentage float64 `mapstructure:"sampling_percentage"`
	} `mapstructure:"probabilistic"`
	And struct {
		SubPolicies []policy `mapstructure:"and_sub_policy"`
	} `mapstructure:"and"`
}

// What tail_sampling takes where nothing is set.
const (
	defaultDecisionWait = 30 * time.Second
	defaultSalt         = "default-hash-seed"
)

// salt returns the one that the hash is computed with.
func salt(set string) string {
	if set == "" {
		return defaultSalt
	}
	return set
}

// read returns what a sampler keeps, and whether its settings can be read.
func (t *topology) read(id component.ID) (kept, bool) {
	settings := t.processors[id]
	if settings == nil {
		return kept{}, false
	}
	s := sampler{DecisionWait: defaultDecisionWait}
	if settings.Unmarshal(&s, confmap.WithIgnoreUnused()) != nil {
		return kept{}, false
	}
	k := kept{sampler: processor(id), wait: s.wait()}
	drops := false
	for _, p := range s.Policies {
		if p.Type == "drop" {
			drops = true
			k.vetoes = append(k.vetoes, p.named())
			continue
		}
		k.add(t.keeps(p))
	}
	if drops && s.Strategy == "span-ingest" {
		// It never keeps what a drop policy may yet match.
		return kept{sampler: k.sampler, wait: k.wait}, true
	}
	if s.MaximumTraceSizeBytes > 0 {
		k.vetoes = append(k.vetoes, "maximum_trace_size_bytes")
	}
	return k, true
}

// wait is the shortest time from the first span of a trace to its decision. The processor counts whole seconds. A root
// span that has arrived can bring the decision forward.
func (s *sampler) wait() time.Duration {
	wait := max(s.DecisionWait.Truncate(time.Second), time.Second)
	if s.WaitAfterRootReceived > 0 {
		wait = min(wait, s.WaitAfterRootReceived.Truncate(time.Second))
	}
	return max(wait, time.Millisecond) // the connector takes no 0
}

func (p *policy) named() string { return fmt.Sprintf("policy %q", p.Name) }

// keeps returns what a policy keeps for sure. A policy of another kind may keep more, which cannot be told from one span.
func (t *topology) keeps(p policy) kept {
	name := p.named()
	unread := kept{unread: name + " of type " + p.Type}
	switch p.Type {
	case "always_sample":
		return kept{all: name}
	case "latency":
		if p.Latency.UpperThresholdMS == 0 {
			return kept{latency: &latency{ms: max(p.Latency.ThresholdMS, 1), policy: name}} // the connector takes 0 for none
		}
	case "status_code":
		if slices.Contains(p.StatusCode.StatusCodes, "ERROR") {
			k := kept{errors: name}
			if len(p.StatusCode.StatusCodes) > 1 {
				k.unread = unread.unread
			}
			return k
		}
	case "boolean_attribute":
		b := p.BooleanAttribute
		if slices.Contains(vocab.Signals, b.Key) && b.Value && !b.InvertMatch {
			return kept{signals: map[string]string{b.Key: name}}
		}
	case "string_attribute":
		if p.StringAttribute.Key == vocab.Stage && !p.StringAttribute.InvertMatch {
			return kept{stages: all(p.matchingStages(), name)}
		}
	case "probabilistic":
		return p.share(name, unread)
	case "and":
		return t.keepsIfAll(p.And.SubPolicies, unread)
	default:
		var extension component.ID
		if extension.UnmarshalText([]byte(p.Type)) == nil && extension.Type() == mlsampling {
			k := t.keepsAll(extension, name)
			k.unread = unread.unread
			return k
		}
	}
	return unread
}

func (p *policy) matchingStages() []string {
	s := p.StringAttribute
	var stages []string
	for _, stage := range vocab.Stages {
		if slices.ContainsFunc(s.Values, func(value string) bool {
			if !s.EnabledRegexMatching {
				return value == stage
			}
			expression, err := regexp.Compile(value)
			return err == nil && expression.MatchString(stage)
		}) {
			stages = append(stages, stage)
		}
	}
	return stages
}

func (p *policy) share(name string, unread kept) kept {
	percentage := p.Probabilistic.SamplingPercentage
	switch {
	case percentage >= 100:
		return kept{all: name}
	case usesTraceState():
		return unread
	case percentage > 0:
		return kept{shares: map[string]share{salt(p.Probabilistic.HashSalt): {percentage: percentage, policy: name}}}
	}
	return kept{}
}

// usesTraceState tells whether probabilistic policies decide by the W3C trace state where there is one. The connector
// computes the hash of the trace ID only.
func usesTraceState() bool {
	on := false
	featuregate.GlobalRegistry().VisitAll(func(gate *featuregate.Gate) {
		on = on || gate.ID() == "processor.tailsamplingprocessor.usetracestate" && gate.IsEnabled()
	})
	return on
}

// keepsIfAll returns what an `and` policy keeps: what each of its policies does.
func (t *topology) keepsIfAll(policies []policy, unread kept) kept {
	if len(policies) == 0 {
		return unread
	}
	k := t.keeps(policies[0])
	for _, p := range policies[1:] {
		k = both(k, t.keeps(p))
	}
	if len(policies) > 1 && k.all == "" {
		k.unread = unread.unread // a trace may match each by another span
	}
	return k
}

// keepsAll returns what the ml_sampling extension keeps whatever the number. Everything else it may have to sample.
func (t *topology) keepsAll(extension component.ID, name string) kept {
	config := struct {
		KeepAll          []string      `mapstructure:"keep_all"`
		LatencyThreshold time.Duration `mapstructure:"latency_threshold"`
	}{KeepAll: []string{"training"}, LatencyThreshold: 800 * time.Millisecond} // its defaults
	settings := t.extensions[extension]
	if settings == nil || settings.Unmarshal(&config, confmap.WithIgnoreUnused()) != nil {
		return kept{}
	}
	k := kept{signals: map[string]string{}}
	for _, signal := range config.KeepAll {
		switch signal {
		case "training":
			k.stages = all(training, name)
		case "error":
			k.errors = name
		case "slow":
			if config.LatencyThreshold >= time.Millisecond {
				k.latency = &latency{ms: config.LatencyThreshold.Milliseconds(), policy: name}
			}
		default:
			if key := vocab.SignalPrefix + signal; slices.Contains(vocab.Signals, key) {
				k.signals[key] = name
			}
		}
	}
	return k
}

// short is a signal's name without its prefix.
func short(signal string) string { return strings.TrimPrefix(signal, vocab.SignalPrefix) }
