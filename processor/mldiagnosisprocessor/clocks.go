package mldiagnosisprocessor

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// SameProcess reports whether two resources of the batch belong to the same process. The spans of a process arrive in
// several batches, each with a copy of its resource.
func (w *worker) SameProcess(a, b int32) bool {
	return w.resources[a].attributes.Equal(w.resources[b].attributes)
}

// machineKeys identify the machine of a process, or the container if the machine is not known.
var machineKeys = [...]string{"host.id", "host.name", "k8s.node.name"}

// SameClock reports whether two resources share a clock: both have the same machine or, if the machine is not known,
// the same service.
func (w *worker) SameClock(a, b int32) bool {
	if w.SameProcess(a, b) {
		return true
	}
	x, y := w.resources[a].attributes, w.resources[b].attributes
	for _, key := range machineKeys {
		if equal, present := compare(x, y, key); present {
			return equal
		}
	}
	equal, present := compare(x, y, vocab.ServiceName)
	return equal && present
}

// compare reports whether both resources have a key, and whether its values are equal.
func compare(x, y pcommon.Map, key string) (equal, present bool) {
	vx, okX := x.Get(key)
	vy, okY := y.Get(key)
	if !okX || !okY {
		return false, false
	}
	return vx.Equal(vy), true
}
