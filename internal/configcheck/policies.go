package configcheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/internal/suggest"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// policyTypes are the types of tail_sampling's policies. All but always_sample and trace_flags have settings under a key of
// the same name. Those of extensions have the extension's ID.
var policyTypes = []string{
	"always_sample", "and", "boolean_attribute", "bytes_limiting", "composite", "drop", "latency", "not", "numeric_attribute",
	"ottl_condition", "probabilistic", "rate_limiting", "span_count", "status_code", "string_attribute", "trace_flags", "trace_state",
}

// attributeTypes are the policies that compare an attribute, and the type of the values that each can match.
var attributeTypes = map[string]vocab.Type{
	"boolean_attribute": vocab.Bool, "numeric_attribute": vocab.Int, "string_attribute": vocab.String,
}

// checkPolicies finds policies that can never match.
func checkPolicies(c config, r *Result) {
	for _, sampler := range c.ofType("processors", samplers...) {
		if len(list(sampler.settings["policies"])) == 0 {
			r.warn("%s: found none, must be at least one, or no trace is kept; add one, such as { name: all, type: always_sample }", sampler.path("policies"))
		}
		named := map[string]int{}
		for i, p := range list(sampler.settings["policies"]) {
			path, policy, before := fmt.Sprintf("%s[%d]", sampler.path("policies"), i), block(p), len(r.Errors)
			name := text(policy["name"])
			first, taken := named[name]
			switch {
			case policy == nil:
				r.fail("%s: found %q, must be a block; write name: and type: below it", path, fmt.Sprint(p))
				continue
			case policy["name"] == nil || policy["name"] == "":
				r.fail("%s::name: found no value, must be a name of its own; add one", path)
			case taken:
				r.fail("%s::name: found %q, which policies[%d] has too, must be a name of its own; rename one of them", path, name, first)
			default:
				named[name] = i
			}
			checkPolicy(c, r, path, policy, policyTypes)
			if len(r.Errors) == before {
				loadPolicy(c, r, path, policy)
			}
		}
	}
	classes := []string{"error", "slow", "training"}
	for _, signal := range vocab.Signals {
		classes = append(classes, vocab.SignalName(signal))
	}
	for _, extension := range c.ofType("extensions", "mlsampling") {
		for i, class := range texts(extension.settings["keep_all"]) {
			if near := suggest.Closest(class, classes); !slices.Contains(classes, class) && near != "" {
				r.warn("%s[%d]: found %q, which mlsignals does not set; did you mean %q?", extension.path("keep_all"), i, class, near)
			}
		}
	}
}

// checkPolicy checks a policy, where those of the types in allowed may stand.
func checkPolicy(c config, r *Result, path string, policy map[string]any, allowed []string) {
	kind, before := text(policy["type"]), len(r.Errors)
	known := slices.Contains(allowed, kind)
	switch {
	case known || is(kind, "mlsampling") && slices.Contains(c.extensions, kind):
	case slices.Contains(policyTypes, kind):
		r.fail("%s::type: found %s, which cannot stand here, must be one of %s; write it as a policy of its own",
			path, kind, strings.Join(allowed, ", "))
		return
	case is(kind, "mlsampling"):
		r.fail("%s::type: found %s, must be an extension that starts; add it to service::extensions, which has %s", path, kind, namesOf(c.extensions))
		return
	default:
		r.fail("%s::type: found %q, must be one of %s, or the extension mlsampling%s",
			path, kind, strings.Join(allowed, ", "), hint(kind, append([]string{"mlsampling"}, allowed...)))
	}
	for _, key := range sorted(policy) {
		if key != "name" && key != "type" && key != kind && !slices.Contains(policyTypes, key) {
			r.fail("%s::%s: found an unknown key, must be name, type or %s%s", path, key, kind, hint(key, append(slices.Clone(policyTypes), kind)))
		}
	}
	if !known {
		return
	}
	for _, key := range policyTypes {
		if key != kind && policy[key] != nil {
			r.fail("%s::%s: found settings of another type, must be those of the policy's type, %s; write type: %s, or remove them", path, key, kind, key)
		}
	}
	if policy[kind] == nil && kind != "always_sample" && kind != "trace_flags" {
		if len(r.Errors) == before {
			r.fail("%s::%s: found no settings, must have those of the type; add them below this key", path, kind)
		}
		return
	}
	checkSettings(c, r, path+"::"+kind, kind, block(policy[kind]))
}

// below has, for each type of policy with others below it, their key and the types that they may have.
var below = map[string]struct {
	key     string
	allowed []string
}{
	"and":       {"and_sub_policy", without("and", "composite", "drop")},
	"drop":      {"drop_sub_policy", without("and", "composite", "drop")},
	"composite": {"composite_sub_policy", without("composite", "drop", "not")},
	"not":       {"not_sub_policy", without("and", "composite", "drop", "not")},
}

