package main

import "strings"

// share returns the query of a ratio, 0 to 1: the rate of a part by the rate of the whole.
func share(part, whole string) string { return part + " / " + whole }

// per is how many there are a second.
func per(m, more, by string) string {
	return "sum" + group(by) + " (rate(" + m + matchers(more) + window + "))"
}

// count is how many there were in the time that the dashboard shows.
func count(m, more, by string) string {
	return "sum" + group(by) + " (increase(" + m + matchers(more) + "[$__range]))"
}

// dayShare is the share of a part in a whole over the last day, 0 where there was none of the part.
func dayShare(part, whole, by string) string {
	day := func(m string) string { return "sum" + group(by) + " (increase(" + m + matchers("") + "[1d]))" }
	return "(" + day(part) + " or " + day(whole) + " * 0) / (" + day(whole) + " > 0)"
}

// newest is the newest value of a gauge.
func newest(m, more, by string) string { return "max" + group(by) + " (" + m + matchers(more) + ")" }

// before is a query of some time ago.
func before(expr, offset string) string {
	return strings.ReplaceAll(expr, window+")", window+" offset "+offset+")")
}

// signalShare is the share of requests that show a signal: of the spans that can, which whole counts.
func signalShare(signal, whole string) string {
	return share(per("ml_signals_total", `signal="`+signal+`"`, ""), whole)
}

// quantiles are p50, p95 and p99.
func quantiles(h histograms, m, more string) []query {
	return []query{
		{h.quantile(0.99, m, more, ""), "p99"}, {h.quantile(0.95, m, more, ""), "p95"}, {h.quantile(0.5, m, more, ""), "p50"},
	}
}

func dashboards(h histograms) []board {
	requests := per("ml_pipeline_requests_total", "", "")
	return []board{
		overview(h, requests), gpuQueue(h), featureStore(h), outputQuality(h, requests), coldStarts(h), llm(h), models(h), training(h), collector(),
	}
}

func overview(h histograms, requests string) board {
	const latency, wait = "ml_pipeline_latency_ms", "ml_inference_queue_wait_ms"
	return board{
		uid: "overview", title: "Overview", help: "Requests, and the four bottlenecks that time and status do not show. Counted over every request, not over the traces that were kept.",
		rows: []row{
			{"", []panel{
				{kind: number, title: "Requests a second", unit: "reqps", queries: []query{{requests, ""}}},
				{kind: number, title: "Failed requests", unit: "percentunit", red: 0.01, queries: []query{{share(per("ml_pipeline_requests_total", `ml_pipeline_success="false"`, "")+" or vector(0)", requests), ""}}},
				{kind: number, title: "Latency, p95", unit: "ms", queries: []query{{h.quantile(0.95, latency, "", ""), ""}}},
			}},
			{"The four bottlenecks, as a share of the requests that can have them", []panel{
				{kind: number, title: "Wait for the GPU longer than its compute", unit: "percentunit", red: 0.05, queries: []query{{signalShare("queue_bound", h.count(wait, "", "")), ""}}},
				{kind: number, title: "Feature store falls back to the database", unit: "percentunit", red: 0.05, queries: []query{{signalShare("feature_cascade", h.count("ml_features_cache_hit_rate", "", "")), ""}}},
				{kind: number, title: "Output repaired", unit: "percentunit", red: 0.05, queries: []query{{share(per("ml_post_processing_revalidations_total", "", ""), h.count("ml_post_processing_validation_attempts", "", "")), ""}}},
				{kind: number, title: "Components loaded again", unit: "short", whole: true, red: 1, help: "Loads of a component that its process had loaded before, in the time shown.", queries: []query{{count("ml_cold_starts_total", `reload="true"`, "") + " or vector(0)", ""}}},
			}},
			{"Time lost", []panel{
				{title: "Time lost, in ms of each second", unit: "ms", stack: true, help: "What all requests of a second waited or did again. Over 1,000 ms a whole worker does nothing else.", queries: []query{
					{h.sum(wait, "", ""), "waiting for the GPU"}, {h.sum("ml_feature_extraction_db_lookup_ms", "", ""), "database instead of cache"}, {h.sum("ml_cold_start_duration_ms", "", ""), "loading components"},
				}},
				{title: "Signals a second", unit: "short", queries: []query{{per("ml_signals_total", "", "signal"), "{{signal}}"}}},
			}},
			{"Requests", []panel{
				{title: "Requests a second, by pipeline", unit: "reqps", queries: []query{{per("ml_pipeline_requests_total", "", "ml_pipeline_name"), "{{ml_pipeline_name}}"}}},
				{title: "Latency", unit: "ms", exemplars: true, queries: quantiles(h, latency, "")},
				{title: "Duration of each stage, p95", unit: "ms", queries: []query{{h.quantile(0.95, "duration_ms", `ml_stage!=""`, "ml_stage"), "{{ml_stage}}"}}},
			}},
		},
	}
}

