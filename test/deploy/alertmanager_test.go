package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
)

const alertmanagerFile = "deploy/prometheus/alertmanager.yml"

// TestAlertmanagerRoutes asks amtool where each alert of the rules goes.
func TestAlertmanagerRoutes(t *testing.T) {
	for _, rule := range alerts(t) {
		output, err := run(t, binary(t, "amtool"), "config", "routes", "test", "--config.file", alertmanagerFile,
			"--verify.receivers="+map[string]string{"info": "log", "warning": "team", "critical": "page"}[rule.Labels["severity"]],
			"alertname="+rule.Alert, "severity="+rule.Labels["severity"], "ml_pipeline_name=recommendation")
		assert.NoError(t, err, "%s: %s", rule.Alert, output)
	}
}

// TestAlertmanagerNamesAlerts: every alert that the file names is one of the rules.
func TestAlertmanagerNamesAlerts(t *testing.T) {
	var names []string
	for _, rule := range alerts(t) {
		names = append(names, rule.Alert)
	}
	text, err := run(t, "cat", alertmanagerFile)
	require.NoError(t, err)
	patterns := regexp.MustCompile(`alertname =~? "([^"]+)"`).FindAllStringSubmatch(text, -1)
	require.Greater(t, len(patterns), 20)
	for _, pattern := range patterns {
		for _, name := range strings.Split(strings.NewReplacer("ML(", "", ").*", ".*").Replace(pattern[1]), "|") {
			matches := regexp.MustCompile("^(ML)?" + strings.TrimSuffix(name, ".*") + "(|.*)$")
			assert.True(t, slices.ContainsFunc(names, matches.MatchString), "%s: no alert is %s", alertmanagerFile, name)
		}
	}
}

// TestAlertmanagerInhibits sends the alerts of an incident to a running Alertmanager: what follows from another alert is
// inhibited, and the same alerts of another pipeline are not.
func TestAlertmanagerInhibits(t *testing.T) {
	url := startAlertmanager(t)
	type labels = map[string]string
	of := func(pipeline, service, name string, more labels) labels {
		l := labels{
			"alertname": name, "severity": "warning", "deployment_environment": "production", "ml_pipeline_name": pipeline, "service_name": service,
		}
		for key, value := range more {
			l[key] = value
		}
		return l
	}
	stage := func(name string) labels { return labels{"ml_stage": name} }
	objective := func(name string) labels { return labels{"slo": name} }
	signal := func(name string) labels { return labels{"signal": name} }
	sent := []labels{
		of("shop", "server", "MLGPUQueueOverCompute", labels{"ml_model_name": "a"}),
		of("shop", "server", "MLStageSlow", stage("inference")),
		of("shop", "gateway", "MLStageSlow", stage("request")),
		of("shop", "server", "MLSignalUnusual", signal("queue_bound")),
		of("shop", "server", "MLSignalUnusual", signal("cold_start")),
		of("shop", "post", "MLRevalidationRising", nil),
		of("shop", "post", "MLRevalidationShareRising", nil),
		of("shop", "post", "MLStageSlow", stage("post_processing")),
		of("shop", "gateway", "MLErrorBudgetBurnsFast", objective("success")),
		of("shop", "gateway", "MLErrorBudgetBurnsFast", objective("goodput")),
		of("shop", "gateway", "MLErrorBudgetBurnsSlowly", objective("success")),
		of("shop", "server", "MLStageErrors", stage("inference")),
		of("shop", "gateway", "MLStageErrors", stage("request")),
		// Another pipeline, in which no cause is known.
		of("search", "gateway", "MLStageSlow", stage("request")),
		of("search", "server", "MLSignalUnusual", signal("queue_bound")),
		of("search", "gateway", "MLErrorBudgetBurnsFast", objective("goodput")),
		of("search", "gateway", "MLErrorBudgetBurnsSlowly", objective("goodput")),
	}
	post(t, url, sent)

	assert.Equal(t, []string{
		"MLErrorBudgetBurnsFast search", "MLErrorBudgetBurnsFast shop success", "MLGPUQueueOverCompute shop", "MLRevalidationRising shop",
		"MLSignalUnusual search queue_bound", "MLSignalUnusual shop cold_start", "MLStageErrors shop inference", "MLStageSlow search request",
	}, withoutGoodput(unsilenced(t, url, len(sent))))
}

