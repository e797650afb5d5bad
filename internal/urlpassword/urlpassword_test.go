package urlpassword

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"http://tempo:4318":                                 "http://tempo:4318",
		"http://gateway:hunter-2@tempo:4318/v1":             "http://gateway:[REDACTED]@tempo:4318/v1",
		"Post \"https://a:b%20c@x/y\": refused":             "Post \"https://a:[REDACTED]@x/y\": refused",
		"https://:token@x and https://me:too@y":             "https://:[REDACTED]@x and https://me:[REDACTED]@y",
		"http://user@host, http://[::1]:80/a@b, me@acme.io": "http://user@host, http://[::1]:80/a@b, me@acme.io",
		"no URL: a:b@c":                                     "no URL: a:b@c",
	} {
		require.Equal(t, want, Redact(text))
	}
}

func TestCore(t *testing.T) {
	const secret = "https://me:hunter-2@host"
	observed, logs := observer.New(zap.InfoLevel)
	// Of three equal lines one is logged, as the collector's log samples them.
	sampled := zapcore.NewSamplerWithOptions(observed, time.Hour, 1, 0)
	logger := zap.New(sampled, zap.WrapCore(Core)).With(zap.String("endpoint", secret))
	parsed, err := url.Parse(secret)
	require.NoError(t, err)
	for range 3 {
		logger.Info("to "+secret, zap.Error(errors.New("Post "+secret)), zap.Stringer("url", parsed), zap.Int("n", 1), zap.Error(nil))
	}
	logger.Debug("not logged")
	require.Equal(t, 1, logs.Len())
	entry := logs.All()[0]
	const redacted = "https://me:[REDACTED]@host"
	require.Equal(t, "to "+redacted, entry.Message)
	require.Equal(t, map[string]any{"endpoint": redacted, "error": "Post " + redacted, "url": redacted, "n": int64(1)}, entry.ContextMap())
}
