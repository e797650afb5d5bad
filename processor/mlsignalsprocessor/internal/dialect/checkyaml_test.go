package dialect

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestTextForAList: the decoder would make two entries of one name, under whatever key of the form.
func TestTextForAList(t *testing.T) {
	keys := listsOfText(reflect.TypeFor[Dialect](), map[reflect.Type]bool{})
	assert.Contains(t, keys, "span_names")
	assert.Contains(t, keys, "instance_from")
	for _, key := range keys {
		errs := CheckYAML(map[string]any{"rules": []any{map[string]any{key: "a,b"}}}, "")
		if key == "sources" {
			assert.Empty(t, errs, "sources are for people")
			continue
		}
		says := fmt.Sprintf(`rules[0]::%s: found "a,b", must be a list; write ["a", "b"], or ["a,b"] if it is one name`, key)
		if assert.Len(t, errs, 1, key) {
			assert.EqualError(t, errs[0], says)
		}
		assert.Empty(t, CheckYAML(map[string]any{"rules": []any{map[string]any{key: "a"}}}, ""), key)
	}
}

// listsOfText are the keys of a type, and of the types in it, that take a list of text.
func listsOfText(of reflect.Type, seen map[reflect.Type]bool) []string {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || seen[of] {
		return nil
	}
	seen[of] = true
	var keys []string
	for i := range of.NumField() {
		field := of.Field(i)
		if field.Type == reflect.TypeFor[[]string]() {
			name, _, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
			keys = append(keys, name)
		}
		keys = append(keys, listsOfText(field.Type, seen)...)
	}
	return keys
}
