package dialect

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
)

// Misread is what the decoder reads otherwise than it stands in the settings of
// a dialect, as YAML gives them. A key without a value is no key to it: a rule
// with an empty condition would apply to more spans than it says. And text for
// a list is taken apart at its commas, which names can have too.
func Misread(settings any, path string) []error {
	switch v := settings.(type) {
	case nil:
		return []error{fmt.Errorf("%s: found no value; give it one (cold_start and stage_from may be {}), or remove it", path)}
	case string:
		if v == "" {
			return []error{fmt.Errorf("%s: found \"\"; give it a value, or remove it", path)}
		}
	case []any:
		if len(v) == 0 {
			return []error{fmt.Errorf("%s: found an empty list; give it entries, or remove it", path)}
		}
		var errs []error
		for i := range v {
			errs = append(errs, Misread(v[i], fmt.Sprintf("%s[%d]", path, i))...)
		}
		return errs
	case map[string]any:
		var errs []error
		for _, key := range slices.Sorted(maps.Keys(v)) {
			errs = append(errs, misreadKey(key, v[key], knownkeys.Below(path, key))...)
		}
		return errs
	}
	return nil
}

func misreadKey(key string, value any, path string) []error {
	text, _ := value.(string)
	switch key {
	case "title", "about", "versions", "sources": // for people
		return nil
	case "attributes", "any_of", "resource_attributes", "event_attributes":
		// What is in it ParseCondition tells: an attribute can be "".
		if conditions, _ := value.(map[string]any); len(conditions) > 0 {
			return nil
		}
		return Misread(nil, path)
	case "span_names", "any_spelling", "scopes", "kinds", "any_attribute", "without", "events", "signals", "units", "gap", "between", "instance_from":
		if strings.Contains(text, ",") {
			return []error{fmt.Errorf("%s: found %q, must be a list; write [\"a\", \"b\"] or, if it is one name, [%[2]q]", path, text)}
		}
	}
	return Misread(value, path)
}
