// Package knownkeys finds mistyped keys, and values of the wrong type, in a
// component's settings. The collector's own decoder names the key too, but not
// what is allowed instead or what was found.
package knownkeys

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/confmap"
)

// Unmarshal decodes settings into config, a pointer to a struct. Keys that the
// struct does not have are an error that tells each with its path and with the
// keys that are allowed there. Call it from the Unmarshal method of the config.
func Unmarshal(conf *confmap.Conf, config any) error {
	if err := errors.Join(unknown(conf.ToStringMap(), reflect.TypeOf(config), "")...); err != nil {
		return err
	}
	return conf.Unmarshal(config)
}

// unknown walks the settings beside the type that they are decoded into. What
// does not fit the type in another way is left for the decoder to tell.
func unknown(value any, of reflect.Type, path string) []error {
	if of.Kind() == reflect.Pointer {
		return unknown(value, of.Elem(), path)
	}
	var errs []error
	switch settings := value.(type) {
	case map[string]any:
		var fields map[string]reflect.Type
		switch of.Kind() {
		case reflect.Struct:
			fields = keys(of)
		case reflect.Map:
		default:
			return nil
		}
		for _, key := range sorted(settings) {
			at := key
			if path != "" {
				at = path + "::" + key
			}
			if fields == nil {
				errs = append(errs, unknown(settings[key], of.Elem(), at)...)
			} else if field, ok := fields[key]; ok {
				errs = append(errs, unknown(settings[key], field, at)...)
			} else {
				errs = append(errs, fmt.Errorf("%s: there is no such key, must be one of %s", at, strings.Join(sorted(fields), ", ")))
			}
		}
	case []any:
		if of.Kind() != reflect.Slice {
			return nil
		}
		for i := range settings {
			errs = append(errs, unknown(settings[i], of.Elem(), fmt.Sprintf("%s[%d]", path, i))...)
		}
	case string, bool, int, int64, float64:
		if must := wrongType(value, of); must != "" {
			errs = append(errs, fmt.Errorf("%s: found %#v, must be %s", path, value, must))
		}
	}
	return errs
}

// wrongType says what a value must be that its setting cannot take, "" where
// it can, or where the decoder knows better.
func wrongType(value any, of reflect.Type) string {
	if reflect.PointerTo(of).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return ""
	}
	text, isText := value.(string)
	_, isBool := value.(bool)
	number, _ := value.(float64)
	switch kind := of.Kind(); {
	case of == reflect.TypeFor[time.Duration]():
		if _, err := time.ParseDuration(text); isBool || isText && err != nil {
			return "a duration such as 300ms or 10s"
		}
	case kind == reflect.Bool && !isBool:
		return "true or false"
	case kind >= reflect.Int && kind <= reflect.Uint64 && (isText || isBool || number != math.Trunc(number)):
		return "a whole number"
	case (kind == reflect.Float32 || kind == reflect.Float64) && (isText || isBool):
		return "a number"
	}
	return ""
}

// keys returns the keys of a struct and their types, those of squashed structs
// among them.
func keys(of reflect.Type) map[string]reflect.Type {
	found := map[string]reflect.Type{}
	for i := range of.NumField() {
		field := of.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		switch {
		case strings.Contains(options, "squash"):
			for key, t := range keys(field.Type) {
				found[key] = t
			}
		case name != "" && name != "-":
			found[name] = field.Type
		}
	}
	return found
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
