package configcheck

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/internal/suggest"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// A comparison of OTTL has an attribute on one side and a literal on the other, in either order.
const (
	ottlAttribute = `((?:\w+\.)?)attributes\["([^"]+)"\]`
	ottlOperator  = `\s*(==|!=|<=|>=|<|>)\s*`
	ottlLiteral   = `("(?:[^"\\]|\\.)*"|true\b|false\b|-?[0-9][0-9.]*)`
)

var (
	ottlAttributes  = regexp.MustCompile(ottlAttribute)
	ottlComparisons = regexp.MustCompile(ottlAttribute + ottlOperator + ottlLiteral)
	ottlReversed    = regexp.MustCompile(ottlLiteral + ottlOperator + ottlAttribute)
)

// comparison is one of an attribute with a literal.
type comparison struct{ text, context, key, operator, literal string }

func comparisons(condition string) (all []comparison) {
	for _, m := range ottlComparisons.FindAllStringSubmatch(condition, -1) {
		all = append(all, comparison{m[0], m[1], m[2], m[3], m[4]})
	}
	for _, m := range ottlReversed.FindAllStringSubmatch(condition, -1) {
		all = append(all, comparison{m[0], m[3], m[4], m[2], m[1]})
	}
	return all
}

// wrong returns what a comparison must be that cannot be true, empty where it can.
func (c comparison) wrong() string {
	attribute := vocab.Lookup(c.key)
	if attribute == nil {
		return ""
	}
	signal := strings.HasPrefix(c.key, vocab.SignalPrefix)
	name := fmt.Sprintf("%sattributes[%q]", c.context, c.key)
	switch is := literalType(c.literal); {
	case attribute.Type == vocab.Bool && is != vocab.Bool:
		return fmt.Sprintf("compared with a bool; write %s == true", name)
	case signal && c.literal == "false" && c.operator == "==":
		return fmt.Sprintf("compared with true, for mlsignals sets signals to nothing else; write %s != true", name)
	case attribute.Type == vocab.String && is != vocab.String:
		return fmt.Sprintf("compared with a string; write %s %s %q", name, c.operator, c.literal)
	case (attribute.Type == vocab.Int || attribute.Type == vocab.Double) && is != vocab.Double:
		return fmt.Sprintf("compared with a number; write %s %s %s", name, c.operator, strings.Trim(c.literal, `"`))
	}
	return ""
}

// literalType returns the type of a literal, Double for every number.
func literalType(literal string) vocab.Type {
	switch {
	case strings.HasPrefix(literal, `"`):
		return vocab.String
	case literal == "true" || literal == "false":
		return vocab.Bool
	}
	return vocab.Double
}

// checkCondition checks an OTTL condition of a sampler.
func checkCondition(c config, r *Result, path, condition string, event bool) {
	for _, m := range ottlAttributes.FindAllStringSubmatch(condition, -1) {
		if event && m[1] == "" {
			continue // of the event
		}
		if strings.HasPrefix(m[2], vocab.SignalPrefix) {
			checkSignal(c, r, path, m[2])
		} else {
			checkNear(c, r, path, m[2])
		}
	}
	for _, comparison := range comparisons(condition) {
		if must := comparison.wrong(); must != "" && !(event && comparison.context == "") && !c.setElsewhere(comparison.key) {
			r.fail("%s: found %s, which never compares as meant, must be %s", path, comparison.text, must)
		}
	}
}

// checkConditions finds comparisons of the wrong type in processors that have conditions of their own.
func checkConditions(c config, r *Result) {
	for _, p := range c.ofType("processors", "filter", "transform") {
		visit(p.settings, "", func(path, _ string, value any) {
			for _, comparison := range comparisons(text(value)) {
				if must := comparison.wrong(); must != "" {
					r.warn("%s: found %s, which never compares as meant, must be %s", p.path(path), comparison.text, must)
				}
			}
		})
	}
}

// checkAttributes finds names in settings of this project's components that are nearly one of the vocabulary.
func checkAttributes(c config, r *Result) {
	for _, component := range c.used() {
		if !is(component.id, "mltailsampling", "mlmetrics") {
			continue
		}
		visit(component.settings, "", func(path, key string, value any) {
			if key == "attribute" {
				checkNear(c, r, component.path(path), text(value))
			}
		})
	}
}

// keys are the attributes that a span or its resource has here.
var keys = append(vocab.AttributeKeys(), vocab.PipelineName, vocab.Stage, vocab.SamplingAdjustedCount, vocab.SamplingPolicies)

// prefixes are what stands before the first dot of a name that was meant to begin with "ml.".
var prefixes = regexp.MustCompile(`^(?i:.?ml.?|m.?|.l|lm)$`)

// checkNear warns of a name that nothing sets and that differs from one of the vocabulary in a few characters.
func checkNear(c config, r *Result, path, key string) {
	first, _, _ := strings.Cut(strings.ReplaceAll(key, "_", "."), ".")
	if slices.Contains(keys, key) || !prefixes.MatchString(first) || strings.HasPrefix(key, "ml.diagnosis.") || c.setElsewhere(key) {
		return
	}
	if near := suggest.Closest(key, keys); near != "" {
		r.warn("%s: found %q, which mlsignals does not write; did you mean %q?", path, key, near)
	}
}
