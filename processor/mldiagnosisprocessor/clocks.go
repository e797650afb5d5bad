package mldiagnosisprocessor

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// SameProcess reports whether two resources of the batch are one process: its
// spans come in several batches, each with a copy of its resource.
func (w *worker) SameProcess(a, b int32) bool {
	return w.resources[a].attributes.Equal(w.resources[b].attributes)
}

// machineKeys name the machine that a process runs on, or the container that stands for it.
var machineKeys = [...]string{"host.id", "host.name", "k8s.node.name"}

// SameClock reports whether two resources share a clock: they are on one
// machine, or, where they do not tell, of one service.
func (w *worker) SameClock(a, b int32) bool {
	if w.SameProcess(a, b) {
		return true
	}
	x, y := w.resources[a].attributes, w.resources[b].attributes
	for _, key := range machineKeys {
		if equal, told := compare(x, y, key); told {
			return equal
		}
	}
	equal, told := compare(x, y, vocab.ServiceName)
	return equal && told
}

// compare reports whether both have a key, and whether their values are equal.
func compare(x, y pcommon.Map, key string) (equal, told bool) {
	vx, okX := x.Get(key)
	vy, okY := y.Get(key)
	if !okX || !okY {
		return false, false
	}
	return vx.Equal(vy), true
}
