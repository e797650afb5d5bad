package report

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTable(t *testing.T) {
	var out bytes.Buffer
	(&Printer{out: &out}).Table([][]string{
		{"policy", "traces"},
		{"slow-requests", "102"},
		{"größe", "1 024"},
	})
	assert.Equal(t, ""+
		"  policy         traces\n"+
		"  slow-requests     102\n"+
		"  größe           1 024\n", out.String())
}

func TestPlainTextWithoutATerminal(t *testing.T) {
	var out bytes.Buffer
	p := &Printer{out: &out}
	p.Heading("Kept: %d", 3)
	progress := p.Progress("sending", 2000)
	progress.At(1)
	progress.At(2000)
	progress.Done()
	progress.Done()
	assert.Equal(t, "\nKept: 3\n-------\nsending: 2 000 of 2 000\n", out.String())
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1820: "1 820", 1234567: "1 234 567"} {
		assert.Equal(t, want, grouped(n))
	}
	assert.Equal(t, "1 820 ms", milliseconds(1820))
	assert.Equal(t, "9.9 ms", milliseconds(9.87))
	assert.Equal(t, "55.9 s", seconds(55_900))
	assert.Equal(t, "7.2 %", percent(359, 5001))
	assert.Equal(t, "-", percent(1, 0))
}
