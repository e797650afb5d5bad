package kept

import "github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/spans"

// texts deduplicates the strings of summaries, because there are few services, names and models. When it is full it
// starts again, so that unused strings are freed.
type texts struct {
	known map[string]string
	bytes int64
}

const (
	mostTexts = 10_000
	textBytes = 64 // of an entry, without its string
)

func newTexts() texts { return texts{known: map[string]string{}} }

func (t *texts) one(text string) string {
	if known, ok := t.known[text]; ok {
		return known
	}
	if len(t.known) == mostTexts {
		*t = newTexts()
	}
	short := spans.Clip(text, clip)
	if known, ok := t.known[short]; ok {
		return known
	}
	t.known[short] = short
	t.bytes += int64(len(short)) + textBytes
	return short
}
