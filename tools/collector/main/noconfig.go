// This file is copied into ./build beside the main.go that the builder writes.

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Without a --config the collector's library says only "at least one config
// flag must be provided", and offers no way to say more.
func init() {
	if needsConfig(os.Args[1:]) {
		fmt.Fprintln(os.Stderr, "Error: --config: found none, must be at least one file; run: otelcol-ml --config otelcol.yaml")
		os.Exit(1)
	}
}

// needsConfig reports whether the command needs a --config and has none.
func needsConfig(args []string) bool {
	for _, arg := range args {
		name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if arg != name && slices.Contains([]string{"config", "h", "help", "v", "version"}, name) {
			return false
		}
	}
	// Flags alone start the collector. Of the commands, these two read a configuration.
	return len(args) == 0 || strings.HasPrefix(args[0], "-") || args[0] == "validate" || args[0] == "print-config"
}
