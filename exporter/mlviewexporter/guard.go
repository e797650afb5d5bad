package mlviewexporter

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/extensionauth"
)

// guard wraps a handler with the authentication of requests.
func (v *viewExporter) guard(host component.Host, next http.Handler) (http.Handler, error) {
	if v.cfg.Auth.Authenticator == "" {
		return v.checkHost(next), nil
	}
	var id component.ID
	if err := id.UnmarshalText([]byte(v.cfg.Auth.Authenticator)); err != nil {
		return nil, err // Validate has checked it
	}
	extension, ok := host.GetExtensions()[id]
	if !ok {
		return nil, fmt.Errorf("auth::authenticator: found %s, must be an extension that runs; add it to service::extensions", id)
	}
	server, ok := extension.(extensionauth.Server)
	if !ok {
		return nil, fmt.Errorf("auth::authenticator: found %s, must be an extension that authenticates who connects; use one such as basicauth", id)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, err := server.Authenticate(r.Context(), r.Header)
		if err != nil {
			w.Header().Set("WWW-Authenticate", `Basic realm="otelcol-ml", charset="UTF-8"`)
			http.Error(w, "You need to log in to see this page.", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	}), nil
}

// checkHost refuses requests for host names that are not this machine's. Without it a web site could resolve its own
// name to 127.0.0.1 and read the page from a visitor's browser. With authentication that is not possible, because a
// browser sends the password to no other host name.
func (v *viewExporter) checkHost(next http.Handler) http.Handler {
	own, _, _ := net.SplitHostPort(v.cfg.Endpoint) // Validate has checked it
	names := append([]string{"localhost", strings.ToLower(own)}, v.cfg.Hosts...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Host
		if host, _, err := net.SplitHostPort(name); err == nil {
			name = host
		}
		name = strings.ToLower(strings.Trim(name, "[]"))
		if net.ParseIP(name) == nil && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			http.Error(w, fmt.Sprintf("Host: found %q, must be localhost, an IP address or one of the exporter's `hosts`; add it there.", name), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// load reads the certificate; it returns nil if none is configured.
func (c *TLSConfig) load() (*tls.Config, error) {
	if c.CertFile == "" {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls: found cert_file %q and key_file %q, must be a certificate and its key in PEM; check the files: %w", c.CertFile, c.KeyFile, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}, nil
}
