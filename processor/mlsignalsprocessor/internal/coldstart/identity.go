package coldstart

import (
	"hash/maphash"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// identityKeys identify, together with vocab.InstanceKeys, one run of a process.
// service.instance.id is not enough if it is a pod or host name, which stays the
// same after a restart.
var identityKeys = []string{
	"service.namespace", "service.name", "k8s.namespace.name", "k8s.container.name", "k8s.container.restart_count",
	"process.pid", "process.creation.time",
	"vllm.process_id", // each worker of a tensor parallel group loads its own shard
}

// Instance identifies a process, as precisely as its spans describe it. It is a
// hash, so its size does not depend on the resource.
type Instance struct {
	hash uint64
	// Known reports whether the process can be distinguished from others of its service.
	Known bool
}

// Load identifies something that an instance loads. It is a hash: among ten
// thousand loads the probability of a collision is 3 in 10^12.
type Load uint64

var seed = maphash.MakeSeed()

// Identify returns the instance of a resource.
func Identify(resource pcommon.Map) Instance {
	var h maphash.Hash
	h.SetSeed(seed)
	known := false
	for _, key := range vocab.InstanceKeys {
		v, ok := resource.Get(key)
		known = add(&h, v, ok) || known
	}
	for _, key := range identityKeys {
		v, ok := resource.Get(key)
		add(&h, v, ok)
	}
	return Instance{hash: h.Sum64(), Known: known}
}

// add hashes the value of an attribute and reports whether it has one.
func add(h *maphash.Hash, v pcommon.Value, ok bool) bool {
	text := ""
	if ok {
		text = v.AsString()
	}
	addText(h, text)
	return text != ""
}

func addText(h *maphash.Hash, text string) {
	h.WriteString(text)
	h.WriteByte(0)
}

// Named returns the instance that a span names, for resources with several instances.
func (i Instance) Named(name string) Instance {
	return Instance{hash: uint64(i.Load(name)), Known: true}
}

// Load returns the identity of the instance's load of a component with these names.
func (i Instance) Load(names ...string) Load {
	var h maphash.Hash
	h.SetSeed(seed)
	maphash.WriteComparable(&h, i.hash)
	for _, name := range names {
		addText(&h, name)
	}
	return Load(h.Sum64())
}
