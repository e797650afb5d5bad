package shop

import (
	"strconv"

	"go.opentelemetry.io/otel/attribute"
)

// values builds attributes, in the article's types or in those that other clients send.
type values struct {
	loose bool
	built int
}

// double is a float64, or loosely an integer where it is whole, and every fourth time a numeric string.
func (v *values) double(key string, f float64) attribute.KeyValue {
	if !v.loose {
		return attribute.Float64(key, f)
	}
	v.built++
	if f == float64(int64(f)) && v.built%4 != 0 {
		return attribute.Int64(key, int64(f))
	}
	return attribute.String(key, strconv.FormatFloat(f, 'f', -1, 64))
}

// int is an int64, or loosely a whole float64 and every fourth time a numeric string.
func (v *values) int(key string, i int) attribute.KeyValue {
	if !v.loose {
		return attribute.Int(key, i)
	}
	v.built++
	if v.built%4 != 0 {
		return attribute.Float64(key, float64(i))
	}
	return attribute.String(key, strconv.Itoa(i))
}

// bool is a bool, or loosely "true" or "false".
func (v *values) bool(key string, b bool) attribute.KeyValue {
	if !v.loose {
		return attribute.Bool(key, b)
	}
	return attribute.String(key, strconv.FormatBool(b))
}
