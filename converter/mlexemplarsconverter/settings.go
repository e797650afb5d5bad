package mlexemplarsconverter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// settings are connectors::mlmetrics::exemplars as the user has them.
type settings struct {
	Enabled            bool          `mapstructure:"enabled"`
	Signals            []string      `mapstructure:"signals"`
	Stages             []string      `mapstructure:"stages"`
	Errors             bool          `mapstructure:"errors"`
	LatencyThreshold   time.Duration `mapstructure:"latency_threshold"`
	SamplingPercentage float64       `mapstructure:"sampling_percentage"`
	HashSeed           string        `mapstructure:"hash_seed"`
	DecisionWait       time.Duration `mapstructure:"decision_wait"`

	has func(key string) bool
}

const everySignal = "all"

func readSettings(connector *confmap.Conf) (*settings, bool) {
	if connector == nil {
		return nil, false
	}
	exemplars, err := connector.Sub("exemplars")
	if err != nil {
		return nil, false
	}
	s := &settings{Enabled: true, has: func(key string) bool { return exemplars.Get(key) != nil }}
	return s, exemplars.Unmarshal(s, confmap.WithIgnoreUnused()) == nil
}

// missing returns the rules that the user has not set.
func (s *settings) missing(k kept) map[string]any {
	rules := map[string]any{}
	set := func(key string, value any) {
		if !s.has(key) {
			rules[key] = value
		}
	}
	if k.all != "" {
		// The other rules do not decide any more; they still tell which exemplars come first.
		set("sampling_percentage", 100.0)
		return rules
	}
	set("signals", values(signals(k)))
	set("stages", values(stages(k)))
	set("errors", k.errors != "")
	threshold := time.Duration(0)
	if k.latency != nil {
		threshold = time.Duration(k.latency.ms) * time.Millisecond
	}
	set("latency_threshold", threshold.String())
	set("decision_wait", k.wait.String())
	seed, most := k.largest()
	if s.has("hash_seed") {
		seed = s.HashSeed
		most = k.shares[salt(seed)]
	}
	set("sampling_percentage", most.percentage)
	if seed == defaultSalt {
		seed = ""
	}
	set("hash_seed", seed)
	return rules
}

func values(texts []string) []any {
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}

// signals returns the names of the signals that are kept, in the order of the vocabulary.
func signals(k kept) []string {
	var names []string
	for _, key := range vocab.Signals {
		if _, ok := k.signals[key]; ok {
			names = append(names, short(key))
		}
	}
	return names
}

func stages(k kept) []string {
	var names []string
	for _, stage := range vocab.Stages {
		if _, ok := k.stages[stage]; ok {
			names = append(names, stage)
		}
	}
	return names
}

// check tells which rules take exemplars of traces that a sampler may drop, each beginning with its key. sure is what
// all the samplers keep.
func (s *settings) check(k, sure kept) []error {
	if k.all != "" {
		return nil
	}
	var problems []error
	add := func(key, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s %s", key, fmt.Sprintf(format, args...)))
	}
	s.checkList("signals", s.Signals, signals(k), k, add)
	s.checkList("stages", s.Stages, stages(k), k, add)
	if s.has("errors") && s.Errors && k.errors == "" {
		add("errors", "is true, but no policy of %s keeps traces with the status ERROR: remove it, the rule follows the policies, or write false", k.sampler)
	}
	s.checkLatency(k, add)
	s.checkShare(k, sure, add)
	return problems
}

// checkWait looks at the one rule that no policy has a part in.
func (s *settings) checkWait(k kept) error {
	if k.all != "" || !s.has("decision_wait") || s.DecisionWait <= k.wait {
		return nil
	}
	return fmt.Errorf("decision_wait is %v, but %s may decide after %v: remove it, the rule follows the processor, or write %v or less",
		s.DecisionWait, k.sampler, k.wait, k.wait)
}

type adder func(key, format string, args ...any)

// checkList looks at a list of signals or stages. Names that do not exist are for the connector to refuse.
func (s *settings) checkList(key string, set, keeps []string, k kept, add adder) {
	known := vocab.Stages
	if key == "signals" {
		known = nil
		for _, signal := range vocab.Signals {
			known = append(known, short(signal))
		}
		if slices.Contains(set, everySignal) {
			set = slices.Concat(set, known)
		}
	}
	var dropped []string
	for _, name := range set {
		name = short(name)
		if slices.Contains(known, name) && !slices.Contains(keeps, name) && !slices.Contains(dropped, name) {
			dropped = append(dropped, name)
		}
	}
	if len(dropped) > 0 {
		add(key, "has %s, but no policy of %s keeps these: remove it, the rule follows the policies, or write [%s]",
			strings.Join(dropped, ", "), k.sampler, strings.Join(slices.DeleteFunc(slices.Clone(keeps), func(name string) bool {
				return !slices.ContainsFunc(set, func(other string) bool { return short(other) == name })
			}), ", "))
	}
}

func (s *settings) checkLatency(k kept, add adder) {
	const key = "latency_threshold"
	switch {
	case !s.has(key) || s.LatencyThreshold <= 0: // less than 0 is for the connector to refuse
	case k.latency == nil:
		add(key, "is %v, but no policy of %s keeps traces for their latency: remove it, the rule follows the policies, or write 0s",
			s.LatencyThreshold, k.sampler)
	case s.LatencyThreshold.Milliseconds() < k.latency.ms:
		threshold := time.Duration(k.latency.ms) * time.Millisecond
		add(key, "is %v, but %s keeps traces longer than %s (%s): remove it, the rule follows the policy, or write %s or more",
			s.LatencyThreshold, k.sampler, milliseconds(threshold), k.latency.policy, milliseconds(threshold))
	}
}

// milliseconds is a duration in the unit of threshold_ms.
func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + "ms" }

func (s *settings) checkShare(k, sure kept, add adder) {
	const percentage, seed = "sampling_percentage", "hash_seed"
	if s.has(percentage) && s.SamplingPercentage <= 0 || !s.has(percentage) && !s.has(seed) {
		return
	}
	at, _ := sure.largest()
	if s.has(seed) {
		at = salt(s.HashSeed)
	}
	theirs, most := k.largest()
	keeps, same := k.shares[at]
	switch {
	case most.percentage == 0 && s.has(percentage):
		add(percentage, "is %v, but no policy of %s keeps a share of all traces: remove it, the rule follows the policies, or write 0",
			s.SamplingPercentage, k.sampler)
	case most.percentage == 0:
	case !same && s.has(seed):
		add(seed, "is %q, but %s has the hash_salt %q (%s): remove it, the rule follows the policy, or write %q",
			s.HashSeed, k.sampler, theirs, most.policy, theirs)
	case !same:
		add(percentage, "is %v, but the samplers of these spans do not keep the same share of them: remove it, the rule follows the policies, or write 0",
			s.SamplingPercentage)
	case s.has(percentage) && s.SamplingPercentage > keeps.percentage:
		add(percentage, "is %v, but %s keeps %v %% of all traces (%s): remove it, the rule follows the policy, or write %v or less",
			s.SamplingPercentage, k.sampler, keeps.percentage, keeps.policy, keeps.percentage)
	}
}
