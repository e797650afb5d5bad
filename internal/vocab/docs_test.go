package vocab_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// TestDocs fails where the tables of docs/vocabulary.md differ from the code. `go test -update` writes them.
func TestDocs(t *testing.T) {
	golden.EqualSections(t, "../../docs/vocabulary.md", map[string]string{"sent": sent(), "derived": derived(), "stages": stages()})
}

func sent() string {
	var b strings.Builder
	b.WriteString("| Attribute | Type | Stage | Meaning |\n|---|---|---|---|\n")
	for _, a := range vocab.Attributes {
		if !a.Derived {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", a.Key, a.Type, strings.ReplaceAll(a.Stage, "_", " "), a.Meaning)
		}
	}
	return b.String()
}

func derived() string {
	var b strings.Builder
	b.WriteString("| Attribute | Type | Meaning |\n|---|---|---|\n")
	for _, a := range vocab.Attributes {
		if a.Derived {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", a.Key, a.Type, a.Meaning)
		}
	}
	return b.String()
}

func stages() string {
	code := make([]string, len(vocab.Stages))
	for i, stage := range vocab.Stages {
		code[i] = "`" + stage + "`"
	}
	return strings.Join(code, ", ") + ".\n"
}
