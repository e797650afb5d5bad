// Package dialects holds the built-in dialects: a YAML file each, in the form
// of package dialect. Its functions may be called concurrently; nobody may change
// what All returns.
package dialects

import (
	"embed"
	"fmt"
	"sort"
	"sync"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"
)

//go:embed *.yaml
var files embed.FS

// Files returns the text of every built-in dialect by the name of its file.
func Files() (map[string][]byte, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	texts := make(map[string][]byte, len(entries))
	for _, e := range entries {
		if texts[e.Name()], err = files.ReadFile(e.Name()); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// All returns every built-in dialect, in the order of their names. They are
// read once; do not change them.
var All = sync.OnceValues(func() ([]*dialect.Dialect, error) {
	texts, err := Files()
	if err != nil {
		return nil, err
	}
	var all []*dialect.Dialect
	for file, text := range texts {
		d, err := dialect.Parse("dialects/"+file, text)
		if err != nil {
			return nil, err
		}
		if d.Name+".yaml" != file {
			return nil, fmt.Errorf("dialects/%s: name: found %q, must be the name of the file", file, d.Name)
		}
		all = append(all, d)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all, nil
})

// Names lists the built-in dialects.
func Names() []string {
	all, err := All()
	if err != nil {
		return nil // All's callers say so
	}
	names := make([]string, len(all))
	for i, d := range all {
		names[i] = d.Name
	}
	return names
}
