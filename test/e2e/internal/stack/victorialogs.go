package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
)

// VictoriaLogs is a running VictoriaLogs server.
type VictoriaLogs struct {
	*proc.Process
	url string
}

// StartVictoriaLogs starts a server and waits until it answers.
func StartVictoriaLogs(t testing.TB) *VictoriaLogs {
	t.Helper()
	address, err := proc.FreeAddress()
	require.NoError(t, err)
	dir := t.TempDir()
	process, err := proc.Start(proc.Command{
		Name: "VictoriaLogs", Path: victoriaLogs.find(t), Dir: dir, Log: dir + "/victoria-logs.log",
		Args: []string{"-httpListenAddr=" + address, "-storageDataPath=" + dir + "/data"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { Stop(t, process) })
	v := &VictoriaLogs{process, "http://" + address}
	Until(t, process, "VictoriaLogs", func(ctx context.Context) error {
		_, err := v.Query(ctx, "*")
		return err
	})
	return v
}

// OTLPEndpoint is where it takes logs over OTLP.
func (v *VictoriaLogs) OTLPEndpoint() string { return v.url + "/insert/opentelemetry/v1/logs" }

// Query returns the records that a LogsQL query finds, each with its fields.
func (v *VictoriaLogs) Query(ctx context.Context, query string) ([]map[string]string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url+"/select/logsql/query?query="+url.QueryEscape(query), http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", response.Status, body)
	}
	var records []map[string]string
	for decoder := json.NewDecoder(strings.NewReader(string(body))); ; {
		var record map[string]string
		if err := decoder.Decode(&record); errors.Is(err, io.EOF) {
			return records, nil
		} else if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
}
