package dialect

import (
	"fmt"
	"strings"
)

// exactName returns an error for a name that is empty or a pattern, where names are compared as they are.
func exactName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("found %q, must be a name; write one, or remove the key", name)
	case strings.HasPrefix(name, "*") || strings.HasSuffix(name, "*"):
		return fmt.Errorf("found %q, must be a whole name: a * stands for any text in span_names and scopes only", name)
	}
	return nil
}
