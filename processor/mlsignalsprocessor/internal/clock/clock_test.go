package clock

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// TestFollows: a span that lasts from 10.9 to 15.6 ms is sent as one from 10 to 14.7 ms, the next from 15.7 as one from 15 ms;
// one that lasts from 10.0 to 15.6 ms ends at 15.6 ms, after the start of the next.
func TestFollows(t *testing.T) {
	us := func(n int) pcommon.Timestamp { return pcommon.Timestamp(time.Duration(n) * time.Microsecond) }
	assert.True(t, Follows(us(15000), us(14700)))
	assert.True(t, Follows(us(15000), us(15600)))
	assert.True(t, Follows(us(15000), us(15999)))
	assert.False(t, Follows(us(15000), us(16000)))
	assert.True(t, Follows(0, 0))
}
