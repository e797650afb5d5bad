package series

import "time"

// ring has the values of the latest steps of time.
type ring struct {
	step  time.Duration
	slots []slot
}

// slot has the values of one step. at is the number of the step since 1970.
type slot struct {
	at   int64
	dist Dist
}

// The rings: ten minutes in fine steps, for a window of five minutes and the previous one, and two hours by the
// minute.
const (
	fineStep, fineSlots     = 15 * time.Second, 41
	coarseStep, coarseSlots = time.Minute, 121
)

// add adds values to the current step, unless that needs memory and there is none.
func (r *ring) add(now time.Time, more *Dist, steps int, room bool) (bytes int64) {
	if r.slots == nil {
		if !room {
			return 0
		}
		r.slots = make([]slot, 0, 4)
	}
	at := now.UnixNano() / int64(r.step)
	if n := len(r.slots); n > 0 && r.slots[n-1].at >= at {
		before := int64(len(r.slots[n-1].dist.counts))
		r.slots[n-1].dist.Add(more)
		return 8 * (int64(len(r.slots[n-1].dist.counts)) - before)
	}
	if !room {
		return 0
	}
	gone := 0
	for gone < len(r.slots) && r.slots[gone].at <= at-int64(steps) {
		bytes -= slotBytes + 8*int64(len(r.slots[gone].dist.counts))
		gone++
	}
	if gone > 0 {
		n := copy(r.slots, r.slots[gone:])
		clear(r.slots[n:])
		r.slots = r.slots[:n]
	}
	var d Dist
	d.Add(more)
	r.slots = append(r.slots, slot{at, d})
	return bytes + slotBytes + 8*int64(len(d.counts))
}

// slotBytes is the size of a slot, with the spare capacity of its slice.
const slotBytes = 120

// between calls a function for the values of a period of time.
func (r *ring) between(from, to time.Time, visit func(at time.Time, d *Dist)) {
	first, last := from.UnixNano()/int64(r.step), to.UnixNano()/int64(r.step)
	for i := range r.slots {
		if at := r.slots[i].at; at > first && at <= last {
			visit(time.Unix(0, at*int64(r.step)), &r.slots[i].dist)
		}
	}
}

// history has number and sum of values since the start, in at most historySlots steps, whose length doubles over
// time.
type history struct {
	step  time.Duration
	slots []point
}

type point struct{ count, sum float64 }

const (
	historySlots = 60
	historyStep  = 15 * time.Second
)

func (h *history) add(age time.Duration, count, sum float64) {
	if h.step == 0 {
		h.step = historyStep
	}
	age = max(age, 0)
	for age >= h.step*historySlots {
		for i := range h.slots {
			to := &h.slots[i/2]
			if i%2 == 0 {
				*to = h.slots[i]
			} else {
				to.count += h.slots[i].count
				to.sum += h.slots[i].sum
			}
		}
		h.slots = h.slots[:(len(h.slots)+1)/2]
		h.step *= 2
	}
	at := int(age / h.step)
	for len(h.slots) <= at {
		h.slots = append(h.slots, point{})
	}
	h.slots[at].count += count
	h.slots[at].sum += sum
}
