package dialect

import (
	"fmt"
	"maps"
	"slices"
)

// Blanks are the keys of a dialect's settings, as YAML gives them, that were
// left without a value. The decoder takes them for keys that are not there: a
// rule with an empty condition would apply to more spans than it says.
func Blanks(settings any, path string) []error {
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
			errs = append(errs, Blanks(v[i], fmt.Sprintf("%s[%d]", path, i))...)
		}
		return errs
	case map[string]any:
		var errs []error
		for _, key := range slices.Sorted(maps.Keys(v)) {
			switch key {
			case "attributes", "resource_attributes":
				// What is in it ParseCondition tells: an attribute can be "".
				if conditions, _ := v[key].(map[string]any); len(conditions) == 0 {
					errs = append(errs, Blanks(nil, below(path, key))...)
				}
			case "title", "about", "versions", "sources": // for people
			default:
				errs = append(errs, Blanks(v[key], below(path, key))...)
			}
		}
		return errs
	}
	return nil
}

func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "::" + key
}
