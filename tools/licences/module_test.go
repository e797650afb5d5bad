package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`

const agpl = `This program is free software: you can redistribute it and/or modify
it under the terms of the GNU Affero General Public License as published by
the Free Software Foundation, either version 3 of the License, or
(at your option) any later version.

This program is distributed in the hope that it will be useful,
but WITHOUT ANY WARRANTY; without even the implied warranty of
MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
GNU Affero General Public License for more details.

You should have received a copy of the GNU Affero General Public License
along with this program.  If not, see <https://www.gnu.org/licenses/>.
`

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestCheck: a module needs a licence, and one that is allowed.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name, want string
		files      map[string]string
	}{
		{"allowed", "", map[string]string{"LICENSE": "Copyright (c) 2026 Somebody\n\n" + mit, "NOTICE": "Somebody"}},
		{"in a file with an extension", "", map[string]string{"LICENSE.md": mit}},
		{"another one for the documentation", "", map[string]string{"LICENSE": mit, "LICENSE.docs": agpl}},
		{"none", "found no licence", map[string]string{"NOTICE": "Somebody", "licence.go": "package x"}},
		{"not allowed", "found licence AGPL-3.0", map[string]string{"COPYING": agpl}},
		{"one of two not allowed", "found licence AGPL-3.0", map[string]string{"LICENSE": mit, "LICENSE.other": agpl}},
		{"unknown", "no licence that licensecheck knows", map[string]string{"LICENSE": "All rights reserved."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &module{path: "example.com/m", version: "v1.0.0"}
			err := m.readFolder(folder(t, c.files))
			if err == nil {
				err = m.check()
			}
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("found %v, must contain %q", err, c.want)
			}
		})
	}
}

// TestNotices: each module is listed with its licences, and each text comes once, under all who have it.
func TestNotices(t *testing.T) {
	var modules []*module
	for _, path := range []string{"example.com/a", "example.com/b"} {
		m := &module{path: path, version: "v1.0.0"}
		if err := m.readFolder(folder(t, map[string]string{"LICENSE": mit, "NOTICE.txt": "Notice of " + path})); err != nil {
			t.Fatal(err)
		}
		modules = append(modules, m)
	}
	found := string(notices(modules))
	for part, times := range map[string]int{
		"example.com/a v1.0.0: MIT\nexample.com/b v1.0.0: MIT\n": 1,
		"example.com/a v1.0.0\nexample.com/b v1.0.0\n" + rule:    1,
		strings.TrimSpace(mit):                                   1,
		"Notice of example.com/a":                                1,
		"Notice of example.com/b":                                1,
	} {
		if n := strings.Count(found, part); n != times {
			t.Errorf("found %d times, must be %d: %s", n, times, part)
		}
	}
}
