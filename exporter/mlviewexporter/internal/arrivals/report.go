package arrivals

import (
	"cmp"
	"slices"
	"strings"
)

// Report summarises what arrived, from the collector's own metrics.
type Report struct {
	// Spans is the number of spans that mlsignals has seen, Recognised those that a dialect recognised.
	Spans, Recognised float64
	Dialects          []Count
	// Counted is the number of spans that mlmetrics counts, Uncounted the number that it ignores.
	Counted, Uncounted float64
	Names              []Name
	Invalid            []Count
	Malformed          []Count
	Coerced            []Count
	Series             []Series
	Ways               []Count // refused, lost and waiting
	// Signals reports whether mlsignals is in this collector.
	Signals bool
}

// Count is a number with its meaning.
type Count struct {
	Name  string
	Count float64
	Bad   bool   // it should be zero, but is not
	Means string // what it means, or what to do about it
}

// Name is a name of spans that no dialect recognised.
type Name struct {
	Span, Service, Scope string
	ML                   bool
	Count                float64
}

// Series is the number of series of a metric and its limit, 0 if there is none or it is not known.
type Series struct {
	Metric, Connector string
	Active, Limit     float64
	Overflowed        float64
	Used              float64 // share of the limit, 0 to 1
}

// NewReport builds a report from samples.
func NewReport(samples []Sample) *Report {
	r := &Report{}
	byDialect, invalid, malformed, coerced, ways := map[string]float64{}, map[string]float64{}, map[string]float64{}, map[string]float64{}, map[string]float64{}
	series := map[[2]string]*Series{}
	metric := func(s *Sample) *Series {
		key := [2]string{s.Labels["connector"], s.Labels["metric"]}
		if series[key] == nil {
			series[key] = &Series{Metric: key[1], Connector: key[0]}
		}
		return series[key]
	}
	for i := range samples {
		s := &samples[i]
		switch name := strings.TrimSuffix(strings.TrimPrefix(s.Name, "otelcol_"), "_total"); name {
		case "processor_mlsignals_spans":
			r.Signals = true
			byDialect[s.Labels["dialect"]] += s.Value
			r.Spans += s.Value
		case "processor_mlsignals_unrecognised_spans":
			r.Names = append(r.Names, Name{s.Labels["span"], s.Labels["service"], s.Labels["scope"], s.Labels["ml"] == "true", s.Value})
		case "processor_mlsignals_invalid_values":
			invalid[s.Labels["key"]] += s.Value
		case "connector_mlmetrics_invalid_values":
			invalid[s.Labels["attribute"]] = max(invalid[s.Labels["attribute"]], s.Value)
		case "processor_mlsignals_malformed_spans":
			malformed[s.Labels["reason"]] += s.Value
		case "processor_mlsignals_coerced_values":
			coerced[s.Labels["key"]] += s.Value
		case "connector_mlmetrics_spans":
			if s.Labels["ml"] == "true" {
				r.Counted += s.Value
			} else {
				r.Uncounted += s.Value
			}
		case "connector_mlmetrics_series_active":
			metric(s).Active = s.Value
		case "connector_mlmetrics_series_limit":
			metric(s).Limit = s.Value
		case "connector_mlmetrics_overflowed":
			metric(s).Overflowed = s.Value
		default:
			ways[name] += s.Value
			if name == "processor_mltailsampling_traces" || name == "processor_tail_sampling_global_count_traces_sampled" {
				ways[name+"/"+decision(s)] += s.Value
			}
		}
	}
	r.Dialects = counts(byDialect)
	r.Recognised = r.Spans - byDialect["none"]
	r.Invalid, r.Malformed, r.Coerced = counts(invalid), counts(malformed), counts(coerced)
	r.Ways = way(ways)
	slices.SortFunc(r.Names, func(a, b Name) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Span, b.Span), cmp.Compare(a.Service, b.Service))
	})
	for _, s := range series {
		if s.Limit > 0 {
			s.Used = min(s.Active/s.Limit, 1)
		}
		r.Series = append(r.Series, *s)
	}
	slices.SortFunc(r.Series, func(a, b Series) int {
		return cmp.Or(cmp.Compare(b.Overflowed, a.Overflowed), cmp.Compare(b.Active, a.Active), cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Connector, b.Connector))
	})
	return r
}

func decision(s *Sample) string {
	if d, ok := s.Labels["decision"]; ok {
		return d
	}
	return map[string]string{"true": "sampled", "false": "not_sampled"}[s.Labels["sampled"]]
}

// counts returns counts in descending order, without zeros.
func counts(of map[string]float64) (all []Count) {
	for name, n := range of {
		if n > 0 {
			all = append(all, Count{Name: name, Count: n})
		}
	}
	slices.SortFunc(all, func(a, b Count) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name)) })
	return all
}

// way lists what happened to spans, in the order of the pipeline.
func way(of map[string]float64) (all []Count) {
	for _, step := range []struct {
		name, means string
		bad         bool
		keys        []string
	}{
		{"spans accepted", "by the receivers", false, []string{"receiver_accepted_spans"}},
		{"spans refused", "by the memory limiter or a component after it; senders retry. Give the collector more memory, or send less.", true, []string{"receiver_refused_spans"}},
		{"spans that failed", "an error in the collector: see its log", true, []string{"receiver_failed_spans"}},
		{"traces that wait", "for their sampling decision", false, []string{"processor_mltailsampling_waiting_traces", "processor_tail_sampling_sampling_traces_on_memory"}},
		{"traces kept", "by the sampling policies", false, []string{"processor_mltailsampling_traces/sampled", "processor_tail_sampling_global_count_traces_sampled/sampled"}},
		{"traces not kept", "by any policy; they are in the metrics", false, []string{"processor_mltailsampling_traces/not_sampled", "processor_tail_sampling_global_count_traces_sampled/not_sampled"}},
		{"traces lost before their decision", "too many wait: raise the bound of waiting traces, or lower decision_wait", true, []string{"processor_tail_sampling_sampling_trace_dropped_too_early"}},
		{"traces decided early", "a bound of the sampler was reached: raise it, or lower decision_wait", true, []string{"processor_mltailsampling_decided_early"}},
		{"late spans", "came after the decision on their trace, and followed it", false, []string{"processor_mltailsampling_late_spans"}},
		{"spans that could not be sent", "to a trace backend", true, []string{"exporter_send_failed_spans"}},
		{"spans that found no room in a sending queue", "the trace backend is slow or away", true, []string{"exporter_enqueue_failed_spans"}},
		{"traces that left the memory of this page", "to make room for newer ones", false, []string{"exporter_mlview_evicted_traces"}},
	} {
		count := Count{Name: step.name, Means: step.means}
		known := false
		for _, key := range step.keys { // mltailsampling first, because the tail_sampling inside it counts as well
			if n, ok := of[key]; ok {
				known, count.Count = true, n
				break
			}
		}
		count.Bad = step.bad && count.Count > 0
		if known {
			all = append(all, count)
		}
	}
	return all
}
