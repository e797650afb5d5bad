package budget

import (
	"cmp"
	"math"
	"time"
)

const (
	// window is how long arrivals are counted before they become a rate. tail_sampling
	// decides once a second; a window that is a little shorter starts with a batch
	// of decisions even if the batch is early.
	window = 950 * time.Millisecond
	// nominal is the time that the arrivals of an open window are taken to cover, in seconds.
	nominal = 1.0
	// memory is how long a rate is averaged, in seconds. It is a compromise: a
	// class of 10 a second is known to 10 %, a slow change is followed in as long.
	memory = 5.0
	// Two windows in a row that are both unusually full, or both unusually empty,
	// are a new load: what was known before them is forgotten. One with more than
	// jump times the traces that were expected is enough. That much more, because a
	// delayed batch of judgements may fall into the same window as the next one.
	jump = 1.5
	// sigmas is how unlikely a number of arrivals must be to be unusual.
	sigmas = 4
	// again is the number of further traces that are expected for each one above the forecast.
	again = 1.0
)

// count is a number of traces and how many of the services' traces they stand for,
// which is more where a sampler ahead of the collector dropped some.
type count struct{ traces, weight float64 }

func (c count) plus(d count) count      { return count{c.traces + d.traces, c.weight + d.weight} }
func (c count) times(f float64) count   { return count{c.traces * f, c.weight * f} }
func (c count) atLeast(d count) count   { return count{max(c.traces, d.traces), max(c.weight, d.weight)} }
func (c count) isNoise(of float64) bool { return math.Abs(c.traces-of) <= sigmas*math.Sqrt(of)+sigmas }

// meter estimates the rate of one kind of traces.
type meter struct {
	open    count   // of the window that is open
	sum     count   // of the windows before, the older the less
	seconds float64 // that sum covers
	idle    float64 // seconds since the last arrival

	unusual       int   // of the last window: 1 if it was unusually full, -1 if unusually empty
	before        count // the last window
	beforeSeconds float64
}

func (m *meter) add(weight float64) { m.open = m.open.plus(count{1, weight}) }

// known is the rate per second up to the last window that ended.
func (m *meter) known() count {
	if m.seconds == 0 {
		return count{}
	}
	return m.sum.times(1 / m.seconds)
}

// future estimates the traces that the open window will still get: the forecast minus those that have arrived. Above the
// forecast the excess is assumed to double, and if it is not noise, the whole number.
func (m *meter) future() count {
	known := m.known()
	of := known
	if of.traces == 0 {
		of = m.open
	}
	if of.traces == 0 {
		return count{}
	}
	n := math.Abs(known.traces*nominal - m.open.traces)
	if m.open.traces > known.traces*nominal && !m.open.isNoise(known.traces*nominal) {
		of, n = m.open, again*m.open.traces
	}
	return of.times(n / of.traces)
}

// rate is per second, of the open window when it will be full.
func (m *meter) rate() count {
	known := m.known()
	if m.open.traces <= known.traces*nominal || m.open.isNoise(known.traces*nominal) {
		return known.atLeast(m.open.times(1 / nominal))
	}
	return m.open.plus(m.future()).times(1 / nominal)
}

// close ends the window, which lasted so many seconds.
func (m *meter) close(seconds float64) {
	if m.open.traces > 0 {
		m.idle = 0
	} else {
		m.idle += seconds
	}
	expected := m.known().traces * seconds
	unusual := 0
	if m.seconds > 0 && !m.open.isNoise(expected) {
		unusual = cmp.Compare(m.open.traces, expected)
	}
	switch {
	case unusual > 0 && m.open.traces > expected*jump:
		m.sum, m.seconds = m.open, seconds
	case unusual != 0 && unusual == m.unusual:
		m.sum, m.seconds = m.before.plus(m.open), m.beforeSeconds+seconds
	default:
		kept := math.Exp(-seconds / memory)
		m.sum, m.seconds = m.sum.times(kept).plus(m.open), m.seconds*kept+seconds
	}
	m.unusual, m.before, m.beforeSeconds = unusual, m.open, seconds
	m.open = count{}
}
