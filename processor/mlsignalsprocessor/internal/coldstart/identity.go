package coldstart

import (
	"hash/maphash"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// identityKeys are those that, beside vocab.InstanceKeys, tell one run of a process from
// another. service.instance.id alone is not enough where it is set to a pod or
// host name, which outlives a restart.
var identityKeys = []string{
	"service.namespace", "service.name", "k8s.namespace.name", "k8s.container.name", "k8s.container.restart_count",
	"process.pid", "process.creation.time",
	"vllm.process_id", // each worker of a tensor parallel group loads its own part
}

// Instance stands for a process, as precisely as its spans describe it. It is a
// hash, so that it takes the same little room whatever the resource carries.
type Instance struct {
	hash uint64
	// Known is false where the process cannot be told from another of the same service.
	Known bool
}

// Load stands for something that an instance loads. It is a hash too: of ten
// thousand loads, two are taken for one with a probability of 3 in 10^12.
type Load uint64

var seed = maphash.MakeSeed()

// Identify returns the instance that a resource describes.
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

// add tells whether the attribute has a value.
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

// Named returns the instance that a span names itself, where a resource has several.
func (i Instance) Named(name string) Instance {
	return Instance{hash: uint64(i.Load(name)), Known: true}
}

// Load returns what stands for the instance's load of a thing of these names.
func (i Instance) Load(names ...string) Load {
	var h maphash.Hash
	h.SetSeed(seed)
	maphash.WriteComparable(&h, i.hash)
	for _, name := range names {
		addText(&h, name)
	}
	return Load(h.Sum64())
}
