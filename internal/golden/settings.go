package golden

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// SettingsTable is the documentation of a component's settings. The keys and
// the defaults come from the default configuration, so that none is forgotten;
// the test fails where a key has no meaning or a meaning no key. Keys of nested
// blocks are joined with the separator of the collector's own messages.
func SettingsTable(t testing.TB, defaults any, meanings map[string]string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| Key | Default | Meaning |\n|---|---|---|\n")
	known := map[string]bool{}
	for _, s := range settings(reflect.Indirect(reflect.ValueOf(defaults))) {
		meaning, ok := meanings[s.key]
		require.True(t, ok, "setting %q has no meaning", s.key)
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.key, s.value, meaning)
		known[s.key] = true
	}
	for key := range meanings {
		require.True(t, known[key], "setting %q does not exist", key)
	}
	return b.String()
}

type setting struct{ key, value string }

func settings(v reflect.Value) (all []setting) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		key, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		f := v.Field(i)
		if f.Kind() != reflect.Struct || isText(f.Type()) {
			all = append(all, setting{key, defaultValue(f)})
			continue
		}
		for _, s := range settings(f) {
			if options != "squash" {
				s.key = key + "::" + s.key
			}
			all = append(all, s)
		}
	}
	return all
}

func defaultValue(f reflect.Value) string {
	if f.IsZero() && f.Kind() != reflect.Bool {
		return ""
	}
	value := fmt.Sprint(f.Interface())
	switch {
	case f.Kind() == reflect.Slice:
		if f.Len() == 0 {
			return ""
		}
		parts := make([]string, f.Len())
		for i := range parts {
			parts[i] = fmt.Sprint(f.Index(i).Interface())
		}
		value = strings.Join(parts, ", ")
	case f.Type() == reflect.TypeFor[time.Duration]() && strings.HasSuffix(value, "m0s"):
		value = strings.TrimSuffix(value, "0s")
	}
	return "`" + value + "`"
}
