package configcheck

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/internal/suggest"
)

// checkEndpoints finds addresses that exporters cannot send to.
func checkEndpoints(c config, r *Result) {
	for _, exporter := range c.ofType("exporters", "otlp_http", "otlphttp", "prometheus_remote_write", "prometheusremotewrite") {
		for _, key := range sorted(exporter.settings) {
			if key == "endpoint" || strings.HasSuffix(key, "_endpoint") {
				checkURL(r, exporter, key)
			}
		}
	}
	for _, exporter := range c.ofType("exporters", "otlp", "otlp_grpc") {
		address := addressText(exporter.settings["endpoint"])
		scheme, _, hasScheme := strings.Cut(address, ":")
		switch {
		case exporter.settings["endpoint"] == nil || address == "":
			r.fail("%s: found no value, must be host:port; write it like tempo:4317", exporter.path("endpoint"))
		case hasScheme && (scheme == "unix" || scheme == "dns" || scheme == "passthrough"): // the name of gRPC
		case portOf(address) == "":
			r.fail("%s: found %q, must be host:port; add the port, like tempo:4317", exporter.path("endpoint"), address)
		case portOf(address) == "4318":
			r.warn("%s: found %s, whose port is OTLP over HTTP at most backends, must be that of gRPC; write port 4317, or use the exporter otlp_http",
				exporter.path("endpoint"), address)
		}
	}
	for _, exporter := range c.ofType("exporters", "load_balancing", "loadbalancing") {
		resolver := block(exporter.settings["resolver"])
		for _, host := range hosts(block(resolver["static"])["hostnames"]) {
			checkAddress(r, exporter.path("resolver::static::hostnames"), host, true)
		}
		dns := block(resolver["dns"])
		if host := text(dns["hostname"]); host != "" {
			checkAddress(r, exporter.path("resolver::dns::hostname"), host, false)
		}
		if port := dns["port"]; port != nil && !isPort(fmt.Sprint(port)) {
			r.fail("%s: found %q, must be a number from 1 to 65535; write it like 4317", exporter.path("resolver::dns::port"), fmt.Sprint(port))
		}
	}
	checkKafka(c, r)
}

// encodings are those of messages in Kafka, by signal, of receivers and exporters.
var encodings = map[string][]string{
	"traces":  {"otlp_proto", "otlp_json", "jaeger_proto", "jaeger_json", "zipkin_proto", "zipkin_json"},
	"metrics": {"otlp_proto", "otlp_json"},
	"logs":    {"otlp_proto", "otlp_json", "raw"},
}

// receiverEncodings are those that receivers have in addition. Logs may be text in any character set, text_NAME.
var receiverEncodings = map[string][]string{"traces": {"zipkin_thrift"}, "logs": {"json", "azure_resource_logs", "text"}}

// checkKafka finds addresses and encodings with which Kafka's components do not start.
func checkKafka(c config, r *Result) {
	for _, kafka := range append(c.ofType("receivers", "kafka"), c.ofType("exporters", "kafka")...) {
		for _, broker := range hosts(kafka.settings["brokers"]) {
			if must, fix := unfit(broker, "localhost:9092"); must != "" {
				r.fail("%s: found %q, must be %s; %s", kafka.path("brokers"), broker, must, fix)
			}
		}
		for _, signal := range sorted(encodings) {
			allowed := slices.Clone(encodings[signal])
			if kafka.kind == "receivers" {
				allowed = append(allowed, receiverEncodings[signal]...)
			}
			encoding := text(block(kafka.settings[signal])["encoding"])
			if encoding != "" && !slices.Contains(allowed, encoding) && !(kafka.kind == "receivers" && strings.HasPrefix(encoding, "text_")) {
				r.fail("%s: %s", kafka.path(signal+"::encoding"), suggest.OneOf(encoding, allowed))
			}
		}
	}
}

// withScheme returns the URL that an address without scheme, or with a mistyped one such as http:/ and htps://, stands for.
func withScheme(address string) string {
	scheme, rest, ok := strings.Cut(address, ":")
	switch {
	case !ok || !strings.HasPrefix(rest, "/"):
		return "http://" + strings.TrimLeft(address, "/")
	case strings.HasSuffix(strings.ToLower(scheme), "s"):
		return "https://" + strings.TrimLeft(rest, "/")
	default:
		return "http://" + strings.TrimLeft(rest, "/")
	}
}