func gpuQueue(h histograms) board {
	const wait, compute = "ml_inference_queue_wait_ms", "ml_inference_forward_pass_ms"
	return board{
		uid: "gpu-queue", title: "GPU queue", help: "How long requests wait for a GPU that may look healthy by its utilisation.",
		rows: []row{
			{"", []panel{
				{title: "Wait for each ms of compute, by device", unit: "none", help: "Over 1 requests wait longer than the GPU works for them.", queries: []query{{share(h.sum(wait, "", "host_name, ml_device_id"), h.sum(compute, "", "host_name, ml_device_id")), "{{host_name}} device {{ml_device_id}}"}}},
				{title: "Requests that waited over 300 ms", unit: "percentunit", queries: []query{{h.above("300", wait, "", ""), "share of requests"}}},
			}},
			{"", []panel{
				{kind: heat, title: "Wait", unit: "ms", help: "Dots are kept traces: click on one.", queries: []query{{h.heat(wait, ""), "{{le}}"}}},
				{kind: heat, title: "Compute", unit: "ms", queries: []query{{h.heat(compute, ""), "{{le}}"}}},
			}},
			{"72 % and healthy", []panel{
				{title: "Utilisation of the GPU", unit: "percent", max: 100, help: "A GPU that is 72 % busy can have a queue: look at the wait beside it. From spans, and from NVIDIA's DCGM exporter where Prometheus scrapes it.", queries: []query{
					{newest("ml_gpu_utilization_percent", "", "host_name, ml_device_id"), "{{host_name}} device {{ml_device_id}}, from spans"},
					{`max by (gpu) (DCGM_FI_DEV_GPU_UTIL)`, "GPU {{gpu}}, DCGM"},
				}},
				{title: "Wait, p95, by device", unit: "ms", exemplars: true, queries: []query{{h.quantile(0.95, wait, "", "host_name, ml_device_id"), "{{host_name}} device {{ml_device_id}}"}}},
			}},
			{"", []panel{
				{title: "Requests in a batch, mean", unit: "short", queries: []query{{h.mean("ml_batch_size", "", "service_name"), "{{service_name}}"}}},
				{title: "Memory of the GPU", unit: "decmbytes", queries: []query{
					{newest("ml_gpu_memory_allocated_mb", "", "host_name, ml_device_id"), "{{host_name}} device {{ml_device_id}}, in use"}, {newest("ml_gpu_memory_reserved_mb", "", "host_name, ml_device_id"), "{{host_name}} device {{ml_device_id}}, reserved"},
				}},
				{title: "Preemptions a second", unit: "short", help: "Requests that lost their place in the batch and were recomputed.", queries: []query{{per("ml_inference_preemptions_total", "", "host_name, ml_device_id"), "{{host_name}} device {{ml_device_id}}"}}},
			}},
		},
	}
}

