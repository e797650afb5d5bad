package rules

import (
	"encoding/json"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// maxJSON is the length in bytes of the longest text that is read as JSON.
const maxJSON = 64 << 10

// member returns the number, text or bool at a path in JSON text. The path has a
// key for each level, separated by dots; "." is the whole text.
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

// timeOfDay parses a time in RFC 3339, with or without quotes.
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
