package mladmissionextension

import (
	"testing"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
)

// TestReadme fails where the table of the README differs from the code. `go test -update` writes it.
func TestReadme(t *testing.T) {
	meanings := map[string]string{
		"max_depth":           "how many lists and maps an attribute value may be nested in, 1 to 1000",
		"max_request_bytes":   "how much memory one request may take when decoded, by estimate",
		"max_in_flight_bytes": "how much all requests may take that are read or processed at once, by estimate; without it a fifth of the container's limit or the machine's memory",
		"request_timeout":     "how long a gRPC request may take, its arrival included, and how long a new connection may be silent",
	}
	golden.EqualSchema(t, "config.schema.json", createDefaultConfig(), meanings)
	golden.EqualSections(t, "README.md", map[string]string{"settings": golden.SettingsTable(t, createDefaultConfig(), meanings)})
}
