// Package exemplarsink connects the exporter mlexemplars with the connector mlmetrics of a given ID. The collector
// has no other way to reach a component of another pipeline.
//
// The connector calls Register before any component starts, the exporter calls Find when it starts. Both may be called
// concurrently.
package exemplarsink

import (
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Sink accepts spans of kept traces as exemplars. It does not change or retain them. It is safe for concurrent use.
type Sink interface{ Exemplify(ptrace.Traces) }

var (
	mutex sync.RWMutex
	sinks = map[component.ID]Sink{}
)

// Register adds a sink under the ID of its component, and replaces one with the same ID. The returned function
// removes it.
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
