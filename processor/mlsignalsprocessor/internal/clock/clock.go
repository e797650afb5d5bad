// Package clock compares times of spans. It keeps no state, so Follows may be called concurrently.
package clock

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// grain is how much too early a span's start may be: JavaScript's SDK starts a span at the last whole millisecond of its
// clock, and ends it so much later as it took, which is exact.
const grain = pcommon.Timestamp(time.Millisecond)

// Follows reports whether what starts then can have come after what ended.
func Follows(start, end pcommon.Timestamp) bool { return end < start+grain }