func featureStore(h histograms) board {
	const db, cache = "ml_feature_extraction_db_lookup_ms", "ml_feature_extraction_cache_lookup_ms"
	hits, misses := per("ml_features_cache_hits_total", "", ""), per("ml_features_cache_misses_total", "", "")
	return board{
		uid: "feature-store", title: "Feature store", help: "What the cache has, and what the database is asked for instead.",
		rows: []row{
			{"", []panel{
				{title: "Features found in the cache", unit: "percentunit", max: 1, queries: []query{{share(hits, "("+hits+" + "+misses+")"), "share of features"}}},
				{title: "Requests that ask the database", unit: "percentunit", queries: []query{{share(h.count(db, "", ""), h.count("ml_features_cache_hit_rate", "", "")), "share of requests"}}},
				{title: "Features found nowhere, a second", unit: "short", queries: []query{{per("ml_features_unavailable_total", "", "service_name"), "{{service_name}}"}}},
			}},
			{"", []panel{
				{title: "Lookup in the database", unit: "ms", exemplars: true, queries: quantiles(h, db, "")},
				{title: "Lookup in the cache", unit: "ms", queries: quantiles(h, cache, "")},
			}},
			{"", []panel{
				{kind: heat, title: "Lookup in the database", unit: "ms", queries: []query{{h.heat(db, ""), "{{le}}"}}},
				{title: "Lookup in the database, p95, by service", unit: "ms", queries: []query{{h.quantile(0.95, db, "", "service_name"), "{{service_name}}"}}},
			}},
		},
	}
}

func outputQuality(h histograms, _ string) board {
	const attempts = "ml_post_processing_validation_attempts"
	repaired := share(per("ml_post_processing_revalidations_total", "", ""), h.count(attempts, "", ""))
	return board{
		uid: "output-quality", title: "Output quality", help: "Outputs that failed validation and were repaired, which costs time and hides that a model gets worse.",
		rows: []row{
			{"", []panel{
				{title: "Repaired outputs: now, a day ago, a week ago", unit: "percentunit", queries: []query{{repaired, "now"}, {before(repaired, "1d"), "a day ago"}, {before(repaired, "1w"), "a week ago"}}},
				{title: "Validations for each output, mean", unit: "none", help: "1: every output was valid at once. The article's bound is 1.3.", queries: []query{{h.mean(attempts, "", "service_name, ml_model_name"), "{{service_name}} {{ml_model_name}}"}}},
			}},
			{"", []panel{
				{title: "Failed validations a second, by reason and field", unit: "short", queries: []query{{per("ml_output_validation_failures_total", "", "reason, field"), "{{reason}} {{field}}"}}},
				{kind: list, title: "What fails most", queries: []query{{"topk(20, " + count("ml_output_validation_failures_total", "", "service_name, ml_model_name, reason, field") + " > 0)", ""}}},
			}},
			{"", []panel{
				{title: "Repaired outputs, by version of the model", unit: "percentunit", queries: []query{{share(per("ml_post_processing_revalidations_total", "", "service_name, ml_model_name, ml_model_version"), h.count(attempts, "", "service_name, ml_model_name, ml_model_version")), "{{service_name}} {{ml_model_name}} {{ml_model_version}}"}}},
			}},
		},
	}
}

func coldStarts(h histograms) board {
	const duration = "ml_cold_start_duration_ms"
	return board{
		uid: "cold-starts", title: "Cold starts and reloads", help: "Loads of models, tokenizers and other components. A reload is one that the process had loaded before.",
		rows: []row{
			{"", []panel{
				{title: "Reloads a minute, by component", unit: "short", queries: []query{{"60 * " + per("ml_cold_starts_total", `reload="true"`, "service_name, component"), "{{component}}, {{service_name}}"}}},
				{title: "First loads a minute, by component", unit: "short", queries: []query{{"60 * " + per("ml_cold_starts_total", `reload="false"`, "service_name, component"), "{{component}}, {{service_name}}"}}},
			}},
			{"", []panel{
				{title: "Time of a load, p95", unit: "ms", exemplars: true, queries: []query{{h.quantile(0.95, duration, "", "component"), "{{component}}"}}},
				{title: "Time lost, in ms of each second", unit: "ms", stack: true, queries: []query{{h.sum(duration, "", "component"), "{{component}}"}}},
				{kind: list, title: "Loads", queries: []query{{count("ml_cold_starts_total", "", "service_name, component, reload") + " > 0", ""}}},
			}},
		},
	}
}

