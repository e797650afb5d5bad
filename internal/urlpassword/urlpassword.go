// Package urlpassword keeps the passwords of URLs out of what people read. Its
// functions, and a Core as far as the one that it wraps, may be used concurrently.
package urlpassword

import (
	"fmt"
	"regexp"
	"strings"

	"go.uber.org/zap/zapcore"
)

var password = regexp.MustCompile(`(://[^/\s"'\\@:]*:)[^/\s"'\\@]+@`)

// Redact replaces the password of each URL such as https://user:password@host.
func Redact(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	return password.ReplaceAllString(text, "${1}[REDACTED]@")
}

// Core redacts messages, texts and errors of a log.
func Core(core zapcore.Core) zapcore.Core { return &redacting{core} }

type redacting struct{ zapcore.Core }

// With redacts what is logged with every entry.
func (r *redacting) With(fields []zapcore.Field) zapcore.Core {
	return &redacting{r.Core.With(redactAll(fields))}
}

// Check has an entry written by this core.
func (r *redacting) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if r.Enabled(entry.Level) {
		return checked.AddCore(entry, r)
	}
	return checked
}

// Write redacts an entry. What the core decides on when it checks an entry, such as sampling, it decides here.
func (r *redacting) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	entry.Message = Redact(entry.Message)
	if checked := r.Core.Check(entry, nil); checked != nil {
		checked.Write(redactAll(fields)...)
	}
	return nil
}

func redactAll(fields []zapcore.Field) []zapcore.Field {
	out := make([]zapcore.Field, len(fields))
	for i, f := range fields {
		out[i] = redact(f)
	}
	return out
}

func redact(f zapcore.Field) zapcore.Field {
	text := f.String
	switch f.Type {
	case zapcore.StringType:
	case zapcore.ErrorType, zapcore.StringerType:
		if f.Interface == nil {
			return f
		}
		text = fmt.Sprint(f.Interface)
	default:
		return f
	}
	if redacted := Redact(text); redacted != text {
		return zapcore.Field{Key: f.Key, Type: zapcore.StringType, String: redacted}
	}
	return f
}
