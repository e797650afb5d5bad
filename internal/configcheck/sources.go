package configcheck

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

// settle notes a configuration as it is with the values of variables, and as it is in its files, all of which have been read.
func (e *Environment) settle(settings map[string]any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	merged := confmap.New()
	e.erased = nil
	for i, file := range e.files {
		before := merged.ToStringMap()
		visit(file.ToStringMap(), "", func(path, _ string, value any) {
			if removed := block(at(before, path)); value == nil && len(removed) > 0 {
				e.erased = append(e.erased, fmt.Sprintf("%s: found no value in %s, which removes the settings of the files before, must have one; "+
					"write those that change below it, or {}", path, e.names[i]))
			}
		})
		if merged.Merge(file) != nil {
			return // the library says so
		}
	}
	e.files, e.names, e.sources, e.settings = nil, nil, merged.ToStringMap(), settings
}

var (
	reference = regexp.MustCompile(`\$\{(?:env:)?([A-Za-z_]\w*)(:-[^}]*)?\}`)
	entryOf   = regexp.MustCompile(`^(.*)\[(\d+)\]$`)
)

// at returns the setting of a path.
func at(settings map[string]any, path string) any {
	var value any = settings
	for _, key := range strings.Split(path, "::") {
		var places []int
		for {
			m := entryOf.FindStringSubmatch(key)
			if m == nil {
				break
			}
			place, _ := strconv.Atoi(m[2])
			key, places = m[1], append([]int{place}, places...)
		}
		value = block(value)[key]
		for _, place := range places {
			entries := list(value)
			if place >= len(entries) {
				return nil
			}
			value = entries[place]
		}
	}
	return value
}

// variables returns the variables that a setting comes from, and those of them that are not set and have no default.
func (e *Environment) variables(path string) (all, missing []string) {
	if e == nil || e.sources == nil {
		return nil, nil
	}
	for _, m := range reference.FindAllStringSubmatch(text(at(e.sources, path)), -1) {
		if slices.Contains(all, m[1]) {
			continue
		}
		all = append(all, m[1])
		if _, isSet := os.LookupEnv(m[1]); !isSet && m[2] == "" {
			missing = append(missing, m[1])
		}
	}
	return all, missing
}

// named adds the variables that a setting comes from to a message, which begins with the setting's path. The library
// separates a component from its setting like a path from a message.
func (e *Environment) named(message string) string {
	path, rest, found := strings.Cut(message, ": ")
	if !found {
		return message
	}
	key, after, _ := strings.Cut(rest, ": ")
	for _, try := range []struct{ path, rest string }{{path, rest}, {path + "::" + key, after}} {
		if variables, _ := e.variables(try.path); len(variables) > 0 {
			return fmt.Sprintf("%s (%s): %s", try.path, strings.Join(variables, ", "), try.rest)
		}
	}
	return message
}

// fromVariables calls f for each setting of the used components and the service that comes from variables.
func (e *Environment) fromVariables(c config, f func(path string, value any, all, missing []string)) {
	if e == nil {
		return
	}
	c.visitUsed(func(path string, value any) {
		if all, missing := e.variables(path); len(all) > 0 {
			f(path, value, all, missing)
		}
	})
}

// checkVariables finds variables that have to be set and are not.
func checkVariables(c config, e *Environment, r *Result) {
	e.fromVariables(c, func(path string, _ any, _, missing []string) {
		for _, name := range missing {
			if strings.HasPrefix(name, prefix) {
				r.fail("%s: found no value, must be %s; set the environment variable %s", path, needed(name), name)
			} else {
				r.warn("%s: found no value, must have one; set the environment variable %s", path, name)
			}
		}
	})
}

// needs is what a variable of the files of deploy/ must be that has no default.
var needs = map[string]string{
	"OTELCOL_ML_HTPASSWD":      "the path of a file of names and passwords, which htpasswd -B writes",
	"OTELCOL_ML_OTLP_ENDPOINT": "the URL of a backend, such as http://tempo:4318",
	"OTELCOL_ML_SAMPLERS":      "one name for all samplers in gateway-dns.yaml, host:port of each with commas in gateway-static.yaml",
	"OTELCOL_ML_TLS_CERT":      "the path of the server's certificate, a PEM file",
	"OTELCOL_ML_TLS_CLIENT_CA": "the path of the certificate of the authority that signs the clients', a PEM file",
	"OTELCOL_ML_TLS_KEY":       "the path of the key of the server's certificate, a PEM file",
	"OTELCOL_ML_TOKEN_FILE":    "the path of a file with the token",
}

func needed(name string) string {
	if what := needs[name]; what != "" {
		return what
	}
	return "set"
}