func llm(h histograms) board {
	return board{
		uid: "llm", title: "LLM", help: "Time to first token, time for each token, tokens, prefill and decode.",
		rows: []row{
			{"", []panel{
				{title: "Time to first token", unit: "ms", exemplars: true, queries: quantiles(h, "ml_inference_time_to_first_token_ms", "")},
				{title: "Time for each further token", unit: "ms", queries: quantiles(h, "ml_inference_time_per_output_token_ms", "")},
				{title: "Tokens a second of one call, median", unit: "short", queries: []query{{h.quantile(0.5, "ml_inference_tokens_per_second", "", "ml_model_name"), "{{ml_model_name}}"}}},
			}},
			{"", []panel{
				{title: "Tokens a second of all calls", unit: "short", stack: true, queries: []query{{per("ml_tokens_total", `direction=~"input|output"`, "direction"), "{{direction}}"}}},
				{title: "Input tokens that the cache had", unit: "percentunit", max: 1, queries: []query{{share(per("ml_tokens_total", `direction="cached"`, "ml_model_name"), per("ml_tokens_total", `direction="input"`, "ml_model_name")), "{{ml_model_name}}"}}},
				{title: "Output tokens spent on reasoning", unit: "percentunit", max: 1, queries: []query{{share(per("ml_tokens_total", `direction="reasoning"`, "ml_model_name"), per("ml_tokens_total", `direction="output"`, "ml_model_name")), "{{ml_model_name}}"}}},
			}},
			{"", []panel{
				{title: "Compute, in ms of each second", unit: "ms", stack: true, queries: []query{{h.sum("ml_inference_prefill_ms", "", ""), "prefill"}, {h.sum("ml_inference_decode_ms", "", ""), "decode"}}},
				{title: "Attempts for each call, mean", unit: "none", help: "1: every call was answered at once.", queries: []query{{h.mean("ml_inference_attempts", "", "ml_model_name"), "{{ml_model_name}}"}}},
				{title: "Transfer of the KV cache, p95", unit: "ms", queries: []query{{h.quantile(0.95, "ml_inference_kv_transfer_ms", "", "service_name"), "{{service_name}}"}}},
			}},
		},
	}
}

