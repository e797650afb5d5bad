package configcheck

import (
	"cmp"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// listener is an address on which a component listens.
type listener struct {
	path, address string
	// example is an address for messages.
	example string
}

// checkListeners finds addresses on which nothing can listen, and two on one port.
func checkListeners(c config, r *Result) {
	var on []listener
	for _, l := range append(c.listeners(), c.telemetry(r)...) {
		if must, fix := unfit(l.address, l.example); must != "" {
			r.fail("%s: found %q, must be %s; %s", l.path, l.address, must, fix)
			continue
		}
		if _, port, _ := net.SplitHostPort(l.address); port == "0" {
			r.warn("%s: found port 0, which is another free port at each start, must be a port that others know; write one from 1 to 65535", l.path)
		}
		for _, other := range on {
			if overlap(l.address, other.address) {
				r.fail("%s: found %s, must be an address of its own, and %s is %s; choose another port for one of them",
					l.path, l.address, other.path, other.address)
			}
		}
		on = append(on, l)
	}
}

// serverDefaults are the components with one server, and the address where none is set.
var serverDefaults = map[string]string{
	"receivers zipkin": "localhost:9411", "exporters prometheus": "", "exporters mlview": "localhost:9465",
	"extensions health_check": "localhost:13133", "extensions zpages": "localhost:55679",
}

// protocolDefaults are the receivers with servers for several protocols over TCP.
var protocolDefaults = map[string]map[string]string{
	"otlp":   {"grpc": "localhost:4317", "http": "localhost:4318"},
	"jaeger": {"grpc": "localhost:14250", "thrift_http": "localhost:14268"},
}

// listeners returns the addresses on which the used components listen.
func (c config) listeners() (on []listener) {
	add := func(path string, settings map[string]any, byDefault string) {
		if transport := text(settings["transport"]); transport != "" && !strings.HasPrefix(transport, "tcp") {
			return // a path
		}
		address, isSet := settings["endpoint"]
		if !isSet || address == nil {
			address = byDefault
		}
		on = append(on, listener{path + "::endpoint", addressText(address), cmp.Or(byDefault, "localhost:9464")})
	}
	for _, component := range c.used() {
		kind, _, _ := strings.Cut(component.id, "/")
		at := component.kind + "::" + component.id
		if byDefault, ok := serverDefaults[component.kind+" "+kind]; ok {
			add(at, component.settings, byDefault)
		}
		if component.kind != "receivers" {
			continue
		}
		protocols := block(component.settings["protocols"])
		for _, protocol := range sorted(protocolDefaults[kind]) {
			if settings, ok := protocols[protocol]; ok {
				add(at+"::protocols::"+protocol, block(settings), protocolDefaults[kind][protocol])
			}
		}
	}
	return on
}

// telemetry returns the addresses of the collector's own metrics.
func (c config) telemetry(r *Result) (on []listener) {
	for i, reader := range list(block(block(block(c.settings["service"])["telemetry"])["metrics"])["readers"]) {
		path := fmt.Sprintf("service::telemetry::metrics::readers[%d]::pull::exporter::prometheus", i)
		prometheus, ok := block(block(block(reader)["pull"])["exporter"])["prometheus"].(map[string]any)
		if !ok {
			continue
		}
		host, port := text(prometheus["host"]), prometheus["port"]
		if strings.ContainsAny(host, "/ ") || strings.Contains(host, ":") && net.ParseIP(host) == nil {
			r.fail("%s::host: found %q, must be a host without scheme and port, such as localhost; write the port as %s::port", path, host, path)
			continue
		}
		number, isNumber := port.(int)
		if port == nil {
			continue // the library says so
		}
		if !isNumber || number < 0 || number > 65535 {
			r.fail("%s::port: found %q, must be a number from 1 to 65535; write it like 8888", path, fmt.Sprint(port))
			continue
		}
		on = append(on, listener{path + "::port", net.JoinHostPort(host, strconv.Itoa(number)), "localhost:8888"})
	}
	return on
}

// checkPaths finds paths that a server over HTTP cannot have: the library's does not start with them.
func checkPaths(c config, r *Result) {
	check := func(path, value string) bool {
		if strings.ContainsAny(value, " \t{}") {
			r.fail("%s: found %q, must be a path without spaces and braces; write it like /v1/traces", path, value)
			return false
		}
		return value != ""
	}
	for _, receiver := range c.ofType("receivers", "otlp") {
		http := block(block(receiver.settings["protocols"])["http"])
		taken := map[string]string{}
		for _, signal := range []string{"traces", "metrics", "logs"} {
			path, at := "/v1/"+signal, receiver.path("protocols::http::"+signal+"_url_path")
			if value := text(http[signal+"_url_path"]); check(at, value) {
				path = "/" + strings.TrimLeft(value, "/")
			}
			if other := taken[path]; other != "" {
				r.fail("%s: found %s, which is the path of %s too, must be a path of its own; change one of them", at, path, other)
			}
			taken[path] = signal
		}
	}
	for _, extension := range c.ofType("extensions", "health_check") {
		check(extension.path("path"), text(extension.settings["path"]))
	}
}

// addressText returns an address as it was written. YAML reads localhost: as a key without a value, and 4317 as a number.
func addressText(address any) string {
	if keys := sorted(block(address)); len(keys) == 1 && block(address)[keys[0]] == nil {
		return keys[0] + ":"
	}
	return fmt.Sprint(address)
}

// unfit returns what an address must be on which nothing can listen, and how to mend it, with an example. Both are empty for a fit one.
func unfit(address, example string) (must, fix string) {
	const want = "host:port"
	if _, rest, ok := strings.Cut(address, "://"); ok {
		return want + " without a scheme", "write " + strings.TrimRight(rest, "/")
	}
	host, port, err := net.SplitHostPort(address)
	switch {
	case address == "":
		return want, "write it like " + example
	case err != nil && isPort(address):
		return want, "write localhost:" + address
	case err != nil && strings.Count(address, ":") > 1 && net.ParseIP(address) != nil:
		return want, "write an IPv6 address in brackets, like [" + address + "]" + example[strings.LastIndex(example, ":"):]
	case err != nil:
		return want, "add the port, like " + example
	case port == "":
		return want + ", or any free port is taken", "add the port, like " + example
	case !isPort(port):
		return want + " with a port from 1 to 65535", "write it like " + example
	case strings.ContainsAny(host, "/ "):
		return want, "remove what is no host: " + strconv.Quote(host)
	}
	return "", ""
}

// isPort reports whether a port is a number or a name that TCP knows.
func isPort(port string) bool {
	_, err := net.LookupPort("tcp", port)
	return err == nil
}

// overlap reports whether two fit addresses cannot be listened on at once.
func overlap(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	if portA != portB || portA == "0" {
		return false
	}
	hostA, hostB = sameHost(hostA), sameHost(hostB)
	return hostA == hostB || hostA == "" || hostB == ""
}

// sameHost returns one name for all of the same address, and none for all addresses.
func sameHost(host string) string {
	switch host {
	case "0.0.0.0", "::", "[::]":
		return ""
	case "localhost":
		return "127.0.0.1"
	}
	return host
}
