package mlmetricsconnector

// settingMeanings has a line for each setting of the README.
var settingMeanings = map[string]string{
	"metrics_flush_interval":         "time between two exports of the series",
	"aggregation_temporality":        "`cumulative`, or `delta` for backends that require it; see below",
	"series_limit":                   "largest number of series of each metric; label sets beyond it share the metric's overflow series; 0: no limit",
	"label_length_limit":             "largest number of bytes of a label's value; longer values are truncated between two characters and counted in `otelcol_connector_mlmetrics_cut_labels`; 0: no limit",
	"series_expiration":              "how long a series may be idle before it is dropped; 0: never; for the metrics of training pipelines a week",
	"adjusted_counts":                "count a span with its adjusted count, from the threshold `ot=th:` in its W3C trace state, if its trace was sampled earlier",
	"histograms::type":               "`explicit`, `exponential` (native histograms in Prometheus) or `both`",
	"histograms::max_size":           "largest number of exponential buckets for positive and for negative values, 136 to 1000",
	"histograms::min_max":            "export the smallest and the largest value of exponential histograms",
	"histograms::exponential_suffix": "with `both`, suffix of the exponential histogram's name",
	"instance::label":                "label that distinguishes this collector's series from those of other collectors; empty: no label",
	"instance::id":                   "value of that label; empty: the host name, followed by `/` and the connector's name if it has one",
	"genai_conventions":              "add the metrics of the [GenAI conventions](#genai-conventions)",
	"metrics":                        "metrics to change or add, by name; see below",
}
