package coldstart

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// identityKeys are the resource attributes that tell one run of a process from
// another. service.instance.id alone is not enough where it is set to a pod or
// host name, which outlives a restart.
var identityKeys = []string{
	"service.namespace", "service.name", "service.instance.id",
	"k8s.pod.uid", "k8s.pod.name", "k8s.container.name", "k8s.container.restart_count",
	"container.id", "host.id", "host.name", "process.pid", "process.creation.time",
	"vllm.process_id", // each worker of a tensor parallel group loads its own part
}

// Identity names the process that a resource describes: as precisely as the
// resource does, and no more.
func Identity(resource pcommon.Map) string {
	var b strings.Builder
	for _, key := range identityKeys {
		if v, ok := resource.Get(key); ok {
			b.WriteString(v.AsString())
		}
		b.WriteByte(0)
	}
	return b.String()
}
