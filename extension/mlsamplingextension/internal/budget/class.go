package budget

import (
	"cmp"
	"slices"
)

// Class is what a trace is counted as: one of its signals, where it was seen.
type Class struct {
	// Signal is the name of the signal, such as queue_bound.
	Signal string
	// Service and Model are where it was seen; empty where they are not known.
	Service, Model string
}

// Compare orders classes.
func (c Class) Compare(d Class) int {
	return cmp.Or(cmp.Compare(c.Signal, d.Signal), cmp.Compare(c.Service, d.Service), cmp.Compare(c.Model, d.Model))
}

// Other is the signal, service and model of classes that others share.
const Other = "other"

// MaxPerTrace is how many classes a trace can be in.
const MaxPerTrace = 16

// class is a Class with its rate.
type class struct {
	Class
	id     uint32
	all    bool    // always kept
	most   float64 // the probability that it is never kept above
	shared bool    // by classes beyond the bound
	signal *Tally
	meter  meter   // stays at zero for an `all` class, which takes nothing of the budget
	rate   count   // scratch of solve
	p      float64 // its fair probability, by its rate
}

// set is the traces that are in the same classes. Sets do not overlap, so their rates add up to the total; classes do overlap.
type set struct {
	classes []*class
	meter   meter
	// scratch of solve: per second, and what is still to come in the open window
	rate, future count
}

// setKey is the IDs of a set's classes, in their order, then zeros.
type setKey [MaxPerTrace]uint32

// class returns the class, or the one that takes its traces where there are too many classes.
func (a *Allocator) class(c Class) *class {
	if found := a.classes[c]; found != nil {
		return found
	}
	if !a.limits.known(c.Signal) {
		// Whoever sends the spans chooses these names.
		if a.unknownSignals[c.Signal] || len(a.unknownSignals) < maxUnknownSignals {
			a.unknownSignals[c.Signal] = true
		} else {
			c.Signal = Other
			if found := a.classes[c]; found != nil {
				return found
			}
		}
	}
	shared := false
	if len(a.classes)-a.shared >= a.limits.MaxClasses {
		a.stats.Overflows++
		c.Service, c.Model, shared = Other, Other, true
		if found := a.classes[c]; found != nil {
			return found
		}
		a.shared++
	}
	a.lastID++
	made := &class{
		Class: c, id: a.lastID, shared: shared, most: 1,
		all: slices.Contains(a.limits.KeepAll, c.Signal), signal: a.tally(c.Signal),
	}
	if c.Signal == a.limits.Baseline {
		made.most = a.limits.BaselineShare
	}
	made.p = made.most // until the next look
	a.classes[c] = made
	return made
}

// maxUnknownSignals bounds the signals that are not of the vocabulary.
const maxUnknownSignals = 32

// set returns the set of these classes, nil where there are too many sets.
func (a *Allocator) set(members []*class) *set {
	var key setKey
	for i, c := range members {
		key[i] = c.id
	}
	if found := a.sets[key]; found != nil {
		return found
	}
	// A set of one always has room, because classes are bounded.
	if len(members) > 1 && len(a.sets) >= setsPerClass*a.limits.MaxClasses {
		return nil
	}
	made := &set{classes: slices.Clone(members)}
	a.sets[key] = made
	return made
}

// setsPerClass bounds the sets. Most classes are seen alone or with a few others.
const setsPerClass = 4

// expireAfter is how long a class is remembered without a trace, in seconds.
const expireAfter = 300

func (a *Allocator) expire() {
	gone := map[*class]bool{}
	for key, c := range a.classes {
		if c.meter.idle >= expireAfter {
			gone[c] = true
			delete(a.classes, key)
			if c.shared {
				a.shared--
			}
		}
	}
	for key, s := range a.sets {
		if s.meter.idle >= expireAfter || slices.ContainsFunc(s.classes, func(c *class) bool { return gone[c] }) {
			delete(a.sets, key)
		}
	}
}