// checkURL checks the URL of a backend.
func checkURL(r *Result, exporter component, key string) {
	path, value := exporter.path(key), exporter.settings[key]
	if value == nil || value == "" {
		r.fail("%s: found no value, must be a URL such as http://tempo:4318; set the environment variable or the key that it comes from", path)
		return
	}
	address := fmt.Sprint(value)
	parsed, err := url.Parse(address)
	switch {
	case !strings.HasPrefix(address, "http://") && !strings.HasPrefix(address, "https://"):
		r.fail("%s: found %q, must be a URL that begins with http:// or https://; write %s", path, address, withScheme(address))
	case err != nil || parsed.Hostname() == "" || strings.ContainsAny(address, " \t"):
		r.fail("%s: found %q, must be a URL with a host and without spaces; write it like http://tempo:4318", path, address)
	case is(exporter.id, "otlp_http", "otlphttp") && parsed.Port() == "4317":
		r.warn("%s: found %s, whose port is OTLP over gRPC at most backends, must be that of HTTP; write port 4318, or use the exporter otlp_grpc", path, address)
	case is(exporter.id, "otlp_http", "otlphttp") && key == "endpoint" && strings.Contains(parsed.Path, "/v1/"):
		r.warn("%s: found %s, to which the exporter adds /v1/traces, must be without; write %s", path, address, address[:strings.Index(address, "/v1/")])
	}
}

// checkAddress checks the address of a sampler, which has 4317 where it has no port.
func checkAddress(r *Result, path, address string, withPort bool) {
	must := "host:port"
	if !withPort {
		must = "a host without port"
	}
	_, rest, scheme := strings.Cut(address, "://")
	host, port, err := net.SplitHostPort(address)
	switch {
	case scheme:
		r.fail("%s: found %q, must be %s and without scheme; write %s", path, address, must, rest)
	case strings.ContainsAny(address, "/ "):
		r.fail("%s: found %q, must be %s; remove what is not part of it", path, address, must)
	case err == nil && !withPort:
		r.fail("%s: found %q, must be %s; write %s, and the port below port", path, address, must, host)
	case err == nil && !isPort(port):
		r.fail("%s: found %q, must have a port from 1 to 65535; write it like 10.0.0.1:4317", path, address)
	case err == nil && port == "4318":
		r.warn("%s: found %s, whose port is OTLP over HTTP, must be that of gRPC; write port 4317", path, address)
	}
}

// hosts returns a list of addresses, for which the library also takes one text with commas.
func hosts(value any) (all []string) {
	for _, entry := range texts(value) {
		for _, host := range strings.Split(entry, ",") {
			if host != "" {
				all = append(all, host)
			}
		}
	}
	return all
}

// portOf returns the port of an address or a URL.
func portOf(address string) string {
	_, rest, found := strings.Cut(address, "://")
	if !found {
		rest = address
	}
	_, port, _ := net.SplitHostPort(strings.TrimRight(rest, "/"))
	return port
}

// checkPlaces finds files that two exporters write, and folders that a shell would have found.
func checkPlaces(c config, r *Result) {
	taken := map[string]string{}
	for _, exporter := range c.ofType("exporters", "file") {
		path, at := text(exporter.settings["path"]), exporter.path("path")
		if other := taken[filepath.Clean(path)]; other != "" && path != "" {
			r.fail("%s: found %s, which %s is too, must be a file of its own; choose another name", at, path, other)
		}
		taken[filepath.Clean(path)] = at
		checkTilde(r, at, path)
	}
	for _, storage := range c.ofType("extensions", "file_storage") {
		checkTilde(r, storage.path("directory"), text(storage.settings["directory"]))
	}
}

func checkTilde(r *Result, at, path string) {
	if strings.HasPrefix(path, "~") {
		r.warn("%s: found %s, which is a folder with the name ~ here, must be a path without it; write the whole path", at, path)
	}
}