// TestOneCauseIsOnePage sends what each cause raises to a running Alertmanager, and counts the notifications of the
// receiver that pages: each group of alerts which are not inhibited is one.
func TestOneCauseIsOnePage(t *testing.T) {
	type labels = map[string]string
	alert := func(name, severity string, more ...string) labels {
		l := labels{"alertname": name, "severity": severity}
		for i := 0; i < len(more); i += 2 {
			l[more[i]] = more[i+1]
		}
		return l
	}
	shop := func(name, severity string, more ...string) labels {
		return alert(name, severity, append(more, "deployment_environment", "production", "ml_pipeline_name", "shop")...)
	}
	for name, test := range map[string]struct {
		sent           []labels
		pages, tickets int
	}{
		"a collector is dead": {[]labels{
			alert("MLCollectorDown", "critical", "collector", "a"),
			alert("MLUndecidedTracesLost", "warning", "job", "otelcol-ml-self", "instance", "a:8888"),
			shop("MLServiceSilent", "warning", "service_name", "gateway"),
			shop("MLServiceSilent", "warning", "service_name", "server"),
			shop("MLInferenceStalled", "critical"),
		}, 1, 1},
		"two collectors are dead": {[]labels{
			alert("MLCollectorDown", "critical", "collector", "a"),
			alert("MLCollectorDown", "critical", "collector", "b"),
		}, 2, 0},
		"two pods of one name": {[]labels{
			alert("MLCollectorDown", "critical", "collector", "otelcol-ml-0", "namespace", "a"),
			alert("MLCollectorDown", "critical", "collector", "otelcol-ml-0", "namespace", "b"),
		}, 2, 0},
		"a model hangs, and requests time out": {[]labels{
			shop("MLInferenceStalled", "critical"),
			shop("MLServerQueueStuck", "critical", "job", "vllm", "instance", "a:8000", "model_name", "chat"),
			shop("MLServerQueueStuck", "critical", "job", "vllm", "instance", "b:8000", "model_name", "chat"),
			shop("MLErrorBudgetBurnsFast", "critical", "service_name", "gateway", "slo", "success"),
			shop("MLErrorBudgetBurnsFast", "critical", "service_name", "gateway", "slo", "goodput"),
			shop("MLStageErrors", "warning", "service_name", "gateway", "ml_stage", "request"),
			shop("MLServiceSilent", "warning", "service_name", "server"),
		}, 1, 0},
		"servers hang whose spans nobody sends": {[]labels{
			alert("MLServerQueueStuck", "critical", "job", "vllm", "instance", "a:8000", "model_name", "chat"),
			alert("MLServerQueueStuck", "critical", "job", "vllm", "instance", "b:8000", "model_name", "chat"),
		}, 1, 0},
		"requests fail": {[]labels{
			shop("MLErrorBudgetBurnsFast", "critical", "service_name", "gateway", "slo", "success"),
			shop("MLErrorBudgetBurnsFast", "critical", "service_name", "gateway", "slo", "goodput"),
			shop("MLErrorBudgetBurnsFast", "critical", "service_name", "orchestrator", "slo", "success"),
			shop("MLErrorBudgetBurnsSlowly", "warning", "service_name", "gateway", "slo", "success"),
			shop("MLStageErrors", "warning", "service_name", "server", "ml_stage", "inference"),
		}, 1, 1},
		"the GPU is too small": {[]labels{
			shop("MLGPUQueueOverCompute", "warning", "service_name", "server"),
			shop("MLErrorBudgetBurnsFast", "critical", "service_name", "gateway", "slo", "goodput"),
			shop("MLStageSlow", "warning", "service_name", "server", "ml_stage", "inference"),
			shop("MLStageSlow", "warning", "service_name", "gateway", "ml_stage", "request"),
		}, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			url := startAlertmanager(t)
			post(t, url, test.sent)
			assert.Equal(t, test.pages, notifications(t, url, len(test.sent), "page"))
			assert.Equal(t, test.tickets, notifications(t, url, len(test.sent), "team"))
		})
	}
}

