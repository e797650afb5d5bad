package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// allowed are the licences under which a module may be linked into the binary:
// none of them asks for the source of what it is linked with.
var allowed = []string{
	"0BSD", "Apache-2.0", "BSD-1-Clause", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MPL-2.0", "Unlicense", "Zlib",
	"GooglePatentsFile", // a grant of patents beside a licence
}

var (
	licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense|patents)([.-].*)?$`)
	noticeFile  = regexp.MustCompile(`(?i)^(notice|copyright)([.-].*)?$`)
	sourceFile  = regexp.MustCompile(`\.(go|s|c|h|json|yaml|py|sh|tmpl)$`)
	docsLicence = regexp.MustCompile(`(?i)^licen[cs]e[.-]docs?$`) // of the documentation, which is not linked
)

// module is a module that is linked into the program, with the texts that come with it.
type module struct {
	path, version string
	texts         []text
}

type text struct {
	file     string
	licences []string
	content  []byte
}

// readFolder adds the licences and notices of a folder, each once.
func (m *module) readFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		licence, notice := licenceFile.MatchString(name), noticeFile.MatchString(name)
		path := filepath.Join(dir, name)
		known := slices.ContainsFunc(m.texts, func(t text) bool { return t.file == path })
		if !licence && !notice || !entry.Type().IsRegular() || sourceFile.MatchString(name) || docsLicence.MatchString(name) || known {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		t := text{file: path, content: bytes.TrimSpace(bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n")))}
		if licence {
			for _, match := range licensecheck.Scan(content).Match {
				if !match.IsURL && !slices.Contains(t.licences, match.ID) {
					t.licences = append(t.licences, match.ID)
				}
			}
			if len(t.licences) == 0 {
				return fmt.Errorf("%s: found no licence that licensecheck knows in %s", m.path, path)
			}
		}
		m.texts = append(m.texts, t)
	}
	return nil
}

// licences are the names of the module's licences, in SPDX's words.
func (m *module) licences() []string {
	var names []string
	for _, t := range m.texts {
		names = append(names, t.licences...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (m *module) check() error {
	names := m.licences()
	if len(names) == 0 {
		return fmt.Errorf("%s %s: found no licence", m.path, m.version)
	}
	for _, name := range names {
		if !slices.Contains(allowed, name) {
			return fmt.Errorf("%s %s: found licence %s, must be one of %s", m.path, m.version, name, strings.Join(allowed, ", "))
		}
	}
	return nil
}

const rule = "================================================================================\n"

// notices is the file that goes with the binary: a list of the modules, and each
// text once, with the modules that it is for.
func notices(modules []*module) []byte {
	var out bytes.Buffer
	out.WriteString("otelcol-ml is distributed under the Apache License 2.0. Its binary contains the following software of others.\n" +
		"The source of a module is what `go mod download MODULE@VERSION` gives.\n\n")
	var order []string
	users := map[string][]string{}
	for _, m := range modules {
		fmt.Fprintf(&out, "%s %s: %s\n", m.path, m.version, strings.Join(m.licences(), ", "))
		for _, t := range m.texts {
			content := string(t.content)
			if users[content] == nil {
				order = append(order, content)
			}
			if name := m.path + " " + m.version; !slices.Contains(users[content], name) {
				users[content] = append(users[content], name)
			}
		}
	}
	for _, content := range order {
		out.WriteString("\n" + rule)
		for _, user := range users[content] {
			out.WriteString(user + "\n")
		}
		out.WriteString(rule + "\n" + content + "\n")
	}
	return out.Bytes()
}
