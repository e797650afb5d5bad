package rules

import (
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/keytable"
)

// checks finds the atoms of an attribute's value. Whole texts are found in a
// table, so the cost does not grow with the number of rules.
type checks struct {
	any    []atom          // of every value
	texts  *keytable.Table // whole texts, nil if no rule has one
	byText [][]atom
	loose  []keyCondition // conditions on texts that are not in the table: ranges and patterns
	all    []keyCondition // conditions on values that are not texts
}

func newChecks(conditions []keyCondition) checks {
	c := checks{}
	var texts []string
	for _, k := range conditions {
		if k.Any {
			c.any = append(c.any, k.atom)
			continue
		}
		c.all = append(c.all, k)
		if k.Range || len(k.Patterns) > 0 {
			c.loose = append(c.loose, k)
			continue
		}
		for _, text := range k.Texts {
			i := slices.Index(texts, text)
			if i < 0 {
				i = len(texts)
				texts = append(texts, text)
				c.byText = append(c.byText, nil)
			}
			if !slices.Contains(c.byText[i], k.atom) {
				c.byText[i] = append(c.byText[i], k.atom)
			}
		}
	}
	if len(texts) > 0 {
		c.texts = keytable.New(texts)
	}
	return c
}

// none reports whether there are no conditions.
func (c *checks) none() bool { return len(c.any) == 0 && len(c.all) == 0 }

// hold appends the atoms of the conditions that hold for the value.
func (c *checks) hold(v pcommon.Value, to []atom) []atom {
	if len(c.any) > 0 {
		to = append(to, c.any...)
	}
	conditions := c.all
	if v.Type() == pcommon.ValueTypeStr {
		conditions = c.loose
		if c.texts != nil {
			if i := c.texts.Index(v.Str()); i >= 0 {
				to = append(to, c.byText[i]...)
			}
		}
	}
	for i := range conditions {
		if conditions[i].Holds(v) {
			to = append(to, conditions[i].atom)
		}
	}
	return to
}