func without(types ...string) []string {
	return slices.DeleteFunc(slices.Clone(policyTypes), func(t string) bool { return slices.Contains(types, t) })
}

// checkSettings checks the settings of a policy, and the policies below it.
func checkSettings(c config, r *Result, path, kind string, settings map[string]any) {
	if want, ok := attributeTypes[kind]; ok {
		if key := text(settings["key"]); key == "" {
			r.fail("%s::key: found no value, must be the key of an attribute; write it like key: ml.stage", path)
		} else {
			checkKey(c, r, path+"::key", key, kind, want)
		}
	}
	atLeast := func(key string, least float64) {
		if n, ok := number(settings[key]); (ok || settings[key] == nil) && n < least {
			r.fail("%s::%s: found %v, must be at least %v, or nothing is kept; raise it", path, key, n, least)
		}
	}
	switch kind {
	case "boolean_attribute":
		if key := text(settings["key"]); strings.HasPrefix(key, vocab.SignalPrefix) && (settings["value"] == nil || settings["value"] == false) {
			r.fail("%s::value: found %v, must be true, the only value that mlsignals sets %s to; write value: true, and invert_match: true "+
				"for the traces without it", path, settings["value"] == true, key)
		}
	case "string_attribute":
		if len(texts(settings["values"])) == 0 {
			r.fail("%s::values: found none, must be at least one; write them like values: [a, b]", path)
		}
	case "status_code":
		checkStatusCodes(r, path+"::status_codes", settings["status_codes"])
	case "probabilistic":
		checkPercentage(r, path+"::sampling_percentage", settings["sampling_percentage"])
	case "composite":
		checkShares(r, path, settings)
	case "trace_state":
		if text(settings["key"]) == "" {
			r.fail("%s::key: found no value, must be a key of the trace state; add it", path)
		}
	case "rate_limiting":
		atLeast("spans_per_second", 1)
	case "bytes_limiting":
		atLeast("bytes_per_second", 1)
	case "latency":
		checkBounds(r, path, settings, "threshold_ms", "upper_threshold_ms")
	case "numeric_attribute":
		checkBounds(r, path, settings, "min_value", "max_value")
	case "span_count":
		checkBounds(r, path, settings, "min_spans", "max_spans")
	case "ottl_condition":
		if len(texts(settings["span"]))+len(texts(settings["spanevent"])) == 0 {
			r.fail("%s: found no condition, must have one below span or spanevent; write it like span: ['IsRootSpan()']", path)
		}
		for _, key := range []string{"span", "spanevent"} {
			for i, condition := range texts(settings[key]) {
				checkCondition(c, r, fmt.Sprintf("%s::%s[%d]", path, key, i), condition, key == "spanevent")
			}
		}
	}
	sub, ok := below[kind]
	if !ok {
		return
	}
	switch policies := settings[sub.key].(type) {
	case map[string]any:
		checkPolicy(c, r, path+"::"+sub.key, policies, sub.allowed)
	case []any:
		for i, p := range policies {
			checkPolicy(c, r, fmt.Sprintf("%s::%s[%d]", path, sub.key, i), block(p), sub.allowed)
		}
	}
	if len(block(settings[sub.key]))+len(list(settings[sub.key])) == 0 {
		r.fail("%s::%s: found no policy, must have at least one; write it like { name: a, type: always_sample }", path, sub.key)
	}
}

var statusCodes = []string{"ERROR", "OK", "UNSET"}

func checkStatusCodes(r *Result, path string, value any) {
	codes, isList := value.([]any)
	if !isList && value != nil {
		codes = []any{value} // for which the library also takes one text with commas
	}
	if len(codes) == 0 {
		r.fail("%s: found none, must be at least one of %s; write [ERROR]", path, strings.Join(statusCodes, ", "))
	}
	for i, code := range codes {
		if code := fmt.Sprint(code); !slices.Contains(statusCodes, code) {
			r.fail("%s[%d]: %s", path, i, suggest.OneOf(code, statusCodes))
		}
	}
}

// checkPercentage checks a percentage of traces.
func checkPercentage(r *Result, path string, value any) {
	n, ok := number(value)
	switch {
	case !ok: // the component says so, and none is 0
	case n < 0 || n > 100:
		r.fail("%s: found %v, must be a percentage from 0 to 100; write 100 to keep all traces", path, n)
	case n > 0 && n < 0.1:
		r.warn("%s: found %v, which is %v of 100,000 traces: it is a percentage; for %v %% write %v", path, n, n*1000, n*100, n*100)
	}
}

