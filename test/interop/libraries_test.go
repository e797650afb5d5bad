package interop

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/test/interop/internal/stack"
)

// soon has the metrics show what was sent within seconds.
const soon = "yaml:connectors::mlmetrics::metrics_flush_interval: 1s"

// did is what a program of libraries/ says that it did.
type did struct {
	Spans                float64            // that it ended
	Calls, Input, Output float64            // calls that the server answered, and their tokens
	Models               map[string]float64 // the same calls by model
	Refused              float64            // calls that the server answered with an error
	Failed               float64            // calls whose span says so
	Attempts             float64            // of the calls, the first is 1, where their spans say
	Streams              float64            // calls that were answered with a stream
	Held, First          float64            // what the server waited at least, and the program at most, for their first tokens, in ms
	Revalidated          float64            // outputs that failed a validation
	Assessments          map[string]float64 // the sum of the scores by scorer
	Validations          float64            // of outputs, those that passed too
	Lookups              float64
	Checks               float64            // of data
	FailedChecks         map[string]float64 // those that failed, by check and column
	Rows, NullShare      float64            // of the data that was checked
	MS                   float64
}

// runLibrary runs a program of libraries/ to its end against a collector.
func runLibrary(t *testing.T, venv, program string, args ...string) (*stack.Collector, did) {
	t.Helper()
	return runLibraryWith(t, []string{soon}, venv, program, args...)
}

// runLibraryWith runs it with settings of the collector.
func runLibraryWith(t *testing.T, settings []string, venv, program string, args ...string) (*stack.Collector, did) {
	t.Helper()
	running := stack.StartCollector(t, settings...)
	out := stack.Program{
		Venv: venv, Dir: "libraries", Args: append([]string{program + ".py"}, args...),
		Env: append(running.OTLPEnvironment(), "OTEL_SERVICE_NAME=assistant", "OTEL_RESOURCE_ATTRIBUTES=ml.pipeline.name=assistant", "LITELLM_LOCAL_MODEL_COST_MAP=True"),
	}.Run(t, program)
	return running, whatItDid(t, out)
}

func whatItDid(t *testing.T, out string) (d did) {
	t.Helper()
	_, said, found := strings.Cut(out, "DID ")
	require.True(t, found, out)
	said, _, _ = strings.Cut(said, "\n")
	require.NoError(t, json.Unmarshal([]byte(said), &d))
	return d
}

// untilCalls waits until every call of the model is counted once, with its tokens.
func untilCalls(t *testing.T, running *stack.Collector, d did) {
	t.Helper()
	require.Positive(t, d.Calls)
	running.UntilSum(d.Calls, "ml_stage_calls_total", "ml_stage", "inference")
	running.UntilSum(d.Input, "ml_tokens_total", "direction", "input")
	running.UntilSum(d.Output, "ml_tokens_total", "direction", "output")
}

func TestLlamaIndex(t *testing.T) {
	for _, with := range [][]string{nil, {"client"}} {
		t.Run(strings.Join(append([]string{"llama_index"}, with...), "+"), func(t *testing.T) {
			running, d := runLibrary(t, "libraries", "llama_index_calls", with...)
			untilCalls(t, running, d)
		})
	}
}

func TestOpenAIClient(t *testing.T) {
	for _, instrumentations := range [][]string{{"openinference"}, {"openllmetry"}, {"opentelemetry"}, {"opentelemetry", "openllmetry"}, {"openinference", "opentelemetry"}} {
		t.Run(strings.Join(instrumentations, "+"), func(t *testing.T) {
			running, d := runLibrary(t, "libraries", "openai_calls", instrumentations...)
			check(t, running, d, has{tokens: true, firstToken: strings.Join(instrumentations, "+") == "openinference"})
		})
	}
}

// TestMLflow: MLflow's own export, with its attributes and with those of the GenAI conventions. Scorers make spans in both.
func TestMLflow(t *testing.T) {
	for _, name := range []string{"own", "genai"} {
		t.Run(name, func(t *testing.T) {
			running, d := runLibrary(t, "mlflow", "mlflow_calls", name)
			check(t, running, d, has{tokens: true, firstToken: name == "own"})
			if name == "genai" {
				return // the conventions leave out what a scorer returned
			}
			running.UntilSum(float64(3*len(d.Assessments)), "ml_evaluation_assessment_count") // of three rows of data
			got := running.Scrape().By("ml_evaluation_assessment_sum", "span_name")
			require.Len(t, got, len(d.Assessments))
			for scorer, sum := range d.Assessments {
				assert.InDelta(t, sum, got[scorer], 1e-9, scorer)
			}
		})
	}
}

// TestGreatExpectations: what the library found in a table is in the metrics of data.
func TestGreatExpectations(t *testing.T) {
	running, d := runLibrary(t, "great_expectations", "great_expectations_checks")
	running.UntilSum(d.Checks, "ml_data_checks_total", "suite", "orders")
	running.UntilSum(float64(len(d.FailedChecks)), "ml_data_checks_failed_total", "suite", "orders")
	running.UntilSum(float64(len(d.FailedChecks)), "ml_data_check_failures_total", "suite", "orders")
	for failed, n := range d.FailedChecks {
		check, column, _ := strings.Cut(failed, " ")
		running.UntilSum(n, "ml_data_check_failures_total", "check", check, "column", column)
	}
	running.UntilSum(d.Rows, "ml_data_rows", "ml_stage", "data_ingestion")
	running.UntilSum(d.NullShare, "ml_data_null_share")
}

// TestGuardrailsAI: each output that failed is seen once, whatever its guard does about it.
func TestGuardrailsAI(t *testing.T) {
	running, d := runLibrary(t, "libraries", "guards")
	untilCalls(t, running, d)
	running.UntilSum(d.Revalidated, "ml_post_processing_revalidations_total")
}

// TestLookups: a lookup is counted once, with its time, though the service, SQLAlchemy and its driver each have a span.
func TestLookups(t *testing.T) {
	running, d := runLibrary(t, "libraries", "lookups")
	running.UntilSum(d.Lookups, "ml_feature_extraction_db_lookup_ms_count")
	// Two thirds are the time of SQLAlchemy's spans, which is without the connection and the rows.
	assert.InEpsilon(t, d.MS, running.Scrape().Sum("ml_feature_extraction_db_lookup_ms_sum"), 0.25)
	running.UntilSum(d.Lookups, "ml_signals_total", "signal", "feature_cascade")
}
