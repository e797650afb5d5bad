// Package report prints what the collector found.
package report

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// Printer writes to a terminal or a file: bold headings and a moving progress line on the one, plain text on the other.
type Printer struct {
	out      io.Writer
	terminal bool
}

// NewPrinter writes to a file, with a terminal's means where it is one. NO_COLOR turns those off.
func NewPrinter(file *os.File) *Printer {
	info, err := file.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return &Printer{out: file, terminal: terminal}
}

// Heading starts a section.
func (p *Printer) Heading(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if p.terminal {
		fmt.Fprintf(p.out, "\n\x1b[1m%s\x1b[0m\n", text)
		return
	}
	fmt.Fprintf(p.out, "\n%s\n%s\n", text, strings.Repeat("-", utf8.RuneCountInString(text)))
}

// Note writes a line.
func (p *Printer) Note(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }

// Quote writes a text indented, as queries are.
func (p *Printer) Quote(text string) {
	for line := range strings.Lines(text) {
		fmt.Fprint(p.out, "    ", line)
	}
	fmt.Fprintln(p.out)
}

// Table writes rows in aligned columns, the first row as their names. A column is to the right where its cells are numbers.
func (p *Printer) Table(rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range rows {
		var line strings.Builder
		line.WriteString("  ")
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if number(rows, i) {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
			line.WriteString("  ")
		}
		text := strings.TrimRight(line.String(), " ")
		if n == 0 && p.terminal {
			text = "\x1b[2m" + text + "\x1b[0m"
		}
		fmt.Fprintln(p.out, text)
	}
}

// number reports whether a column has a number in each row but the first.
func number(rows [][]string, column int) bool {
	for _, row := range rows[1:] {
		if column < len(row) && (row[column] == "" || !strings.ContainsRune("0123456789", rune(row[column][0]))) {
			return false
		}
	}
	return len(rows) > 1
}

// Progress is a line that says how far something is.
type Progress struct {
	printer *Printer
	what    string
	total   int
	shown   time.Time
	at      int
	done    bool
}

// Progress starts a line. Without a terminal only its end is written.
func (p *Printer) Progress(what string, total int) *Progress {
	return &Progress{printer: p, what: what, total: total}
}

// repaint is often enough for the eye.
const repaint = 100 * time.Millisecond

// At says how much is done.
func (p *Progress) At(done int) {
	p.at = done
	if p.printer.terminal && !p.done && time.Since(p.shown) > repaint {
		p.shown = time.Now()
		fmt.Fprintf(p.printer.out, "\r\x1b[K%s: %s of %s", p.what, grouped(done), grouped(p.total))
	}
}

// Done ends the line. Only the first call writes.
func (p *Progress) Done() {
	if p.done {
		return
	}
	p.done = true
	if p.printer.terminal {
		fmt.Fprint(p.printer.out, "\r\x1b[K")
	}
	fmt.Fprintf(p.printer.out, "%s: %s of %s\n", p.what, grouped(p.at), grouped(p.total))
}
