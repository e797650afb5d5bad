package mlexemplarsconverter

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// kept is what a sampler keeps for sure, as one span of a trace tells. Each rule has the policy that it comes from.
type kept struct {
	sampler string
	// all is the policy that keeps every trace, empty where none does.
	all     string
	signals map[string]string // by attribute key
	stages  map[string]string // by value of ml.stage
	errors  string
	latency *latency
	shares  map[string]share // by salt
	wait    time.Duration
	// unread is a policy that may keep more than these rules say, empty where none does.
	unread string
	// vetoes are what drops traces that another policy keeps.
	vetoes []string
}

// latency keeps traces longer than some whole milliseconds.
type latency struct {
	ms     int64
	policy string
}

// share keeps a percentage of all traces, by the hash of their IDs.
type share struct {
	percentage float64
	policy     string
}

// training are the stages of training runs.
var training = vocab.Stages[slices.Index(vocab.Stages, vocab.StageDataIngestion):]

// all maps each key to the same policy.
func all(keys []string, policy string) map[string]string {
	m := make(map[string]string, len(keys))
	for _, key := range keys {
		m[key] = policy
	}
	return m
}

// add adds what another policy keeps besides.
func (k *kept) add(o kept) {
	k.all = cmp.Or(k.all, o.all)
	k.signals = union(k.signals, o.signals)
	k.stages = union(k.stages, o.stages)
	k.errors = cmp.Or(k.errors, o.errors)
	if o.latency != nil && (k.latency == nil || o.latency.ms < k.latency.ms) {
		k.latency = o.latency
	}
	shares := maps.Clone(k.shares)
	for salt, s := range o.shares {
		if shares == nil {
			shares = map[string]share{}
		}
		if s.percentage > shares[salt].percentage {
			shares[salt] = s
		}
	}
	k.shares = shares
	k.unread = cmp.Or(k.unread, o.unread)
}

func union(a, b map[string]string) map[string]string {
	m := maps.Clone(b)
	if m == nil {
		return maps.Clone(a)
	}
	maps.Copy(m, a)
	return m
}

// both returns what each of two keeps for sure, rule by rule.
func both(a, b kept) kept {
	if a.all != "" {
		return b
	}
	if b.all != "" {
		return a
	}
	k := kept{signals: map[string]string{}, stages: map[string]string{}, shares: map[string]share{}, wait: min(a.wait, b.wait)}
	intersect(k.signals, a.signals, b.signals)
	intersect(k.stages, a.stages, b.stages)
	if a.errors != "" && b.errors != "" {
		k.errors = a.errors
	}
	if a.latency != nil && b.latency != nil {
		k.latency = a.latency
		if b.latency.ms > a.latency.ms {
			k.latency = b.latency
		}
	}
	for salt, s := range a.shares {
		if o, ok := b.shares[salt]; ok {
			if o.percentage < s.percentage {
				s = o
			}
			k.shares[salt] = s
		}
	}
	return k
}

func intersect(into, a, b map[string]string) {
	for key, policy := range a {
		if _, ok := b[key]; ok {
			into[key] = policy
		}
	}
}

// largest returns the share that keeps most, and its salt.
func (k *kept) largest() (string, share) {
	var salt string
	var most share
	for _, s := range slices.Sorted(maps.Keys(k.shares)) {
		if k.shares[s].percentage > most.percentage {
			salt, most = s, k.shares[s]
		}
	}
	return salt, most
}
