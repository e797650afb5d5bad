package aggregate

import "strings"

// texts holds label values once, however many series have them.
type texts struct {
	known map[string]string
	// kept is how many were in use when that was last looked at.
	kept int
}

// own returns a copy of a text that is no part of a batch.
func (t *texts) own(text string) string {
	if text == "" {
		return ""
	}
	if known, ok := t.known[text]; ok {
		return known
	}
	text = strings.Clone(text)
	t.known[text] = text
	return text
}

// full tells that twice as many texts are known as were in use the last time, so that looking which still are is worth it.
func (t *texts) full() bool { return len(t.known) > 2*t.kept+1024 }

// retain forgets all texts but those of these series.
func (t *texts) retain(metrics []*metric) {
	t.known = make(map[string]string, len(t.known)/2)
	for _, m := range metrics {
		for _, s := range m.series {
			for _, l := range s.labels {
				t.known[l] = l
			}
		}
	}
	t.kept = len(t.known)
}
