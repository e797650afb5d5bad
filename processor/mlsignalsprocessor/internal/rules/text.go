package rules

import (
	"encoding/json"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// maxJSON is the length of a text from which on it is not read as JSON: what is read is a dozen counts.
const maxJSON = 64 << 10

// member returns what JSON text has at a path: a number, a text or a bool. The
// path has a key for each level, with dots between them; "." is the whole text.
func member(v pcommon.Value, path string) (pcommon.Value, bool) {
	text := v.AsString()
	if len(text) > maxJSON {
		return pcommon.Value{}, false
	}
	var at any
	if json.Unmarshal([]byte(text), &at) != nil {
		return pcommon.Value{}, false
	}
	if path != "." {
		for key := range strings.SplitSeq(path, ".") {
			object, ok := at.(map[string]any)
			if !ok {
				return pcommon.Value{}, false
			}
			at = object[key]
		}
	}
	value := pcommon.NewValueEmpty()
	switch at.(type) {
	case float64, string, bool:
		return value, value.FromRaw(at) == nil
	}
	return value, false
}

// timeOfDay reads a time as RFC 3339 writes it, in quotes or without.
func timeOfDay(v pcommon.Value) (pcommon.Timestamp, bool) {
	if v.Type() != pcommon.ValueTypeStr {
		return 0, false
	}
	t, err := time.Parse(time.RFC3339Nano, strings.Trim(v.Str(), `"`))
	if err != nil || t.UnixNano() <= 0 {
		return 0, false
	}
	return pcommon.NewTimestampFromTime(t), true
}
