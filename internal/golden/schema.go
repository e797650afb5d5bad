package golden

import (
	"encoding"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// EqualSchema fails the test where a JSON schema differs from that of a
// component's settings: keys, types and defaults come from the default
// configuration, descriptions from meanings, whose keys are those of
// SettingsTable. `go test -update` writes it.
func EqualSchema(t testing.TB, path string, defaults any, meanings map[string]string) {
	t.Helper()
	schema := schemaOf(reflect.ValueOf(defaults), "", meanings)
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	text, err := json.MarshalIndent(schema, "", "  ")
	require.NoError(t, err)
	text = append(text, '\n')
	if *update {
		require.NoError(t, os.WriteFile(path, text, 0o644))
		return
	}
	on, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(on), string(text), "%s is not what the code gives; run the test with -update", path)
}

type schema = map[string]any

// isText reports whether a type is written as text, as the ID of a component is.
func isText(of reflect.Type) bool {
	return reflect.PointerTo(of).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// schemaOf describes a value, which is the default, and its type.
func schemaOf(v reflect.Value, key string, meanings map[string]string) schema {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		return schemaOf(v.Elem(), key, meanings)
	}
	s := schemaOfType(v.Type(), v, key, meanings)
	if meaning, ok := meanings[key]; ok {
		s["description"] = meaning
	}
	return s
}

func schemaOfType(of reflect.Type, v reflect.Value, key string, meanings map[string]string) schema {
	s := schema{}
	if of == reflect.TypeFor[time.Duration]() {
		s["type"], s["pattern"] = "string", `^[-+]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+$|^0$`
		if v.IsValid() {
			s["default"] = v.Interface().(time.Duration).String()
		}
		return s
	}
	switch of.Kind() {
	case reflect.Pointer:
		return schemaOfType(of.Elem(), reflect.Value{}, key, meanings)
	case reflect.Struct:
		if !isText(of) {
			return schemaOfStruct(of, v, key, meanings)
		}
		s["type"] = "string"
	case reflect.Slice, reflect.Array:
		s["type"], s["items"] = "array", schemaOfType(of.Elem(), reflect.Value{}, key, nil)
	case reflect.Map:
		s["type"], s["additionalProperties"] = "object", schemaOfType(of.Elem(), reflect.Value{}, key, nil)
	case reflect.Bool:
		s["type"] = "boolean"
	case reflect.String:
		s["type"] = "string"
	case reflect.Float32, reflect.Float64:
		s["type"] = "number"
	case reflect.Interface, reflect.Func, reflect.Chan:
	default:
		s["type"] = "integer"
	}
	if v.IsValid() && v.Kind() != reflect.Map && !(v.Kind() == reflect.Slice && v.Len() == 0) && s["type"] != nil {
		if text, err := json.Marshal(v.Interface()); err == nil {
			s["default"] = json.RawMessage(text)
		}
	}
	return s
}

func schemaOfStruct(of reflect.Type, v reflect.Value, key string, meanings map[string]string) schema {
	properties, closed := schema{}, true
	for i := range of.NumField() {
		field := of.Field(i)
		if !field.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		var value reflect.Value
		if v.IsValid() {
			value = v.Field(i)
		}
		full := name
		if key != "" {
			full = key + "::" + name
		}
		switch {
		case name == "-":
		case options == "squash":
			inner := schemaOfType(field.Type, value, key, meanings)
			if of, ok := inner["properties"].(schema); ok {
				for name, property := range of {
					properties[name] = property
				}
			}
		case options == "remain" || name == "":
			closed = false
		case value.IsValid():
			properties[name] = schemaOf(value, full, meanings)
		default:
			properties[name] = schemaOfType(field.Type, value, full, meanings)
		}
	}
	if len(properties) == 0 {
		return schema{} // a type that decodes itself
	}
	return schema{"type": "object", "properties": properties, "additionalProperties": !closed}
}
