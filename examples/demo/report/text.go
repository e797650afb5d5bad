package report

import (
	"fmt"
	"strconv"
	"time"
)

// grouped writes 12345 as "12 345", as the article does.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + " " + text[i:]
	}
	return text
}

// milliseconds writes a number of ms, with decimals only where it is small.
func milliseconds(ms float64) string {
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return grouped(int(ms+0.5)) + " ms"
}

func inMilliseconds(d time.Duration) string {
	return milliseconds(float64(d) / float64(time.Millisecond))
}

func seconds(ms float64) string { return fmt.Sprintf("%.1f s", ms/1000) }

func percent(part, whole float64) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*part/whole)
}