// notifications counts the groups of alerts of which a receiver notifies, once every alert is in its group.
func notifications(t *testing.T, url string, sent int, receiver string) (count int) {
	t.Helper()
	type group struct {
		Alerts   []struct{ Status struct{ State string } }
		Receiver struct{ Name string }
	}
	var groups []group
	grouped := func() bool {
		groups = nil
		response, err := http.Get(url + "/api/v2/alerts/groups")
		require.NoError(t, err)
		defer response.Body.Close()
		require.NoError(t, json.NewDecoder(response.Body).Decode(&groups))
		all := 0
		for _, g := range groups {
			all += len(g.Alerts)
		}
		return all == sent
	}
	require.Eventually(t, grouped, patience, 50*time.Millisecond)
	for _, g := range groups {
		active := func(a struct{ Status struct{ State string } }) bool { return a.Status.State == "active" }
		if g.Receiver.Name == receiver && slices.ContainsFunc(g.Alerts, active) {
			count++
		}
	}
	return count
}

// withoutGoodput leaves out the objective that is alone in its pipeline.
func withoutGoodput(found []string) []string {
	for i := range found {
		found[i] = strings.TrimSuffix(found[i], " goodput")
	}
	return found
}

func startAlertmanager(t *testing.T) string {
	t.Helper()
	address, err := proc.FreeAddress()
	require.NoError(t, err)
	dir := t.TempDir()
	process, err := proc.Start(proc.Command{
		Name: "Alertmanager", Path: binary(t, "alertmanager"), Log: dir + "/alertmanager.log",
		Args: []string{
			"--config.file=" + root + "/" + alertmanagerFile, "--storage.path=" + dir, "--web.listen-address=" + address, "--cluster.listen-address=",
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		stopping, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		assert.NoError(t, process.Stop(stopping))
	})
	url := "http://" + address
	ready, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, process.Until(ready, "Alertmanager", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/-/ready", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("status %s", response.Status)
		}
		return nil
	}))
	return url
}

// post sends alerts, as Prometheus does.
func post(t *testing.T, url string, all []map[string]string) {
	t.Helper()
	for _, labels := range all {
		args := []string{"alert", "add", "--alertmanager.url=" + url}
		for key, value := range labels {
			args = append(args, key+"="+value)
		}
		output, err := run(t, binary(t, "amtool"), args...)
		require.NoError(t, err, output)
	}
}

// unsilenced are the alerts that Alertmanager notifies of, after it has taken so many.
func unsilenced(t *testing.T, url string, sent int) []string {
	t.Helper()
	type found struct{ Labels map[string]string }
	query := func(args ...string) []found {
		output, err := run(t, binary(t, "amtool"), append([]string{"alert", "query", "--alertmanager.url=" + url, "--output=json"}, args...)...)
		require.NoError(t, err, output)
		var alerts []found
		require.NoError(t, json.Unmarshal([]byte(output), &alerts), output)
		return alerts
	}
	require.Len(t, query("--active", "--inhibited"), sent, "alerts arrived")
	var names []string
	for _, a := range query() {
		name := a.Labels["alertname"] + " " + a.Labels["ml_pipeline_name"]
		for _, key := range []string{"ml_stage", "signal", "slo"} {
			if value := a.Labels[key]; value != "" {
				name += " " + value
			}
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
