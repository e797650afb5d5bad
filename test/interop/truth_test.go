package interop

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// truth is what the services know they did for a request. Times are milliseconds.
type truth struct {
	trace    pcommon.TraceID
	total    float64
	failed   bool
	features float64
	db       float64
	// unavailable are the features that nobody had.
	unavailable int
	load        float64
	wait        float64
	forward     float64
	attempts    int
	// repair is what came after the first failed validation.
	repair float64
}

// note is a line that a service has written, see article/glue.py.
type note struct {
	What        string  `json:"what"`
	Request     string  `json:"request"`
	Ms          float64 `json:"ms"`
	TraceID     string  `json:"trace_id"`
	Failed      bool    `json:"failed"`
	DBMs        float64 `json:"db_ms"`
	Unavailable int     `json:"unavailable"`
	LoadMs      float64 `json:"load_ms"`
	WaitMs      float64 `json:"wait_ms"`
	ForwardMs   float64 `json:"forward_ms"`
	Attempts    int     `json:"attempts"`
	RepairMs    float64 `json:"repair_ms"`
}

// readTruth reads what the services have written into a folder.
func readTruth(t *testing.T, dir string) []*truth {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	require.NoError(t, err)
	byRequest := map[string]*truth{}
	for _, file := range files {
		opened, err := os.Open(file)
		require.NoError(t, err)
		defer opened.Close()
		for lines := bufio.NewScanner(opened); lines.Scan(); {
			var n note
			require.NoError(t, json.Unmarshal(lines.Bytes(), &n), file)
			if byRequest[n.Request] == nil {
				byRequest[n.Request] = &truth{}
			}
			byRequest[n.Request].add(t, n)
		}
	}
	var all []*truth
	for _, done := range byRequest {
		all = append(all, done)
	}
	return all
}

func (done *truth) add(t *testing.T, n note) {
	switch n.What {
	case "request":
		id, err := hex.DecodeString(n.TraceID)
		require.NoError(t, err)
		done.trace, done.total, done.failed = pcommon.TraceID(id), n.Ms, n.Failed
	case "features":
		done.features, done.db, done.unavailable = n.Ms, n.DBMs, n.Unavailable
	case "batches":
		done.load = n.LoadMs
	case "gpu":
		done.forward, done.wait = n.ForwardMs, n.WaitMs
	case "post":
		done.attempts, done.repair = n.Attempts, n.RepairMs
	}
}

// mustBeKept reports whether a policy of otelcol.yaml has to keep the trace, for whatever reason.
func (done *truth) mustBeKept() bool {
	return done.failed || done.total > 800 || done.db > done.features/2 || done.unavailable > 0 ||
		done.wait > done.forward || done.wait >= 300 || done.attempts > 1 || done.load > 0
}

// signals are those that the service's own figures say. The feature cascade is
// not among them: it is a share of a span, whose duration a service does not know.
func (done *truth) signals() (all []string) {
	for name, is := range map[string]bool{
		"queue_bound":          done.wait > done.forward,
		"high_queue_wait":      done.wait >= 300,
		"features_unavailable": done.unavailable > 0,
		"revalidated":          done.attempts > 1,
		"cold_start":           done.load > 0,
	} {
		if is {
			all = append(all, name)
		}
	}
	return all
}

// isNear reports whether a threshold is too near for the services' clocks and the spans' to agree on it.
func (done *truth) isNear() bool {
	near := func(value, threshold float64) bool {
		return value > 0 && value > threshold*0.9 && value < threshold*1.1
	}
	return near(done.total, 800) || near(done.db, done.features/2) || near(done.wait, done.forward) || near(done.wait, 300)
}

// spent is what the time went to, by cause.
func (done *truth) spent(total float64) map[string]float64 {
	by := map[string]float64{
		"feature_store": done.features, "cold_start": done.load, "gpu_queue": done.wait, "gpu_compute": done.forward,
		"revalidation": done.repair,
	}
	rest := total
	for _, ms := range by {
		rest -= ms
	}
	by["other"] = rest
	return by
}
