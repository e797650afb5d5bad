// Package shared lets the exporters of several signals share one component, which is created, started and shut down
// once, as the collector's own receivers and exporters do.
//
// A Map and its Components may be used concurrently. The function that creates a component runs while the Map is
// locked and must not use the Map.
package shared

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
)

// Map has a component for each key. It is safe for concurrent use.
type Map[K comparable, V component.Component] struct {
	mutex      sync.Mutex
	components map[K]*Component[V]
}

// NewMap returns an empty map.
func NewMap[K comparable, V component.Component]() *Map[K, V] {
	return &Map[K, V]{components: map[K]*Component[V]{}}
}

// LoadOrStore returns the component of a key and creates it if necessary. Shutdown removes it from the map.
func (m *Map[K, V]) LoadOrStore(key K, create func() (V, error)) (*Component[V], error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if c, ok := m.components[key]; ok {
		return c, nil
	}
	v, err := create()
	if err != nil {
		return nil, err
	}
	c := &Component[V]{component: v, remove: func() {
		m.mutex.Lock()
		defer m.mutex.Unlock()
		delete(m.components, key)
	}}
	m.components[key] = c
	return c, nil
}

// Component is started and shut down only once, however often the methods are called.
type Component[V component.Component] struct {
	component   V
	start, stop sync.Once
	remove      func()
	err, ended  error
}

// Unwrap returns the component itself.
func (c *Component[V]) Unwrap() V { return c.component }

// Start starts the component in the first call. Every call returns the result of the first.
func (c *Component[V]) Start(ctx context.Context, host component.Host) error {
	c.start.Do(func() { c.err = c.component.Start(ctx, host) })
	return c.err
}

// Shutdown shuts the component down at the first call.
func (c *Component[V]) Shutdown(ctx context.Context) error {
	c.stop.Do(func() {
		c.ended = c.component.Shutdown(ctx)
		c.remove()
	})
	return c.ended
}
