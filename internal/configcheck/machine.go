package configcheck

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// fileKeys are the settings that name a file which is read at the start.
var fileKeys = []string{"cert_file", "key_file", "ca_file", "client_ca_file"}

// checkMachine finds what this machine lacks of what the components need at the start.
func checkMachine(c config, r *Result) {
	lacks := func(format string, args ...any) { r.Machine = append(r.Machine, fmt.Sprintf(format, args...)) }
	c.visitUsed(func(path string, value any) {
		key, name := path[strings.LastIndex(path, ":")+1:], text(value)
		reads := slices.Contains(fileKeys, key) || key == "filename" && strings.HasPrefix(path, "extensions::bearertokenauth") ||
			strings.HasSuffix(path, "::htpasswd::file")
		if reads && name != "" {
			if reason := unreadable(name); reason != "" {
				lacks("%s: found %q, must be a file that the process can read: %s; correct the path, or the rights of the file", path, name, reason)
			} else if key == "cert_file" {
				checkPair(c, path, name, lacks)
			} else if key == "ca_file" || key == "client_ca_file" {
				checkAuthority(path, name, lacks)
			}
		}
	})
	for _, exporter := range c.ofType("exporters", "file") {
		if path := text(exporter.settings["path"]); path != "" {
			checkFolder(exporter.path("path"), filepath.Dir(path), exporter.settings["create_directory"] == true, lacks)
		}
	}
	for _, storage := range c.ofType("extensions", "file_storage") {
		if path := text(storage.settings["directory"]); path != "" {
			checkFolder(storage.path("directory"), path, storage.settings["create_directory"] == true, lacks)
		}
	}
	for i, output := range texts(block(block(block(c.settings["service"])["telemetry"])["logs"])["output_paths"]) {
		if output != "stdout" && output != "stderr" && !strings.Contains(output, "://") {
			checkFolder(fmt.Sprintf("service::telemetry::logs::output_paths[%d]", i), filepath.Dir(output), false, lacks)
		}
	}
	for _, l := range append(c.listeners(), c.telemetry(&Result{})...) {
		host, _, err := net.SplitHostPort(l.address)
		if must, _ := unfit(l.address, l.example); must != "" || err != nil {
			continue // another check says so
		}
		listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			lacks("%s: found %q, must be an address of this machine: %v; write localhost, or 0.0.0.0 for all of its addresses", l.path, l.address, err)
			continue
		}
		_ = listener.Close()
	}
}

// unreadable returns why a file cannot be read, empty where it can.
func unreadable(name string) string {
	file, err := os.Open(name)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = file.Close() }()
	switch info, err := file.Stat(); {
	case err != nil:
		return err.Error()
	case info.IsDir():
		return "it is a folder"
	case info.Mode().IsRegular() && info.Size() == 0:
		return "it is empty"
	}
	return ""
}

// checkPair finds a certificate that does not belong to the key beside it, and files that are neither.
func checkPair(c config, path, certificate string, lacks func(string, ...any)) {
	c.visitUsed(func(other string, value any) {
		key := text(value)
		if other != strings.TrimSuffix(path, "cert_file")+"key_file" || unreadable(key) != "" {
			return
		}
		if _, err := tls.LoadX509KeyPair(certificate, key); err != nil {
			lacks("%s: found %q, must be a certificate of the key in %s, both as PEM: %v; correct the paths", path, certificate, key, err)
		}
	})
}

// checkAuthority finds a file that has no certificate.
func checkAuthority(path, name string, lacks func(string, ...any)) {
	text, err := os.ReadFile(name)
	if err == nil && !x509.NewCertPool().AppendCertsFromPEM(text) {
		lacks("%s: found %q, must be a file with certificates as PEM; correct the path", path, name)
	}
}

// checkFolder finds a folder that is not there and cannot be made.
func checkFolder(path, folder string, made bool, lacks func(string, ...any)) {
	info, err := os.Stat(folder)
	switch {
	case err == nil && !info.IsDir():
		lacks("%s: found a path in %q, which is no folder, must be in one; correct the path", path, folder)
	case err != nil && !made:
		lacks("%s: found a path in %q, must be in a folder that exists: %v; make the folder", path, folder, err)
	case err != nil && filepath.Dir(folder) != folder:
		checkFolder(path, filepath.Dir(folder), true, lacks)
	}
}
