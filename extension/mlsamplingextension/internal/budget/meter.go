package budget

import (
	"cmp"
	"math"
	"time"
)

const (
	// window is the period over which arrivals are counted before they become a rate. tail_sampling decides once a
	// second. The window is a little shorter, so that it starts with a batch of decisions even if the batch is early.
	window = 950 * time.Millisecond
	// nominal is the assumed length of an open window, in seconds.
	nominal = 1.0
	// memory is the averaging time of a rate, in seconds. It is a compromise: the rate of a class with 10 traces a
	// second is known to 10 %, and a slow change is followed within this time.
	memory = 5.0
	// jump: two unusually full windows in a row, or two unusually empty ones, are a new load, and earlier windows are
	// forgotten. One window is enough if it has more than jump times the expected traces. The factor is large because
	// a delayed batch of decisions may fall into the same window as the next one.
	jump = 1.5
	// sigmas is the deviation, in standard deviations, from which a number of arrivals counts as unusual.
	sigmas = 4
	// again is the number of further traces expected for each trace in excess of the forecast.
	again = 1.0
)

// count is a number of traces, and their sum of adjusted counts, which is larger if the services' SDKs have sampled.
type count struct{ traces, weight float64 }

func (c count) plus(d count) count      { return count{c.traces + d.traces, c.weight + d.weight} }
func (c count) times(f float64) count   { return count{c.traces * f, c.weight * f} }
func (c count) atLeast(d count) count   { return count{max(c.traces, d.traces), max(c.weight, d.weight)} }
func (c count) isNoise(of float64) bool { return math.Abs(c.traces-of) <= sigmas*math.Sqrt(of)+sigmas }

// meter estimates the rate of one kind of traces.
type meter struct {
	open    count   // of the open window
	sum     count   // of earlier windows; older ones have less weight
	seconds float64 // length of sum
	idle    float64 // seconds since the last arrival

	unusual       int   // 1 if the last window was unusually full, -1 if unusually empty
	before        count // the last window
	beforeSeconds float64
}

func (m *meter) add(weight float64) { m.open = m.open.plus(count{1, weight}) }

// known is the rate per second at the end of the last window.
func (m *meter) known() count {
	if m.seconds == 0 {
		return count{}
	}
	return m.sum.times(1 / m.seconds)
}

// future estimates the traces that will still arrive in the open window: the forecast minus the arrivals. In excess
// of the forecast, the excess is assumed to double, and the whole number if it is not noise.
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

// rate is the rate per second that is expected of the open window.
func (m *meter) rate() count {
	known := m.known()
	if m.open.traces <= known.traces*nominal || m.open.isNoise(known.traces*nominal) {
		return known.atLeast(m.open.times(1 / nominal))
	}
	return m.open.plus(m.future()).times(1 / nominal)
}

// close ends the window, whose length is given in seconds.
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