func models(h histograms) board {
	const by = "ml_model_name, ml_model_version"
	const legend = "{{ml_model_name}} {{ml_model_version}}"
	graph := func(title, unit, expr string) panel {
		return panel{title: title, unit: unit, queries: []query{{expr, legend}}}
	}
	const variant = `ml_experiment_variant!=""`
	variants := func(title, unit, expr string) panel {
		return panel{title: title, unit: unit, queries: []query{{expr, "{{ml_experiment_variant}}"}}}
	}
	return board{
		uid: "models", title: "Model comparison", help: "Models and their versions side by side, such as a canary beside what it replaces. Choose them above.",
		rows: []row{
			{"", []panel{
				graph("Spans of inference a second", "short", per("ml_stage_calls_total", `ml_stage="inference"`, by)),
				graph("Inference, p95", "ms", h.quantile(0.95, "duration_ms", `ml_stage="inference"`, by)),
				graph("Failed inference", "percentunit", share(per("ml_stage_calls_total", `ml_stage="inference", status_code="ERROR"`, by), per("ml_stage_calls_total", `ml_stage="inference"`, by))),
			}},
			{"", []panel{
				graph("Wait for the GPU, p95", "ms", h.quantile(0.95, "ml_inference_queue_wait_ms", "", by)),
				graph("Compute, p95", "ms", h.quantile(0.95, "ml_inference_forward_pass_ms", "", by)),
				graph("Time to first token, p95", "ms", h.quantile(0.95, "ml_inference_time_to_first_token_ms", "", by)),
			}},
			{"", []panel{
				withHelp("The spans that validate must carry ml.model.name.", graph("Repaired outputs", "percentunit", share(per("ml_post_processing_revalidations_total", "", by), h.count("ml_post_processing_validation_attempts", "", by)))),
				graph("Output tokens for each call, mean", "short", share(per("ml_tokens_total", `direction="output"`, by), per("ml_stage_calls_total", `ml_stage="inference"`, by))),
				{title: "Score of the evaluation", unit: "none", queries: []query{{newest("ml_evaluation_score", "", by+", metric"), legend + " {{metric}}"}}},
			}},
			{"Variants of an A/B test, by ml.experiment.variant", []panel{
				variants("Requests a second", "reqps", per("ml_pipeline_requests_total", variant, "ml_experiment_variant")),
				variants("Failed requests", "percentunit", share(per("ml_pipeline_requests_total", variant+`, ml_pipeline_success="false"`, "ml_experiment_variant"), per("ml_pipeline_requests_total", variant, "ml_experiment_variant"))),
				variants("Latency, p95", "ms", h.quantile(0.95, "ml_pipeline_latency_ms", variant, "ml_experiment_variant")),
			}},
			{"", []panel{
				variants("Inference, p95", "ms", h.quantile(0.95, "duration_ms", variant+`, ml_stage="inference"`, "ml_experiment_variant")),
				variants("Repaired outputs", "percentunit", share(per("ml_post_processing_revalidations_total", variant, "ml_experiment_variant"), h.count("ml_post_processing_validation_attempts", variant, "ml_experiment_variant"))),
				{title: "Signals for each span", unit: "percentunit", help: "Where two variants differ in a signal, the one above is worse.", queries: []query{{share(per("ml_signals_total", variant, "ml_experiment_variant, signal"), "ignoring(signal) group_left "+per("ml_stage_calls_total", variant, "ml_experiment_variant")), "{{ml_experiment_variant}} {{signal}}"}}},
			}},
		},
	}
}

func withHelp(help string, p panel) panel {
	p.help = help
	return p
}

func training(h histograms) board {
	return board{
		uid: "training", title: "Training", help: "Training pipelines: what each stage took, read, learned, scored and deployed.",
		rows: []row{
			{"", []panel{
				{title: "Duration of each stage, mean", unit: "ms", queries: []query{{h.mean("duration_ms", `ml_stage=~"data_ingestion|feature_engineering|training|evaluation|model_registration|deployment"`, "ml_stage"), "{{ml_stage}}"}}},
				{kind: list, title: "Stages in the time shown", queries: []query{{count("ml_stage_calls_total", `ml_stage=~"data_ingestion|feature_engineering|training|evaluation|model_registration|deployment"`, "ml_pipeline_name, ml_stage, status_code"), ""}}},
			}},
			{"", []panel{
				{title: "Score, and of the baseline", unit: "none", queries: []query{{newest("ml_evaluation_score", "", "ml_model_name, metric"), "{{ml_model_name}} {{metric}}"}}},
				{title: "Training: loss, epochs, learning rate", unit: "none", queries: []query{{newest("ml_training_value", "", "ml_model_name, metric"), "{{ml_model_name}} {{metric}}"}}},
			}},
			{"Checks of the data, and scores of outputs", []panel{
				{title: "Failed checks", unit: "percentunit", help: "Share of the checks of the last day that failed, by suite.", queries: []query{{dayShare("ml_data_checks_failed_total", "ml_data_checks_total", "suite"), "{{suite}}"}}},
				{kind: list, title: "Checks that failed in the time shown", queries: []query{{count("ml_data_check_failures_total", "", "suite, check, column") + " > 0", ""}}},
				{title: "Missing values", unit: "percentunit", queries: []query{{newest("ml_data_null_share", "", "suite"), "{{suite}}"}}},
				{title: "Scores of single outputs, mean", unit: "none", help: "By scorer, such as MLflow's.", queries: []query{{h.mean("ml_evaluation_assessment", "", "span_name"), "{{span_name}}"}}},
			}},
			{"", []panel{
				{kind: list, title: "Records in the time shown", queries: []query{{count("ml_data_records_total", "", "ml_pipeline_name, ml_stage, outcome"), ""}}},
				{title: "Size of the artifact", unit: "bytes", queries: []query{{newest("ml_registration_artifact_size", "", "ml_model_name"), "{{ml_model_name}}"}}},
				{title: "Traffic of the new version", unit: "percent", max: 100, queries: []query{{newest("ml_deployment_canary_percent", "", "ml_model_name, ml_model_version"), "{{ml_model_name}} {{ml_model_version}}"}}},
			}},
		},
	}
}

