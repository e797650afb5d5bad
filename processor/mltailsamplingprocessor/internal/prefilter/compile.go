package prefilter

import (
	"cmp"
	"math"
	"regexp"
	"slices"

	tailsampling "github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"

	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/otlpwire"
)

// Condition is a test on an attribute of a span or resource: its text is one of
// Values, or Regex matches it.
type Condition struct {
	Attribute string
	Values    []string
	Regex     *regexp.Regexp
}

// New compiles policies, and the conditions on which a trace is passed on.
func New(policies []tailsampling.PolicyCfg, passOn []Condition) *Filter {
	f := &Filter{tests: 1} // otSeen
	for i := range passOn {
		c := &passOn[i]
		match := func(v otlpwire.Value) bool {
			return v.Kind == otlpwire.String && slices.Contains(c.Values, string(v.Str))
		}
		if c.Regex != nil {
			match = func(v otlpwire.Value) bool { return v.Kind == otlpwire.String && c.Regex.Match(v.Str) }
		}
		f.passOn |= f.attribute(c.Attribute, match).seen
	}
	for i := range policies {
		if p := &policies[i]; p.Type == tailsampling.Drop {
			// A drop policy keeps nothing. What it counts on the way, it must see.
			if c := f.all(p.DropCfg.SubPolicyCfg); slices.ContainsFunc(c, isUnknown) && stateful(p.DropCfg.SubPolicyCfg) {
				f.add(p.Name, c)
			}
		} else {
			f.add(p.Name, f.policy(p))
		}
	}
	return f
}

func isUnknown(c check) bool { return c.kind == unknown }

func (f *Filter) add(name string, c chain) {
	if !slices.ContainsFunc(c, func(c check) bool { return c.kind != unknown }) {
		f.always = true
		f.unknown = append(f.unknown, name)
		return
	}
	f.policies = append(f.policies, c)
}

func (f *Filter) policy(p *tailsampling.PolicyCfg) chain {
	switch p.Type {
	case tailsampling.And:
		return f.all(p.AndCfg.SubPolicyCfg)
	case tailsampling.Composite, tailsampling.Not:
		return chain{{kind: unknown}}
	}
	return chain{f.leaf(leafOf(p))}
}

// all returns the checks of policies of which all must match. Contrib evaluates
// them in order until one does not match, and one that counts what it sees must
// see the same traces here: what follows such a one excludes nothing.
func (f *Filter) all(policies []tailsampling.AndSubPolicyCfg) chain {
	var c chain
	for i := range policies {
		p := &policies[i]
		if counts(p.Type) {
			return append(c, check{kind: unknown})
		}
		if p.Type == tailsampling.Not {
			if counts(p.NotCfg.SubPolicy.Type) {
				return append(c, check{kind: unknown})
			}
			c = append(c, check{kind: unknown})
			continue
		}
		c = append(c, f.leaf(leafOf(p)))
	}
	return c
}

func stateful(policies []tailsampling.AndSubPolicyCfg) bool {
	return slices.ContainsFunc(policies, func(p tailsampling.AndSubPolicyCfg) bool {
		return counts(p.Type) || p.Type == tailsampling.Not && counts(p.NotCfg.SubPolicy.Type)
	})
}

// counts reports whether a policy may decide by what it has seen before: limits
// on rates, and all that is not known here.
func counts(t tailsampling.PolicyType) bool {
	switch t {
	case tailsampling.AlwaysSample, tailsampling.Latency, tailsampling.NumericAttribute, tailsampling.Probabilistic,
		tailsampling.StatusCode, tailsampling.StringAttribute, tailsampling.And, tailsampling.Not, tailsampling.SpanCount,
		tailsampling.TraceState, tailsampling.BooleanAttribute, tailsampling.OTTLCondition, tailsampling.TraceFlags:
		return false
	}
	return true
}

// leafPolicy is a policy that has no others below it. The struct that contrib
// declares for it is not exported.
type leafPolicy struct {
	kind        tailsampling.PolicyType
	latency     tailsampling.LatencyCfg
	number      tailsampling.NumericAttributeCfg
	probability tailsampling.ProbabilisticCfg
	status      tailsampling.StatusCodeCfg
	text        tailsampling.StringAttributeCfg
	spans       tailsampling.SpanCountCfg
	traceState  tailsampling.TraceStateCfg
	boolean     tailsampling.BooleanAttributeCfg
}

