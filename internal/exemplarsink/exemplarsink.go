// Package exemplarsink leads from the exporter mlexemplars to the connector
// mlmetrics of a given name. A collector has no other way from a component to
// one of another pipeline.
package exemplarsink

import (
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Sink takes spans of kept traces as exemplars. It reads them and keeps nothing of them.
// It is safe for concurrent use.
type Sink interface{ Exemplify(ptrace.Traces) }

var (
	mutex sync.RWMutex
	sinks = map[component.ID]Sink{}
)

// Register makes a sink known by the ID of its component, in place of one that
// had the ID before. The result makes it unknown again.
func Register(id component.ID, s Sink) (unregister func()) {
	mutex.Lock()
	defer mutex.Unlock()
	sinks[id] = s
	return func() {
		mutex.Lock()
		defer mutex.Unlock()
		if sinks[id] == s {
			delete(sinks, id)
		}
	}
}

// Find returns the sink of a component.
func Find(id component.ID) (Sink, bool) {
	mutex.RLock()
	defer mutex.RUnlock()
	s, ok := sinks[id]
	return s, ok
}
