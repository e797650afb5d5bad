// Package recent holds maps that remember a bounded number of recently used keys. A Map is not safe for concurrent
// use; whoever owns it locks it.
package recent

import "time"

// Map remembers the most recently used keys. It has two generations. A key that is used moves to the newer
// generation. A full newer generation becomes the older one, and the older one is dropped. So Map always remembers
// the size most recently used keys, and at most twice as many.
//
// A Map is not safe for concurrent use.
type Map[K comparable, V any] struct {
	newer, older map[K]V
	size         int
	ttl          time.Duration
	turned       time.Time
	forgotten    int64
}

// New returns a map that remembers at least size keys, 1 or more. If ttl is above zero, a key is evicted between one
// and two ttl after its last use.
func New[K comparable, V any](size int, ttl time.Duration) *Map[K, V] {
	return &Map[K, V]{newer: map[K]V{}, size: max(size, 1), ttl: ttl}
}

// Get returns the value of a key and counts as a use of it.
func (m *Map[K, V]) Get(key K, now time.Time) (V, bool) {
	m.Expire(now)
	if v, ok := m.newer[key]; ok {
		return v, true
	}
	v, ok := m.older[key]
	if ok {
		m.Put(key, v, now)
	}
	return v, ok
}

// Put remembers a key and its value.
func (m *Map[K, V]) Put(key K, value V, now time.Time) {
	m.Expire(now)
	if _, ok := m.newer[key]; !ok && len(m.newer) >= m.size {
		m.turn(now)
	}
	m.newer[key] = value
}

// Delete removes a key.
func (m *Map[K, V]) Delete(key K) {
	delete(m.newer, key)
	delete(m.older, key)
}

// Len returns the number of remembered keys. A key that is in both generations counts twice.
func (m *Map[K, V]) Len() int { return len(m.newer) + len(m.older) }

// Forgotten returns the number of evicted keys, without those of Delete.
func (m *Map[K, V]) Forgotten() int64 { return m.forgotten }

// Expire starts a new generation if the newer one is as old as the ttl, as Get and Put do. Call it now and then where
// nothing may be used for long.
func (m *Map[K, V]) Expire(now time.Time) {
	switch {
	case m.ttl <= 0:
	case m.turned.IsZero():
		m.turned = now
	default:
		if age := now.Sub(m.turned); age >= m.ttl {
			m.turn(now)
			if age >= 2*m.ttl { // no key was used for two generations
				m.turn(now)
			}
		}
	}
}

// turn makes the newer generation the older one, when it is full or as old as the ttl. The new
// generation starts with an empty map, so that memory shrinks when there is less to remember.
func (m *Map[K, V]) turn(now time.Time) {
	for key := range m.older {
		if _, used := m.newer[key]; !used {
			m.forgotten++
		}
	}
	m.older, m.newer = m.newer, map[K]V{}
	m.turned = now
}