func collector() board {
	const of = `{instance=~"$instance"}`
	by := func(m, label string) string { return "sum by (" + label + ") (rate(" + m + of + window + "))" }
	return board{
		uid: "collector", title: "Collector", help: "What arrives, what is refused or dropped, and what it costs.", collector: true,
		rows: []row{
			{"", []panel{
				{title: "Spans a second", unit: "short", queries: []query{{by("otelcol_receiver_accepted_spans", "instance"), "{{instance}} accepted"}, {by("otelcol_receiver_refused_spans", "instance"), "{{instance}} refused"}}},
				{title: "Spans a second, by dialect", unit: "short", stack: true, help: "none: no dialect recognises them. The collector's page names them, under What arrives.", queries: []query{{by("otelcol_processor_mlsignals_spans", "dialect"), "{{dialect}}"}}},
				{title: "Requests refused a second, by reason", unit: "short", queries: []query{{by("otelcol_extension_mladmission_refused", "reason"), "{{reason}}"}}},
			}},
			{"Sampling", []panel{
				{title: "Traces decided a second", unit: "short", stack: true, queries: []query{{by("otelcol_processor_mltailsampling_traces", "decision"), "{{decision}}"}}},
				{title: "Traces that wait", unit: "short", queries: []query{{"sum by (instance) (otelcol_processor_mltailsampling_waiting_traces" + of + ")", "{{instance}}"}}},
				{title: "Traces decided early for want of memory", unit: "short", help: "They may lack spans. Give the collector more memory, or a shorter decision_wait.", queries: []query{{by("otelcol_processor_mltailsampling_decided_early", "instance"), "{{instance}}"}}},
			}},
			{"Metrics", []panel{
				{title: "Series, share of the limit", unit: "percentunit", max: 1, queries: []query{{"topk(10, max by (metric) (otelcol_connector_mlmetrics_series_active" + of + ") / max by (metric) (otelcol_connector_mlmetrics_series_limit" + of + " > 0))", "{{metric}}"}}},
				{title: "Invalid values a second, by attribute", unit: "short", queries: []query{{by("otelcol_connector_mlmetrics_invalid_values", "attribute") + " > 0", "{{attribute}}"}}},
				{title: "Observations in overflow series a second", unit: "short", queries: []query{{by("otelcol_connector_mlmetrics_overflowed", "metric") + " > 0", "{{metric}}"}}},
			}},
			{"Cost", []panel{
				{title: "Cores", unit: "short", queries: []query{{by("otelcol_process_cpu_seconds", "instance"), "{{instance}}"}}},
				{title: "Resident memory", unit: "bytes", queries: []query{{"sum by (instance) (otelcol_process_memory_rss" + of + ")", "{{instance}}"}}},
				{title: "Queues of exporters", unit: "short", queries: []query{{"sum by (exporter) (otelcol_exporter_queue_size" + of + ")", "{{exporter}}"}}},
			}},
		},
	}
}
