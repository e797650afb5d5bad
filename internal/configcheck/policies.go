package configcheck

import (
	"fmt"
	"regexp"
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

// subPolicies are the keys under which a policy has others.
var subPolicies = []string{"and_sub_policy", "composite_sub_policy", "drop_sub_policy", "not_sub_policy"}

// checkPolicies finds policies that can never match.
func checkPolicies(c config, r *Result) {
	for _, sampler := range c.ofType("processors", samplers...) {
		for i, p := range list(sampler.settings["policies"]) {
			checkPolicy(c, r, fmt.Sprintf("%s[%d]", sampler.path("policies"), i), block(p))
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

func checkPolicy(c config, r *Result, path string, policy map[string]any) {
	kind := text(policy["type"])
	known := slices.Contains(policyTypes, kind)
	if !known && !slices.Contains(c.extensions, kind) {
		r.fail("%s::type: found %q, must be one of %s, or an extension in service::extensions%s",
			path, kind, strings.Join(policyTypes, ", "), hint(kind, append(c.extensions, policyTypes...)))
	}
	for _, key := range sorted(policy) {
		if key != "name" && key != "type" && key != kind && !slices.Contains(policyTypes, key) {
			r.fail("%s::%s: found an unknown key, must be name, type or %s%s", path, key, kind, hint(key, append(policyTypes, kind)))
		}
	}
	if known {
		for _, key := range policyTypes {
			if key != kind && policy[key] != nil {
				r.fail("%s::%s: found settings of another type, must be those of the policy's type, %s; write type: %s, or remove them", path, key, kind, key)
			}
		}
	}
	settings := block(policy[kind])
	if want, ok := attributeTypes[kind]; ok {
		checkKey(c, r, path+"::"+kind+"::key", text(settings["key"]), kind, want)
	}
	if kind == "ottl_condition" {
		for _, key := range []string{"span", "spanevent"} {
			for i, condition := range texts(settings[key]) {
				for _, name := range signalNames.FindAllString(condition, -1) {
					checkSignal(c, r, fmt.Sprintf("%s::ottl_condition::%s[%d]", path, key, i), name)
				}
			}
		}
	}
	for _, key := range subPolicies {
		below := path + "::" + kind + "::" + key
		if sub := block(settings[key]); sub != nil {
			checkPolicy(c, r, below, sub)
		}
		for i, sub := range list(settings[key]) {
			checkPolicy(c, r, fmt.Sprintf("%s[%d]", below, i), block(sub))
		}
	}
}

var signalNames = regexp.MustCompile(regexp.QuoteMeta(vocab.SignalPrefix) + `\w+`)

// checkKey checks the attribute that a policy compares.
func checkKey(c config, r *Result, path, key, kind string, want vocab.Type) {
	if strings.HasPrefix(key, vocab.SignalPrefix) && !checkSignal(c, r, path, key) {
		return
	}
	attribute := vocab.Lookup(key)
	if attribute == nil {
		if near := suggest.Closest(key, vocab.AttributeKeys()); near != "" && strings.HasPrefix(key, "ml.") && !c.setElsewhere(key) {
			r.warn("%s: found %q, which mlsignals does not write; did you mean %q?", path, key, near)
		}
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
		r.warn("%s: found %s, which is a double, must be of type %s, and %s matches nothing else; use a signal, as docs/sampling.md says, "+
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

func names(ids []string) string {
	if len(ids) == 0 {
		return "none"
	}
	return strings.Join(ids, ", ")
}
