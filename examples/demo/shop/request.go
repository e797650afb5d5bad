package shop

import "time"

// Request is everything that happens to one request. Durations are multiples
// of 10 µs, so that their milliseconds with two decimals, as the article
// rounds them, lose nothing.
type Request struct {
	ID, Client       string
	Model, InputType string
	InputBytes       int
	OutputTokens     int
	// Start is when the gateway receives the request.
	Start time.Time

	Validation time.Duration
	Features   Features
	Assembly   Assembly
	Inference  Inference
	Post       Post

	// LooseTypes has the services send integers where doubles are expected, doubles and strings where integers
	// are, and strings for bools, as clients in other languages do.
	LooseTypes bool
}

// Features is what the feature extractor does: a lookup in the cache, and one in the database for what it missed.
type Features struct {
	Requested, CacheHits int
	// Unavailable is how many of the misses the database did not have either.
	Unavailable int
	CacheLookup time.Duration
	// DBLookup is 0 where the cache had everything.
	DBLookup time.Duration
	// Rest is the extractor's own work after the lookups.
	Rest time.Duration
}

// CacheMisses is how many features the cache did not have.
func (f Features) CacheMisses() int { return f.Requested - f.CacheHits }

// Duration is the duration of the extractor's span.
func (f Features) Duration() time.Duration { return f.CacheLookup + f.DBLookup + f.Rest }

// Assembly is what the batch assembler does, with one call of the tokenizer.
type Assembly struct {
	// Tokenizer is which replica of the tokenizer is called, counted from 0.
	Tokenizer int
	// Tokenize is the tokenizer's work. It is not called for that where ColdStart is set: the span is its start then.
	Tokenize time.Duration
	// ColdStart is how long the tokenizer loads before it can work, 0 where it is loaded.
	ColdStart time.Duration
	// Rest is the assembler's own work after the tokenizer.
	Rest time.Duration
}

// Duration is the duration of the assembler's span.
func (a Assembly) Duration() time.Duration { return a.Tokenize + a.ColdStart + a.Rest }

// Inference is a wait for the GPU, then the forward pass on the model server.
type Inference struct {
	BatchSize, MaxSeqLen    int
	ModelVersion, DeviceID  string
	QueueWait, ForwardPass  time.Duration
	AllocatedMB, ReservedMB float64
	// Error is the model server's error, empty where it answered.
	Error string
}

// Duration is the duration of the inference span.
func (i Inference) Duration() time.Duration { return i.QueueWait + i.ForwardPass }

// Post is what the post-processor does: validate, and repair until it passes.
type Post struct {
	Duration time.Duration
	// Failures are the validations that failed. With MaxAttempts of them the request fails.
	Failures []ValidationFailure
}

// MaxAttempts is how often the post-processor validates before it gives up.
const MaxAttempts = 3

// ValidationFailure says what was wrong with the output.
type ValidationFailure struct{ Reason, Field string }

// Valid is whether the output passed in the end.
func (p Post) Valid() bool { return len(p.Failures) < MaxAttempts }

// Attempts is how often the output was validated.
func (p Post) Attempts() int { return min(len(p.Failures)+1, MaxAttempts) }

// Duration is how long the gateway takes to answer.
func (r Request) Duration() time.Duration {
	d := r.Validation + r.Features.Duration() + r.Assembly.Duration() + r.Inference.Duration()
	if r.Inference.Error == "" {
		d += r.Post.Duration
	}
	return d
}

// Failed is whether the client got an error.
func (r Request) Failed() bool { return r.Inference.Error != "" || !r.Post.Valid() }

// Milliseconds is a duration as the services send it.
func Milliseconds(d time.Duration) float64 { return float64(d/(10*time.Microsecond)) / 100 }
