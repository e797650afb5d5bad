package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
)

// notified sends alerts to an Alertmanager with the shipped configuration, and returns the pipeline or collector of each
// group that the receiver page notifies of.
func notified(t *testing.T, alerts []labels.Labels) []string {
	t.Helper()
	url := startAlertmanager(t)
	var sent []map[string]any
	for _, a := range alerts {
		sent = append(sent, map[string]any{"labels": a.Map()})
	}
	body, err := json.Marshal(sent)
	require.NoError(t, err)
	response, err := http.Post(url+"/api/v2/alerts", "application/json", bytes.NewReader(body)) //nolint:noctx // ends with the process
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)

	var groups []struct {
		Alerts   []struct{ Status struct{ State string } }
		Labels   map[string]string
		Receiver struct{ Name string }
	}
	require.Eventually(t, func() bool {
		groups = nil
		response, err := http.Get(url + "/api/v2/alerts/groups") //nolint:noctx // ends with the process
		require.NoError(t, err)
		defer response.Body.Close()
		require.NoError(t, json.NewDecoder(response.Body).Decode(&groups))
		grouped := 0
		for _, g := range groups {
			grouped += len(g.Alerts)
		}
		return grouped == len(alerts)
	}, time.Minute, 50*time.Millisecond, "%d alerts in groups", len(alerts))
	var pages []string
	for _, g := range groups {
		active := func(a struct{ Status struct{ State string } }) bool { return a.Status.State == "active" }
		if g.Receiver.Name == "page" && slices.ContainsFunc(g.Alerts, active) {
			pages = append(pages, g.Labels["ml_pipeline_name"]+g.Labels["collector"])
		}
	}
	slices.Sort(pages)
	return pages
}

func startAlertmanager(t *testing.T) string {
	t.Helper()
	address, err := proc.FreeAddress()
	require.NoError(t, err)
	dir := t.TempDir()
	process, err := proc.Start(proc.Command{
		Name: "Alertmanager", Path: filepath.Join(root, "bin/alertmanager"), Log: dir + "/alertmanager.log",
		Args: []string{
			"--config.file=" + filepath.Join(root, "deploy/prometheus/alertmanager.yml"), "--storage.path=" + dir,
			"--web.listen-address=" + address, "--cluster.listen-address=",
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		stopping, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		assert.NoError(t, process.Stop(stopping))
	})
	require.NoError(t, process.Until(t.Context(), "Alertmanager", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/-/ready", nil)
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
	return "http://" + address
}
