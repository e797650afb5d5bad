package mladmissionextension

import (
	"testing"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
)

// TestReadme fails where the table of the README differs from the code. `go test -update` writes it.
func TestReadme(t *testing.T) {
	meanings := map[string]string{
		"max_depth":           "largest nesting depth of lists and maps in an attribute value, 1 to 1000",
		"max_request_bytes":   "largest estimated memory of one decoded request, in bytes",
		"max_in_flight_bytes": "largest estimated memory of all requests in flight, in bytes; not set: a tenth of the memory limit of the container, or of the machine",
		"request_timeout":     "longest duration of a gRPC request, transfer included, and longest silence of a new connection",
	}
	golden.EqualSchema(t, "config.schema.json", createDefaultConfig(), meanings)
	golden.EqualSections(t, "README.md", map[string]string{"settings": golden.SettingsTable(t, createDefaultConfig(), meanings)})
}
