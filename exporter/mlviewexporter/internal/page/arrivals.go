package page

import (
	"net/http"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/arrivals"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/format"
)

type arrivalsView struct {
	*arrivals.Report
	Endpoint string
	Problem  string
	Memory   string
	Traces   int
	Known    int // number of series
}

func (p *Page) arrivals(w http.ResponseWriter, r *http.Request) {
	traces, bytes, _ := p.Traces.Stats()
	more, series := p.Series.Bytes()
	v := arrivalsView{Endpoint: p.Arrivals.Endpoint, Memory: format.Bytes(bytes + more), Traces: traces, Known: series}
	if v.Endpoint == "" {
		v.Problem = "telemetry_endpoint is not set, so the page does not know what arrives."
	} else if samples, err := p.Arrivals.Read(r.Context()); err != nil {
		v.Problem = "The collector's own metrics cannot be read: " + err.Error()
	} else {
		v.Report = arrivals.NewReport(samples)
	}
	p.render(w, http.StatusOK, "arrivals", "What arrives", v)
}
