// Command source writes the dashboards of deploy/grafana, with classic and with
// native histograms. `make dashboards` runs it, `make check` compares.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: source FOLDER")
		os.Exit(2)
	}
	for folder, h := range map[string]histograms{"dashboards": classic{}, "dashboards-native": native{}} {
		if err := write(filepath.Join(os.Args[1], folder), h); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func write(folder string, h histograms) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, d := range dashboards(h) {
		built, err := d.build()
		if err != nil {
			return fmt.Errorf("%s: %w", d.uid, err)
		}
		text, err := json.MarshalIndent(built, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, d.uid+".json"), append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}
