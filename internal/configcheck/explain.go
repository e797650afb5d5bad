package configcheck

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/internal/suggest"
)

// The library's words around a mistake, which say nothing about it.
var (
	wrappings = regexp.MustCompile(`(failed to get config|invalid configuration|cannot unmarshal the configuration|cannot resolve the configuration|` +
		`cannot convert the confmap\.Conf|cannot retrieve the configuration): `)
	decoding = " decoding failed due to the following error(s):"
	ofOne    = regexp.MustCompile(`^'(\w+)' error reading configuration for "([^"]+)":$`)
	notYAML  = regexp.MustCompile(`(?s)cannot be used as a Conf: assuming string type since contents are not valid YAML: (.*)$`)
	noBlock  = regexp.MustCompile(`retrieved value \(type=.*\) cannot be used as a Conf$`)
	// unknownType is followed by all types there are.
	unknownType = regexp.MustCompile(`unknown type: "([^"]*)".*\(valid values: \[(.*)\]\)$`)
	// alone is the only mistake of a component.
	alone      = regexp.MustCompile(`^'(\w+)' error reading configuration for "([^"]+)": '([\w.\[\]/]*)' (.*)$`)
	quotedPath = regexp.MustCompile(`^'([\w.\[\]/]*)' (.*)$`)
)

// Explain returns an error of the library in the form of this project: without what the library says around it, with the
// whole path of the setting, with the variables that the setting comes from, and with a way out where the library has none.
func (e *Environment) Explain(err error) error {
	if err == nil {
		return nil
	}
	var found mistakes
	if errors.As(err, &found) {
		return explained{found.Error(), err}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	message := err.Error()
	if m := notYAML.FindStringSubmatch(message); m != nil && e.last != "" {
		message = e.last + ": found text that is not YAML: " + strings.TrimPrefix(strings.ReplaceAll(m[1], "\n  ", " "), "yaml: ")
	} else if noBlock.MatchString(message) && e.last != "" {
		message = e.last + ": found no block of keys, must have some of " + strings.Join(blocks, ", ") + "; write each key with a colon and a space behind it"
	}
	lines := strings.Split(plain(message), "\n")
	for i, line := range lines {
		if m := unknownType.FindStringSubmatch(line); m != nil {
			line += suggest.Hint(m[1], strings.Fields(m[2]))
		}
		for _, h := range helps {
			if h.of.MatchString(line) {
				line += h.help
				break
			}
		}
		lines[i] = e.named(line)
	}
	message = strings.Join(lines, "\n")
	e.fromVariables(newConfig(e.settings), func(path string, value any, all, _ []string) {
		if !slices.ContainsFunc(all, func(name string) bool { return strings.Contains(message, name) }) && concerns(message, path, value) {
			message += fmt.Sprintf("\n%s comes from %s", path, strings.Join(all, ", "))
		}
	})
	return explained{message, err}
}

// explained is an error with other words.
type explained struct {
	message string
	error
}

func (e explained) Error() string { return e.message }
func (e explained) Unwrap() error { return e.error }

// plain returns the library's message without its wrapping, one mistake a line, each with the whole path of its setting.
func plain(message string) string {
	var lines []string
	component, path := "", ""
	for _, line := range strings.Split(wrappings.ReplaceAllString(message, ""), "\n") {
		line, wraps := strings.CutSuffix(strings.TrimSpace(line), strings.TrimSpace(decoding))
		line = strings.TrimSpace(line)
		m := ofOne.FindStringSubmatch(line)
		switch {
		case alone.MatchString(line):
			m := alone.FindStringSubmatch(line)
			line, path = "'"+m[3]+"' "+m[4], m[1]+"::"+m[2]+"::"
		case m != nil:
			component = m[1] + "::" + m[2] + "::"
			path = component
			continue
		case wraps:
			keys := strings.ReplaceAll(strings.Trim(line, "'"), ".", "::")
			if strings.HasPrefix(keys, "service") {
				component = ""
			}
			if keys != "" {
				path = component + keys + "::"
			}
			continue
		case line == "":
			continue
		}
		if m := quotedPath.FindStringSubmatch(line); m != nil {
			if line = path + m[2]; m[1] != "" {
				line = path + strings.ReplaceAll(m[1], ".", "::") + ": " + m[2]
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// concerns reports whether a message is about a setting: it has the setting's path or
// port, or its component with its key or folder.
func concerns(message, path string, value any) bool {
	keys := strings.Split(path, "::")
	shown := addressText(value)
	if port := portOf(shown); port != "" {
		return strings.Contains(message, ":"+port)
	}
	if strings.Contains(message, path) {
		return true
	}
	key := regexp.MustCompile(`\b` + regexp.QuoteMeta(keys[len(keys)-1]) + `\b`)
	return strings.Contains(message, keys[1]) && (key.MatchString(message) || filepath.IsAbs(shown) && strings.Contains(message, filepath.Dir(shown)))
}

// helps are ways out of mistakes for which the library names none.
var helps = []struct {
	of   *regexp.Regexp
	help string
}{
	{regexp.MustCompile(`^no (receiver|exporter) configuration specified in config`),
		": found a file that only changes settings of another; give that one first, as in --config otelcol.yaml --config deploy/backend/otelcol.yaml"},
	{regexp.MustCompile(`cannot start any token`), "; indent with spaces, not with tabs"},
	{regexp.MustCompile(`mapping values are not allowed|could not find expected ':'`), "; write a colon and a space behind the key in the line before"},
	{regexp.MustCompile(`did not find expected key`), "; begin all keys of a block in the same column"},
	{regexp.MustCompile(`already defined at line`), "; write the key once"},
	{regexp.MustCompile(`unable to read the file|http.*: status code`), "; correct the path behind --config"},
	{regexp.MustCompile(`expected type 'map.*got unconvertible type`), "; write its settings below it, each indented and with a space behind the colon"},
	{regexp.MustCompile(`source data must be an array or slice`), "; write a list, like [a, b]"},
	{regexp.MustCompile(`expected a map or struct`), "; write a block of keys"},
	{regexp.MustCompile(`^scheme "`), "; write ${env:NAME} for an environment variable, and $$ for a dollar sign"},
	{regexp.MustCompile(`address already in use`), "; another program listens there, or this one runs already; stop it, or choose another port"},
	{regexp.MustCompile(`permission denied`), "; give the user of the process the right to it, or choose another place"},
}
