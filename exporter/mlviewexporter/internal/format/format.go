// Package format formats numbers for the page. Groups of digits, and units, are separated by a no-break space. All
// functions may be called concurrently.
package format

import (
	"math"
	"strconv"
	"strings"
	"time"
)

const space = "\u00a0"

// Whole formats an integer in groups of digits: 5 001.
func Whole(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + space + s[i:]
	}
	return sign + s
}

// Round rounds to about three digits.
func Round(f float64) string {
	switch size := math.Abs(f); {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return "–"
	case size >= 1e15:
		return strconv.FormatFloat(f, 'g', 3, 64)
	case size >= 100 || f == math.Trunc(f):
		return Whole(int64(math.Round(f)))
	case size >= 10:
		return trim(strconv.FormatFloat(f, 'f', 1, 64))
	case size >= 0.1:
		return trim(strconv.FormatFloat(f, 'f', 2, 64))
	}
	return strconv.FormatFloat(f, 'g', 2, 64)
}

func trim(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Count formats a count.
func Count(n float64, one, many string) string {
	if n == 1 {
		return "1" + space + one
	}
	return Round(n) + space + many
}

// Percent formats a share, 0 to 1.
func Percent(share float64) string {
	p := share * 100
	switch {
	case math.IsNaN(p) || math.IsInf(p, 0):
		return "–"
	case p != 0 && p < 0.1:
		return "<" + space + "0.1" + space + "%"
	case p < 10:
		return trim(strconv.FormatFloat(p, 'f', 1, 64)) + space + "%"
	}
	return Whole(int64(math.Round(p))) + space + "%"
}

// Ms formats a time in milliseconds: 1 820 ms, 12.4 s, 1 h 20 min.
func Ms(ms float64) string {
	switch size := math.Abs(ms); {
	case math.IsNaN(ms) || math.IsInf(ms, 0):
		return "–"
	case size == 0:
		return "0" + space + "ms"
	case size < 0.001:
		return Round(ms*1e6) + space + "ns"
	case size < 0.1:
		return Round(ms*1e3) + space + "µs"
	case size < 10_000:
		return Round(ms) + space + "ms"
	case size < 120_000:
		return Round(ms/1000) + space + "s"
	case size < 2*3600_000:
		return two(ms/1000, 60, "min", "s")
	case size < 48*3600_000:
		return two(ms/60_000, 60, "h", "min")
	}
	return two(ms/3600_000, 24, "d", "h")
}

// two formats a time in two units, given in the smaller one.
func two(small float64, per int64, large, unit string) string {
	n := int64(math.Round(small))
	text := Whole(n/per) + space + large
	if rest := n % per; rest != 0 {
		text += space + strconv.FormatInt(rest, 10) + space + unit
	}
	return text
}

// Ns formats a time in nanoseconds.
func Ns(ns int64) string { return Ms(float64(ns) / 1e6) }

// Clock formats a time of day in UTC, with the date unless it is today.
func Clock(ns int64, now time.Time) string {
	if ns == 0 {
		return "–"
	}
	t := time.Unix(0, ns).UTC()
	if t.Format(time.DateOnly) == now.UTC().Format(time.DateOnly) {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04:05")
}

// Bytes formats a size.
func Bytes(n int64) string {
	switch {
	case n < 1<<10:
		return Whole(n) + space + "B"
	case n < 1<<20:
		return Round(float64(n)/(1<<10)) + space + "KiB"
	}
	return Round(float64(n)/(1<<20)) + space + "MiB"
}

// Signed formats a change with its sign.
func Signed(f float64, as func(float64) string) string {
	switch {
	case f > 0:
		return signed("+", as(f))
	case f < 0:
		return signed("−", as(-f))
	}
	return "±0"
}

func signed(sign, number string) string {
	if below, ok := strings.CutPrefix(number, "<"+space); ok {
		return "<" + space + sign + below
	}
	return sign + number
}

// Score formats a score of a model with four decimals.
func Score(f float64) string { return trim(strconv.FormatFloat(f, 'f', 4, 64)) }
