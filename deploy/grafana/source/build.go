package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// board is a dashboard: rows of panels.
type board struct {
	uid, title, help string
	// collector: it is about collectors, and has only the variable for them.
	collector bool
	rows      []row
}

type row struct {
	title  string
	panels []panel
}

// Kinds of panels.
const (
	lines  = "" // the default
	number = "number"
	heat   = "heat"
	list   = "list"
)

// panel is a panel. The panels of a row share its width.
type panel struct {
	kind, title, help, unit string
	queries                 []query
	// stack puts the areas of a graph on top of each other; only for parts of a whole.
	stack bool
	// max is the top of the axis where it is known.
	max float64
	// red is where a number becomes red; 0 for never.
	red float64
	// whole leaves the decimals out: increase() estimates, and so gives parts of a count.
	whole bool
	// exemplars shows the traces behind a graph.
	exemplars bool
}

type query struct{ expr, legend string }

func datasource() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${datasource}")}
}

// variables are by name the label that each has the values of.
var variables = []struct{ name, label, metric, title string }{
	{"environment", "deployment_environment", "ml_stage_calls_total", "Environment"},
	{"pipeline", "ml_pipeline_name", "ml_stage_calls_total", "Pipeline"},
	{"service", "service_name", "ml_stage_calls_total", "Service"},
	{"model", "ml_model_name", "ml_stage_calls_total", "Model"},
	{"instance", "instance", "ml_stage_calls_total", "Collector"},
}

//nolint:staticcheck // The second version of the model is for Grafana 13, and its files cannot be provisioned before.
func (b board) build() (dashboard.Dashboard, error) {
	d := dashboard.NewDashboardBuilder("otelcol-ml: "+b.title).
		Uid("otelcol-ml-"+b.uid).Description(b.help).
		Tags([]string{"otelcol-ml"}).Refresh("30s").Time("now-1h", "now").Timezone("browser").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Link(dashboard.NewDashboardLinkBuilder("otelcol-ml").Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{"otelcol-ml"}).AsDropdown(true).KeepTime(true).IncludeVars(true)).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Prometheus").Type("prometheus"))
	for _, v := range variables {
		metric := v.metric
		if b.collector {
			if v.name != "instance" {
				continue
			}
			metric = "otelcol_process_uptime"
		}
		d.WithVariable(dashboard.NewQueryVariableBuilder(v.name).Label(v.title).Datasource(datasource()).
			Query(dashboard.StringOrMap{String: cog.ToPtr("label_values(" + metric + ", " + v.label + ")")}).
			Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc).
			// Series without the label too.
			IncludeAll(true).AllValue(".*").Multi(true).
			Current(dashboard.VariableOption{
				Text: dashboard.StringOrArrayOfString{String: cog.ToPtr("All")}, Value: dashboard.StringOrArrayOfString{String: cog.ToPtr("$__all")},
			}))
	}
	for _, r := range b.rows {
		if r.title != "" {
			d.WithRow(dashboard.NewRowBuilder(r.title))
		}
		for _, p := range r.panels {
			d.WithPanel(p.build(uint32(24 / len(r.panels))))
		}
	}
	return d.Build()
}

func (p panel) build(width uint32) cog.Builder[dashboard.Panel] {
	var targets []cog.Builder[variants.Dataquery]
	for i, q := range p.queries {
		t := prometheus.NewDataqueryBuilder().Expr(q.expr).LegendFormat(q.legend).RefId(string(rune('A' + i))).Datasource(datasource())
		switch p.kind {
		case heat:
			t.Format(prometheus.PromQueryFormatHeatmap).Exemplar(true)
		case list:
			t.Format(prometheus.PromQueryFormatTable).Instant()
		case number:
			t.Instant()
		default:
			t.Exemplar(p.exemplars)
		}
		targets = append(targets, t)
	}
	switch p.kind {
	case number:
		b := stat.NewPanelBuilder().Title(p.title).Description(p.help).Unit(p.unit).Datasource(datasource()).Targets(targets).
			Span(width).Height(4).ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).
			GraphMode(common.BigValueGraphModeNone).NoValue("none")
		steps := []dashboard.Threshold{{Color: "green"}}
		if p.red > 0 {
			steps = append(steps, dashboard.Threshold{Value: cog.ToPtr(p.red), Color: "red"})
		}
		if p.whole {
			b.Decimals(0)
		}
		return b.Thresholds(dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps))
	case heat:
		return heatmap.NewPanelBuilder().Title(p.title).Description(p.help).Datasource(datasource()).Targets(targets).
			Span(width).Height(9).Calculate(false).
			YAxis(heatmap.NewYAxisConfigBuilder().Unit(p.unit))
	case list:
		return table.NewPanelBuilder().Decimals(0).Title(p.title).Description(p.help).Unit(p.unit).Datasource(datasource()).Targets(targets).
			Span(width).Height(9).WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{"excludeByName": map[string]bool{"Time": true}}})
	default:
		b := timeseries.NewPanelBuilder().Title(p.title).Description(p.help).Unit(p.unit).Datasource(datasource()).Targets(targets).
			Span(width).Height(8).Min(0).ShowPoints(common.VisibilityModeNever).FillOpacity(5).
			Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true)).
			Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
		if p.max > 0 {
			b.Max(p.max)
		}
		if p.stack {
			b.Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal)).FillOpacity(40)
		}
		return b
	}
}
