package budget

import (
	"math"
	"time"
)

const (
	// window is how long arrivals are counted before they become a rate. tail_sampling
	// judges once a second; a little less than that lets each window start with
	// a batch of judgements even if the batch comes early.
	window = 950 * time.Millisecond
	// nominal is the time that the arrivals of an open window are taken to cover, in seconds.
	nominal = 1.0
	// memory is how long a rate is averaged, in seconds. It is a compromise: a
	// class of 10 a second is known to 10 %, a slow change is followed in as long.
	memory = 5.0
	// A window with more than jump times the traces that were expected is a new
	// load and not noise: what was known is forgotten, as it is after two windows
	// with less than 1/jump. More than 2, because a delayed batch of judgements
	// may fall into the same window as the next one.
	jump = 2.5
	// sigmas is how unlikely a jump must be under the known rate.
	sigmas = 4
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

	before        count // the last window, if it was unusually empty
	beforeSeconds float64
}

func (m *meter) add(weight float64) { m.open = m.open.plus(count{1, weight}) }

// rate is per second. An open window that has more than a second's worth already is believed at once.
func (m *meter) rate() count {
	var known count
	if m.seconds > 0 {
		known = m.sum.times(1 / m.seconds)
	}
	return known.atLeast(m.open.times(1 / nominal))
}

// close ends the window, which lasted so many seconds.
func (m *meter) close(seconds float64) {
	if m.open.traces > 0 {
		m.idle = 0
	} else {
		m.idle += seconds
	}
	expected := 0.0
	if m.seconds > 0 {
		expected = m.sum.traces / m.seconds * seconds
	}
	unusual := m.seconds > 0 && !m.open.isNoise(expected)
	few := unusual && m.open.traces < expected/jump
	switch {
	case unusual && m.open.traces > expected*jump:
		m.sum, m.seconds = m.open, seconds
	case few && m.beforeSeconds > 0:
		m.sum, m.seconds = m.before.plus(m.open), m.beforeSeconds+seconds
	default:
		kept := math.Exp(-seconds / memory)
		m.sum, m.seconds = m.sum.times(kept).plus(m.open), m.seconds*kept+seconds
	}
	m.before, m.beforeSeconds = count{}, 0
	if few {
		m.before, m.beforeSeconds = m.open, seconds
	}
	m.open = count{}
}
