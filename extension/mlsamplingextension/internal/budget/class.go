package budget

import (
	"cmp"
	"slices"
)

// Class is one class of a trace: a signal, and the service and model in which it was found.
type Class struct {
	// Signal is the name of the signal, such as queue_bound.
	Signal string
	// Service and Model are empty if they are not known.
	Service, Model string
}

// Compare orders classes.
func (c Class) Compare(d Class) int {
	return cmp.Or(cmp.Compare(c.Signal, d.Signal), cmp.Compare(c.Service, d.Service), cmp.Compare(c.Model, d.Model))
}

// Other is the signal, service and model of shared classes.
const Other = "other"

// MaxPerTrace is the largest number of classes of a trace.
const MaxPerTrace = 16

// class is a Class with its rate.
type class struct {
	Class
	id     uint32
	all    bool    // always kept
	most   float64 // upper limit of the probability
	shared bool    // by classes in excess of MaxClasses
	signal *Tally
	meter  meter   // stays at zero if `all` is set, because the class does not use the budget
	rate   count   // scratch of solve
	p      float64 // its fair probability, by its rate
}

// set has the traces with the same classes. Sets are disjoint, so their rates add up to the total; classes overlap.
type set struct {
	classes []*class
	meter   meter
	// scratch of solve: per second, and expected until the window ends
	rate, future count
}

// setKey has the sorted IDs of a set's classes, padded with zeros.
type setKey [MaxPerTrace]uint32

// class returns the class, or the shared class if there are too many.
func (a *Allocator) class(c Class) *class {
	if found := a.classes[c]; found != nil {
		return found
	}
	if !a.limits.known(c.Signal) {
		// The sender of the spans chooses these names, so their number is limited.
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
	made.p = made.most // until the next call of solve
	a.classes[c] = made
	return made
}

// maxUnknownSignals limits the signals that are not in the vocabulary.
const maxUnknownSignals = 32

// set returns the set of these classes, or nil if there are too many sets.
func (a *Allocator) set(members []*class) *set {
	var key setKey
	for i, c := range members {
		key[i] = c.id
	}
	if found := a.sets[key]; found != nil {
		return found
	}
	// A set of one class always fits, because the number of classes is limited.
	if len(members) > 1 && len(a.sets) >= setsPerClass*a.limits.MaxClasses {
		return nil
	}
	made := &set{classes: slices.Clone(members)}
	a.sets[key] = made
	return made
}

// setsPerClass limits the number of sets. Most classes occur alone or with a few others.
const setsPerClass = 4

// expireAfter is how long a class without traces is remembered, in seconds.
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
