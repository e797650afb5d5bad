package mlmetricsconnector

// settingMeanings has a line for each setting of the README.
var settingMeanings = map[string]string{
	"metrics_flush_interval":         "time between two exports of all series",
	"aggregation_temporality":        "`cumulative`, or `delta` for backends that want increases; see below",
	"series_limit":                   "largest number of series of each metric; label sets beyond it share the metric's overflow series; 0: no limit",
	"label_length_limit":             "largest number of bytes of a label's value; a longer one is cut between two characters and counted in `otelcol_connector_mlmetrics_cut_labels`; 0: no limit",
	"series_expiration":              "how long a series may be idle before it is dropped; 0: never; the metrics of training pipelines have a week of their own",
	"adjusted_counts":                "a span of a trace that was sampled earlier counts for as many as the threshold `ot=th:` in its W3C trace state says",
	"histograms::type":               "`explicit`, `exponential` (native histograms in Prometheus) or `both`",
	"histograms::max_size":           "largest number of exponential buckets for either sign",
	"histograms::min_max":            "exponential histograms carry the smallest and the largest value",
	"histograms::exponential_suffix": "with `both`, what the name of the exponential one ends in",
	"instance::label":                "label that tells this collector's series from those of others; empty: no label",
	"instance::id":                   "value of that label; empty: the host's name, followed by `/` and the connector's name where it has one",
	"genai_conventions":              "adds the metrics of the [GenAI conventions](#genai-conventions)",
	"metrics":                        "built-in metrics to change and others to add, by name; see below",
}
