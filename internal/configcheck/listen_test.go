package configcheck

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestListeners(t *testing.T) {
	telemetry := func(host, port string) string {
		return fmt.Sprintf("service: { telemetry: { metrics: { readers: [{ pull: { exporter: { prometheus: { host: %q, port: %s } } } }] } } }", host, port)
	}
	const reader = "service::telemetry::metrics::readers[0]::pull::exporter::prometheus::"
	for settings, want := range map[string]string{
		`receivers: { otlp: { protocols: { grpc: { endpoint: localhost } } } }`: "receivers::otlp::protocols::grpc::endpoint: " +
			`found "localhost", must be host:port; add the port, like localhost:4317`,
		`receivers: { otlp: { protocols: { http: { endpoint: 4318 } } } }`: "receivers::otlp::protocols::http::endpoint: " +
			`found "4318", must be host:port; write localhost:4318`,
		`exporters: { prometheus: { endpoint: "http://localhost:9464/" } }`: "exporters::prometheus::endpoint: " +
			`found "http://localhost:9464/", must be host:port without a scheme; write localhost:9464`,
		`exporters: { prometheus: { endpoint: } }`: "exporters::prometheus::endpoint: " +
			`found "", must be host:port; write it like localhost:9464`,
		`exporters: { mlview: { endpoint: {localhost: } } }`: "exporters::mlview::endpoint: " +
			`found "localhost:", must be host:port, or any free port is taken; add the port, like localhost:9465`,
		`extensions: { health_check: { endpoint: "localhost:99999" } }`: "extensions::health_check::endpoint: " +
			`found "localhost:99999", must be host:port with a port from 1 to 65535; write it like localhost:13133`,
		`extensions: { health_check: { endpoint: "::1" } }`: "extensions::health_check::endpoint: " +
			`found "::1", must be host:port; write an IPv6 address in brackets, like [::1]:13133`,
		`extensions: { health_check: { endpoint: "a/b:1" } }`: "extensions::health_check::endpoint: " +
			`found "a/b:1", must be host:port; remove what is no host: "a/b"`,
		telemetry("localhost", "abc"): reader + `port: found "abc", must be a number from 1 to 65535; write it like 8888`,
		telemetry("http://a", "8888"): reader + `host: found "http://a", must be a host without scheme and port, such as localhost; write the port as ` + reader + "port",
		telemetry("0.0.0.0", "4317"): reader + "port: found 0.0.0.0:4317, must be an address of its own, and receivers::otlp::protocols::grpc::endpoint is " +
			"localhost:4317; choose another port for one of them",
		`receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:9465" } } } }`: "receivers::otlp::protocols::http::endpoint: " +
			"found 127.0.0.1:9465, must be an address of its own, and exporters::mlview::endpoint is localhost:9465; choose another port for one of them",
		`receivers: { otlp: { protocols: { http: { traces_url_path: "/a b" } } } }`: "receivers::otlp::protocols::http::traces_url_path: " +
			`found "/a b", must be a path without spaces and braces; write it like /v1/traces`,
		`receivers: { otlp: { protocols: { http: { logs_url_path: v1/traces } } } }`: "receivers::otlp::protocols::http::logs_url_path: " +
			`found /v1/traces, which is the path of traces too, must be a path of its own; change one of them`,
		`extensions: { health_check: { path: "/{" } }`: "extensions::health_check::path: " +
			`found "/{", must be a path without spaces and braces; write it like /v1/traces`,
		`receivers: { otlp: { protocols: { http: { endpoint: } } } }`:                                                      "",
		`receivers: { otlp: { protocols: { grpc: { endpoint: "10.0.0.1:4317" }, http: { endpoint: "10.0.0.2:4317" } } } }`: "",
		`receivers: { otlp: { protocols: { grpc: { endpoint: /run/otlp.sock, transport: unix } } } }`:                      "",
		`receivers: { otlp: { protocols: { grpc: { endpoint: "[::1]:4317" } } } }`:                                         "",
	} {
		r := Check(merged(t, "otelcol.yaml", settings), nil)
		if err := errors.Join(r.Errors...); want == "" {
			assert.NoError(t, err, settings)
		} else {
			assert.EqualError(t, err, want, settings)
		}
		assert.Empty(t, r.Warnings, settings)
	}
	r := Check(merged(t, "otelcol.yaml", telemetry("localhost", "0")), nil)
	assert.Equal(t, []string{reader + "port: found port 0, which is another free port at each start, must be a port that others know; write one from 1 to 65535"}, r.Warnings)
}

// TestMachine: what the machine lacks is found, and is no error of the configuration.
func TestMachine(t *testing.T) {
	folder := t.TempDir()
	empty, text := filepath.Join(folder, "empty"), filepath.Join(folder, "text")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	require.NoError(t, os.WriteFile(text, []byte("text"), 0o600))
	bearer := func(name string) string {
		return "{ extensions: { bearertokenauth: { filename: " + name + " } }, service: { extensions: [mladmission, health_check, bearertokenauth] } }"
	}
	for settings, want := range map[string]string{
		bearer(folder + "/none"): `extensions::bearertokenauth::filename: found "` + folder + `/none", must be a file that the process can read: ` +
			`open ` + folder + `/none: no such file or directory; correct the path, or the rights of the file`,
		bearer(folder): "it is a folder",
		bearer(empty):  "it is empty",
		bearer(text):   "",
		"receivers: { otlp: { protocols: { grpc: { tls: { cert_file: " + text + ", key_file: " + text + " } } } } }": `receivers::otlp::protocols::grpc::tls::cert_file: ` +
			`found "` + text + `", must be a certificate of the key in ` + text + ", both as PEM: tls: failed to find any PEM data in certificate input; correct the paths",
		"receivers: { otlp: { protocols: { grpc: { tls: { client_ca_file: " + text + " } } } } }": `receivers::otlp::protocols::grpc::tls::client_ca_file: ` +
			`found "` + text + `", must be a file with certificates as PEM; correct the path`,
		"exporters: { file/kept: { path: " + text + "/a/b.jsonl } }": `exporters::file/kept::path: found a path in "` + text + `", which is no folder, must be in one; correct the path`,
		"exporters: { file/kept: { path: " + folder + "/a/b.jsonl, create_directory: false } }": `exporters::file/kept::path: found a path in "` + folder + `/a", ` +
			"must be in a folder that exists: stat " + folder + "/a: no such file or directory; make the folder",
		"service: { telemetry: { logs: { output_paths: [stderr, " + folder + "/a/log] } } }": `service::telemetry::logs::output_paths[1]: found a path in "` + folder + `/a", `,
		"exporters: { file/kept: { path: " + folder + "/a/b.jsonl } }":                       "",
		// An address of the range for documentation, which no machine has.
		`receivers: { otlp: { protocols: { grpc: { endpoint: "192.0.2.1:4317" } } } }`: `receivers::otlp::protocols::grpc::endpoint: found "192.0.2.1:4317", ` +
			"must be an address of this machine: ",
	} {
		r := Check(merged(t, "otelcol.yaml", settings), nil)
		assert.Empty(t, r.Errors, settings)
		if want == "" {
			assert.Empty(t, r.Machine, settings)
		} else {
			assert.Contains(t, strings.Join(r.Machine, "\n"), want, settings)
		}
	}
}