// checkPercentages finds shares that were written where percentages are read.
func checkPercentages(c config, r *Result) {
	for _, p := range c.ofType("processors", "probabilistic_sampler") {
		checkPercentage(r, p.path("sampling_percentage"), p.settings["sampling_percentage"])
	}
	for _, e := range c.ofType("extensions", "mlsampling") {
		if n, _ := number(e.settings["baseline_percentage"]); n > 0 && n < 0.1 {
			checkPercentage(r, e.path("baseline_percentage"), n)
		}
	}
}

// checkShares finds shares of a composite policy that none of its policies has.
func checkShares(r *Result, path string, settings map[string]any) {
	var names []string
	for _, p := range list(settings["composite_sub_policy"]) {
		names = append(names, text(block(p)["name"]))
	}
	known := func(path, name string) {
		if !slices.Contains(names, name) {
			r.warn("%s: %s", path, suggest.OneOf(name, names))
		}
	}
	for i, name := range texts(settings["policy_order"]) {
		known(fmt.Sprintf("%s::policy_order[%d]", path, i), name)
	}
	total := 0.0
	for i, allocation := range list(settings["rate_allocation"]) {
		known(fmt.Sprintf("%s::rate_allocation[%d]::policy", path, i), text(block(allocation)["policy"]))
		percent, _ := number(block(allocation)["percent"])
		total += percent
	}
	if total > 100 {
		r.warn("%s::rate_allocation: found %v percent in all, must be at most 100; lower them", path, total)
	}
}

// checkBounds finds a lower bound above the upper one, and negative ones of what cannot be negative. 0 is none.
func checkBounds(r *Result, path string, settings map[string]any, low, high string) {
	least, _ := number(settings[low])
	most, _ := number(settings[high])
	if most != 0 && least > most {
		r.fail("%s::%s: found %v, must be at most %s, which is %v, or nothing matches; exchange them", path, low, least, high, most)
	}
	if low != "min_value" && least < 0 {
		r.fail("%s::%s: found %v, must be at least 0; remove the minus", path, low, least)
	}
}

// number returns a number of YAML.
func number(value any) (float64, bool) {
	switch value := value.(type) {
	case int:
		return float64(value), true
	case int64:
		return float64(value), true
	case float64:
		return value, true
	}
	return 0, false
}

// checkKey checks the attribute that a policy compares.
func checkKey(c config, r *Result, path, key, kind string, want vocab.Type) {
	if strings.HasPrefix(key, vocab.SignalPrefix) && !checkSignal(c, r, path, key) {
		return
	}
	attribute := vocab.Lookup(key)
	if attribute == nil {
		checkNear(c, r, path, key)
		return
	}
	if attribute.Type == want {
		return
	}
	switch attribute.Type {
	case vocab.Bool:
		r.fail("%s: found %s, which is a bool, must be a %s; write type: boolean_attribute and boolean_attribute: { key: %s, value: true }",
			path, key, want, key)
	case vocab.String:
		r.fail("%s: found %s, which is a string, must be of type %s; write type: string_attribute and string_attribute: { key: %s, values: [...] }",
			path, key, want, key)
	case vocab.Int:
		r.fail("%s: found %s, which is an int, must be of type %s; write type: numeric_attribute and numeric_attribute: { key: %s, min_value: ... }",
			path, key, want, key)
	case vocab.Double: // no policy of attributes matches doubles, and the article has one that compares them
		r.warn("%s: found %s, which is a double, must be of type %s, and %s matches nothing else; use a signal, "+
			"or write type: ottl_condition and span: ['span.attributes[%q] > ...']", path, key, want, kind, key)
	}
}

// checkSignal checks the name of a signal and reports whether there is such a signal.
func checkSignal(c config, r *Result, path, key string) bool {
	if !slices.Contains(vocab.Signals, key) {
		if c.setElsewhere(key) {
			return false
		}
		r.fail("%s: found %q, which nothing sets, must be one of %s%s", path, key, strings.Join(vocab.Signals, ", "), hint(key, vocab.Signals))
		return false
	}
	for _, p := range c.ofType("processors", "mlsignals") {
		signal := block(block(p.settings["signals"])[vocab.SignalName(key)])
		if signal["enabled"] == false {
			r.warn("%s: found %s, which %s does not set; remove the policy, or %s: false",
				path, key, p.id, p.path("signals::"+vocab.SignalName(key)+"::enabled"))
		}
	}
	return true
}

// setElsewhere reports whether a processor that is no sampler names an attribute, and so may set it.
func (c config) setElsewhere(key string) bool {
	for _, p := range c.used() {
		if p.kind == "processors" && !is(p.id, samplers...) && strings.Contains(fmt.Sprint(p.settings), key) {
			return true
		}
	}
	return false
}

func hint(name string, candidates []string) string { return suggest.Hint(name, candidates) }

func namesOf(ids []string) string {
	if len(ids) == 0 {
		return "none"
	}
	return strings.Join(ids, ", ")
}