func leafOf[P tailsampling.PolicyCfg | tailsampling.AndSubPolicyCfg](p *P) leafPolicy {
	switch p := any(p).(type) {
	case *tailsampling.PolicyCfg:
		return leafPolicy{p.Type, p.LatencyCfg, p.NumericAttributeCfg, p.ProbabilisticCfg, p.StatusCodeCfg,
			p.StringAttributeCfg, p.SpanCountCfg, p.TraceStateCfg, p.BooleanAttributeCfg}
	case *tailsampling.AndSubPolicyCfg:
		return leafPolicy{p.Type, p.LatencyCfg, p.NumericAttributeCfg, p.ProbabilisticCfg, p.StatusCodeCfg,
			p.StringAttributeCfg, p.SpanCountCfg, p.TraceStateCfg, p.BooleanAttributeCfg}
	}
	return leafPolicy{}
}

func (f *Filter) leaf(p leafPolicy) check {
	switch p.kind {
	case tailsampling.Latency:
		// With an upper threshold the policy looks at each span in turn; a trace that ends up too long may match on the way.
		return check{kind: latency, above: p.latency.ThresholdMs}
	case tailsampling.SpanCount:
		return check{kind: spanCount, minimum: int64(p.spans.MinSpans), maximum: int64(p.spans.MaxSpans)}
	case tailsampling.Probabilistic:
		return probabilityCheck(p.probability)
	case tailsampling.StatusCode:
		return f.status(p.status.StatusCodes)
	case tailsampling.TraceFlags:
		c := f.test()
		f.flags |= c.seen
		return c
	case tailsampling.TraceState:
		c := f.test()
		if c.kind == seenTest {
			f.traceStates = append(f.traceStates, traceStateTest{c.seen, []byte(p.traceState.Key)})
		}
		return c
	case tailsampling.BooleanAttribute:
		if p.boolean.InvertMatch {
			return check{kind: unknown}
		}
		want := p.boolean.Value
		return f.attribute(p.boolean.Key, func(v otlpwire.Value) bool { return v.Bool == want })
	case tailsampling.NumericAttribute:
		if p.number.InvertMatch {
			return check{kind: unknown}
		}
		least, most := cmp.Or(p.number.MinValue, math.MinInt64), cmp.Or(p.number.MaxValue, math.MaxInt64)
		return f.attribute(p.number.Key, func(v otlpwire.Value) bool { return v.Int >= least && v.Int <= most })
	case tailsampling.StringAttribute:
		return f.text(p.text)
	}
	return check{kind: unknown}
}

func probabilityCheck(p tailsampling.ProbabilisticCfg) check {
	salt := cmp.Or(p.HashSalt, "default-hash-seed")
	// The policy's threshold has 64 bits, a float64 has 53: the margin keeps rounding on the side of the policy.
	const margin = 1 + 1e-12
	return check{kind: probability, salt: []byte(salt), limit: p.SamplingPercentage / 100 * math.MaxUint64 * margin}
}

func (f *Filter) status(codes []string) check {
	c := f.test()
	if c.kind != seenTest {
		return c
	}
	for _, code := range codes {
		if n := slices.Index([]string{"UNSET", "OK", "ERROR"}, code); n >= 0 {
			f.statuses = append(f.statuses, statusTest{c.seen, uint64(n)})
		}
	}
	return c
}

func (f *Filter) text(p tailsampling.StringAttributeCfg) check {
	if p.InvertMatch {
		return check{kind: unknown}
	}
	if !p.EnabledRegexMatching {
		values := map[string]bool{}
		for _, v := range p.Values {
			values[v] = v != ""
		}
		return f.attribute(p.Key, func(v otlpwire.Value) bool { return values[string(v.Str)] })
	}
	var expressions []*regexp.Regexp
	for _, v := range p.Values {
		e, err := regexp.Compile(v)
		if err != nil {
			return check{kind: unknown} // the policy itself reports the error
		}
		expressions = append(expressions, e)
	}
	return f.attribute(p.Key, func(v otlpwire.Value) bool {
		return slices.ContainsFunc(expressions, func(e *regexp.Regexp) bool { return e.Match(v.Str) })
	})
}

// attribute adds a test on an attribute.
func (f *Filter) attribute(key string, match func(otlpwire.Value) bool) check {
	c := f.test()
	if c.kind != seenTest {
		return c
	}
	for len(f.byKey) <= len(key) {
		f.byKey = append(f.byKey, nil)
	}
	ofLength := &f.byKey[len(key)]
	i := slices.IndexFunc(*ofLength, func(k keyTests) bool { return k.key == key })
	if i < 0 {
		i = len(*ofLength)
		*ofLength = append(*ofLength, keyTests{key: key})
	}
	(*ofLength)[i].tests = append((*ofLength)[i].tests, attributeTest{c.seen, match})
	return c
}

// test takes the next bit. When there is none left, the test is one that cannot be excluded.
func (f *Filter) test() check {
	if f.tests == 64 {
		return check{kind: unknown}
	}
	f.tests++
	return check{kind: seenTest, seen: 1 << (f.tests - 1)}
}
