package report

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTable(t *testing.T) {
	r := Report{
		Base: "receive", Ours: "ours", Pipelines: []string{"receive", "ours", "theirs"},
		Emitted: map[Case]int{{Series: 1000, Pipeline: "ours"}: 5600, {Series: 1000, Pipeline: "theirs"}: 2700},
	}
	add := func(pipeline string, micros, megabytes, others int) {
		r.Add(Case{Cores: 2, Series: 1000, Pipeline: pipeline}, Measurement{
			CPU: time.Duration(micros) * time.Second, Spans: 10_000_000, Elapsed: 20 * time.Second,
			Memory: int64(megabytes) * 1_000_000, Others: time.Duration(others) * time.Second,
		})
	}
	// The machine is slower in the second round: the differences stay what they are.
	add("receive", 10, 40, 0)
	add("ours", 13, 60, 0)
	add("theirs", 40, 70, 0)
	add("receive", 20, 42, 10)
	add("ours", 24, 62, 10)
	add("theirs", 60, 70, 20)
	add("receive", 10, 40, 1)
	add("ours", 13, 50, 1)
	add("theirs", 45, 80, 1)

	var table strings.Builder
	require.NoError(t, r.Write(&table))
	assert.Equal(t, `| Cores | Series | Pipeline | µs a span | Added | Times ours | Peak memory | Spans a second | Series in all |
|--:|--:|---|--:|--:|--:|--:|--:|--:|
| 2 | 1,000 | receive | 1.00 |  |  | 40 MB | 500,000 |  |
| 2 | 1,000 | ours | 1.30 | 0.30 | 1.0 | 60 MB | 500,000 | 5,600 |
| 2 | 1,000 | theirs | 4.50 | 3.50 | 11.7 | 70 MB | 500,000 | 2,700 |

Other programs took 5 % of a core in the median, 100 % at most.
`, table.String())
	assert.Equal(t, `BenchmarkAdded/cores=2/series=1000/pipeline=ours 1 300.0 ns/span
BenchmarkAdded/cores=2/series=1000/pipeline=ours 1 400.0 ns/span
BenchmarkAdded/cores=2/series=1000/pipeline=ours 1 300.0 ns/span
BenchmarkAdded/cores=2/series=1000/pipeline=theirs 1 3000.0 ns/span
BenchmarkAdded/cores=2/series=1000/pipeline=theirs 1 4000.0 ns/span
BenchmarkAdded/cores=2/series=1000/pipeline=theirs 1 3500.0 ns/span
`, string(r.Samples()))
}

func TestMedian(t *testing.T) {
	self := func(v float64) float64 { return v }
	assert.Zero(t, median(nil, self))
	assert.InDelta(t, 3, median([]float64{3}, self), 0)
	assert.InDelta(t, 2.5, median([]float64{9, 1, 2, 3}, self), 0)
}
