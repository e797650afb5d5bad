// Package knownkeys finds mistyped keys, and values of the wrong type or shape,
// in a component's settings. The collector's own decoder names the key too, but
// not what is allowed instead or, in YAML's words, what was found.
//
// The functions keep no state. Unmarshal changes the configuration that it is
// given and nothing else.
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

	"github.com/otelcol-ml/otelcol-ml/internal/suggest"
)

// Unmarshal decodes settings into config, a pointer to a struct. Keys that the
// struct does not have, and values that their setting cannot take, are an error
// that reports each with its path and with what is allowed there. Call it from the
// Unmarshal method of the config.
func Unmarshal(conf *confmap.Conf, config any) error {
	w := walk{}
	w.value(conf.ToStringMap(), reflect.TypeOf(config), "")
	if err := errors.Join(w.errs...); err != nil {
		return err
	}
	err := conf.Unmarshal(config)
	if err != nil && len(w.unquoted) > 0 {
		return errors.Join(w.unquoted...)
	}
	return err
}

// walk goes through settings beside the type that they are decoded into and
// notes what does not fit. What only the decoder can tell is left to it.
type walk struct {
	errs []error
	// unquoted are numbers and bools where text is wanted. They are mistakes only
	// if the decoder says so: it knows the text of those that came from the
	// environment. It would not take the others, of which YAML has lost the text:
	// 1.10 is 1.1 by now.
	unquoted []error
}

func (w *walk) value(value any, of reflect.Type, path string) {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if value == nil || of.Kind() == reflect.Interface {
		return
	}
	settings, isBlock := value.(map[string]any)
	list, isList := value.([]any)
	switch {
	case isText(of) && (isBlock || isList):
		w.wrong(value, "text", path)
	case isText(of):
		if _, ok := value.(string); !ok {
			w.unquoted = append(w.unquoted, fmt.Errorf("%s: found %v, must be text; put it in quotes", path, value))
		}
	case of.Kind() == reflect.Struct && isBlock:
		w.block(settings, of, path)
	case of.Kind() == reflect.Map && isBlock:
		for _, key := range sorted(settings) {
			w.value(settings[key], of.Elem(), Below(path, key))
		}
	case of.Kind() == reflect.Slice && isList:
		for i := range list {
			w.value(list[i], of.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	case !fits(value, of):
		w.wrong(value, wanted(of), path)
	}
}

func (w *walk) block(settings map[string]any, of reflect.Type, path string) {
	fields, remain := keys(of), remaining(of)
	for _, key := range sorted(settings) {
		if field, ok := fields[key]; ok {
			w.value(settings[key], field, Below(path, key))
		} else if remain != nil {
			w.value(settings[key], remain, Below(path, key))
		} else {
			w.errs = append(w.errs, fmt.Errorf("%s: found an unknown key, must be one of %s%s",
				Below(path, key), strings.Join(sorted(fields), ", "), suggest.Hint(key, sorted(fields))))
		}
	}
}

func (w *walk) wrong(value any, must, path string) {
	w.errs = append(w.errs, fmt.Errorf("%s: found %s, must be %s", path, Found(value), must))
}

// Under returns an error with the path of the setting that it is about. An error
// that starts with "found" is about the path itself, any other starts with the
// path of a key in the block at the path.
func Under(path string, err error) error {
	if strings.HasPrefix(err.Error(), "found ") {
		return fmt.Errorf("%s: %w", path, err)
	}
	return fmt.Errorf("%s::%w", path, err)
}

// Below returns the path of a key in the block at a path.
func Below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "::" + key
}

// Found describes a value, without the contents of a block or list.
func Found(value any) string {
	switch value.(type) {
	case nil:
		return "no value"
	case map[string]any:
		return "a block of keys"
	case []any:
		return "a list"
	case string:
		return fmt.Sprintf("%q", value)
	}
	return fmt.Sprint(value)
}

// wanted describes the values that a setting of a type accepts.
func wanted(of reflect.Type) string {
	switch kind := of.Kind(); {
	case isText(of):
		return "text"
	case of == reflect.TypeFor[time.Duration]():
		return "a duration such as 300ms or 10s"
	case kind == reflect.Bool:
		return "true or false"
	case isWhole(kind):
		return "a whole number"
	case kind == reflect.Float32 || kind == reflect.Float64:
		return "a number"
	case kind == reflect.Pointer:
		return wanted(of.Elem())
	case kind == reflect.Slice:
		return "a list, each entry " + wanted(of.Elem())
	case kind == reflect.Map && of.Elem().Kind() == reflect.Interface:
		return "a block of names and values, such as {name: value}"
	case kind == reflect.Map:
		return "a block of names, under each " + wanted(of.Elem())
	case kind == reflect.Struct:
		return "a block with some of the keys " + strings.Join(sorted(keys(of)), ", ")
	}
	return "any value"
}

// fits reports whether the decoder takes a value that is not text, nor a block or
// a list where one is wanted.
func fits(value any, of reflect.Type) bool {
	text, isString := value.(string)
	_, isBool := value.(bool)
	number, _ := value.(float64)
	switch kind := of.Kind(); {
	case kind == reflect.Slice: // the decoder makes a list of text with commas
		return isString && (isText(of.Elem()) || of.Elem().Kind() == reflect.Interface)
	case kind == reflect.Struct || kind == reflect.Map:
		return false
	case reflect.TypeOf(value).Kind() == reflect.Map || reflect.TypeOf(value).Kind() == reflect.Slice:
		return false
	case of == reflect.TypeFor[time.Duration]():
		_, err := time.ParseDuration(text)
		return !isBool && (!isString || err == nil)
	case kind == reflect.Bool:
		return isBool
	case isWhole(kind):
		return !isString && !isBool && number == math.Trunc(number)
	case kind == reflect.Float32 || kind == reflect.Float64:
		return !isString && !isBool
	}
	return true
}

// isText reports whether text is wanted, for a string or a type that unmarshals text.
func isText(of reflect.Type) bool {
	return of.Kind() == reflect.String || reflect.PointerTo(of).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func isWhole(kind reflect.Kind) bool {
	return kind >= reflect.Int && kind <= reflect.Uint64
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

// remaining returns the type of the keys that a struct takes beside its own, in
// a map with the option `remain`; nil where it takes none.
func remaining(of reflect.Type) reflect.Type {
	for i := range of.NumField() {
		field := of.Field(i)
		_, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		switch {
		case strings.Contains(options, "remain") && field.Type.Kind() == reflect.Map:
			return field.Type.Elem()
		case strings.Contains(options, "squash"):
			if t := remaining(field.Type); t != nil {
				return t
			}
		}
	}
	return nil
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
