// Package collector runs otelcol-ml with its otelcol.yaml as a child process.
package collector

import (
	"fmt"
	"net"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
)

// Addresses are where a collector listens, each host:port.
type Addresses struct {
	GRPC, HTTP, Metrics, ServiceMetrics, View, Health, Telemetry string
}

// DefaultAddresses are those of otelcol.yaml.
func DefaultAddresses() Addresses {
	return Addresses{
		GRPC: "localhost:4317", HTTP: "localhost:4318", Metrics: "localhost:9464", ServiceMetrics: "localhost:9466",
		View: "localhost:9465", Health: "localhost:13133", Telemetry: "localhost:8888",
	}
}

// FreeAddresses are loopback addresses that nothing listens on.
func FreeAddresses() (Addresses, error) {
	var a Addresses
	_, err := a.replace(func(string) bool { return true })
	return a, err
}

// Moved is an address that was taken, and the one used instead.
type Moved struct{ From, To string }

// AvoidTaken replaces the addresses that something listens on already with free ones, and returns which it replaced.
func (a *Addresses) AvoidTaken() ([]Moved, error) {
	return a.replace(func(address string) bool { return !proc.IsFree(address) })
}

func (a *Addresses) replace(needed func(string) bool) ([]Moved, error) {
	var moved []Moved
	for _, address := range []*string{&a.GRPC, &a.HTTP, &a.Metrics, &a.ServiceMetrics, &a.View, &a.Health, &a.Telemetry} {
		if !needed(*address) {
			continue
		}
		free, err := proc.FreeAddress()
		if err != nil {
			return nil, err
		}
		moved = append(moved, Moved{From: *address, To: free})
		*address = free
	}
	return moved, nil
}

// MetricsURL is what Prometheus scrapes.
func (a Addresses) MetricsURL() string { return "http://" + a.Metrics + "/metrics" }

// ServiceMetricsURL is where Prometheus scrapes the metrics that services sent.
func (a Addresses) ServiceMetricsURL() string { return "http://" + a.ServiceMetrics + "/metrics" }

// ViewURL is the page.
func (a Addresses) ViewURL() string { return "http://" + a.View + "/" }

// TelemetryURL is where the collector's own metrics are.
func (a Addresses) TelemetryURL() string { return "http://" + a.Telemetry + "/metrics" }

// HealthURL answers once the collector is ready.
func (a Addresses) HealthURL() string { return "http://" + a.Health + "/" }

// env sets the environment variables that otelcol.yaml reads.
func (a Addresses) env() ([]string, error) {
	host, port, err := net.SplitHostPort(a.Telemetry)
	if err != nil {
		return nil, fmt.Errorf("address %q of the collector's own metrics: %w", a.Telemetry, err)
	}
	return []string{
		"OTELCOL_ML_GRPC_ENDPOINT=" + a.GRPC,
		"OTELCOL_ML_HTTP_ENDPOINT=" + a.HTTP,
		"OTELCOL_ML_METRICS_ENDPOINT=" + a.Metrics,
		"OTELCOL_ML_SERVICES_ENDPOINT=" + a.ServiceMetrics,
		"OTELCOL_ML_VIEW_ENDPOINT=" + a.View,
		"OTELCOL_ML_HEALTH_ENDPOINT=" + a.Health,
		"OTELCOL_ML_TELEMETRY_HOST=" + host,
		"OTELCOL_ML_TELEMETRY_PORT=" + port,
	}, nil
}
