package dialect

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
)

// CheckYAML finds settings of a dialect that the decoder would read differently
// from what they say. It takes them as YAML has them; path is the key they are
// under. The decoder ignores keys without a value, so a rule with an empty
// condition would match more spans than intended, and it splits a text at its
// commas where a list is expected, although names can have commas.
func CheckYAML(settings any, path string) []error {
	switch v := settings.(type) {
	case nil:
		return []error{fmt.Errorf("%s: found no value, must have one (cold_start and stage_from may be {}); write it or remove the key", path)}
	case string:
		if v == "" {
			return []error{fmt.Errorf("%s: found \"\", must not be empty; write a value or remove the key", path)}
		}
	case []any:
		if len(v) == 0 {
			return []error{fmt.Errorf("%s: found an empty list, must have entries; write them or remove the key", path)}
		}
		var errs []error
		for i := range v {
			errs = append(errs, CheckYAML(v[i], fmt.Sprintf("%s[%d]", path, i))...)
		}
		return errs
	case map[string]any:
		var errs []error
		for _, key := range slices.Sorted(maps.Keys(v)) {
			errs = append(errs, checkKey(key, v[key], knownkeys.Below(path, key))...)
		}
		return errs
	}
	return nil
}

func checkKey(key string, value any, path string) []error {
	text, _ := value.(string)
	switch key {
	case "title", "about", "versions", "sources": // not used by the rules
		return nil
	case "attributes", "any_of", "resource_attributes", "event_attributes":
		// ParseCondition checks the entries: the value of an attribute can be "".
		if conditions, _ := value.(map[string]any); len(conditions) > 0 {
			return nil
		}
		return CheckYAML(nil, path)
	case "span_names", "any_spelling", "scopes", "kinds", "any_attribute", "without", "events", "signals", "units", "gap", "between", "instance_from":
		if strings.Contains(text, ",") {
			return []error{fmt.Errorf("%s: found %q, must be a list; write [\"a\", \"b\"], or [%[2]q] if it is one name", path, text)}
		}
	}
	return CheckYAML(value, path)
}
