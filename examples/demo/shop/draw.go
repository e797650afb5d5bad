package shop

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Rates are the shares of requests, 0 to 1, that something happens to. They are drawn independently of each other.
type Rates struct {
	// FeatureCascade: the cache is cold and the database takes 300 ms to 1.5 s.
	FeatureCascade float64
	// LongQueue: a wait for the GPU of 300 ms to 1.2 s, longer than the compute.
	LongQueue float64
	// ShortQueue: a wait under 300 ms that is still longer than the compute.
	ShortQueue float64
	// Revalidated: the output fails one or two validations, then passes.
	Revalidated float64
	// ColdStart: the tokenizer is loaded first, 120 to 400 ms.
	ColdStart float64
	// Unavailable: features that neither cache nor database have.
	Unavailable float64
	// Failed: the model server fails, or the output fails every validation.
	Failed float64
	// LongCompute: a forward pass of 0.9 to 1.5 s, slow without any signal.
	LongCompute float64
	// LooseTypes: attributes in other types than the article's.
	LooseTypes float64
}

// ArticleRates are rates at which 3 to 8 % of the traces are worth keeping, with the baseline of 3 % among them.
var ArticleRates = Rates{
	FeatureCascade: 0.010, LongQueue: 0.010, ShortQueue: 0.004, Revalidated: 0.010,
	ColdStart: 0.004, Unavailable: 0.002, Failed: 0.002, LongCompute: 0.003,
	LooseTypes: 0.2,
}

// Source draws requests.
type Source struct {
	rand  *rand.Rand
	rates Rates
	at    time.Time
	every time.Duration
	drawn int
}

// NewSource draws requests that arrive every so often from a time on. The same seed draws the same requests.
func NewSource(seed uint64, rates Rates, from time.Time, every time.Duration) *Source {
	return &Source{rand: rand.New(rand.NewPCG(seed, 0)), rates: rates, at: from, every: every}
}

// Next draws the next request.
func (s *Source) Next() Request {
	request := s.routine()
	s.disturb(&request)
	if s.chance(s.rates.LooseTypes) {
		request.LooseTypes = true
		request.toWholeMilliseconds()
	}
	return request
}

// usualMisses is the share of requests for which a warm cache lacks a few features.
const usualMisses = 0.08

// routine is a request that nothing happens to: under 800 ms, most features from the cache, less wait than compute.
func (s *Source) routine() Request {
	s.drawn++
	s.at = s.at.Add(s.every)
	request := Request{
		ID:           fmt.Sprintf("req-%08x-%06d", s.rand.Uint32(), s.drawn),
		Client:       fmt.Sprintf("client-%02d", s.rand.IntN(40)),
		Model:        pick(s.rand, "two-tower", "two-tower", "session-transformer"),
		InputType:    pick(s.rand, "session", "session", "text"),
		InputBytes:   400 + s.rand.IntN(4000),
		OutputTokens: 10 + s.rand.IntN(40),
		Start:        s.at,
		Validation:   s.between(4, 20),
		Features:     Features{Requested: 20, CacheHits: 20, CacheLookup: s.between(2, 8), Rest: s.between(2, 6)},
		Assembly: Assembly{
			Tokenizer: s.rand.IntN(TokenizerReplicas), Tokenize: s.between(1, 5), Rest: s.between(2, 8),
		},
		Inference: Inference{
			BatchSize: 1 << s.rand.IntN(6), MaxSeqLen: 64 + s.rand.IntN(448),
			ModelVersion: "2026.11", DeviceID: fmt.Sprint(s.rand.IntN(2)),
			ForwardPass: s.between(60, 240),
			AllocatedMB: 9000 + float64(s.rand.IntN(30000))/10, ReservedMB: 14000,
		},
		Post: Post{Duration: s.between(5, 30)},
	}
	// Up to four fifths of the compute: short of queue bound whatever the rounding.
	request.Inference.QueueWait = roundDown(time.Duration(s.rand.Float64() * 0.8 * float64(request.Inference.ForwardPass)))
	if s.chance(usualMisses) {
		f := &request.Features
		f.CacheHits -= 1 + s.rand.IntN(3)
		// The database is asked, but for less than a third of the extraction: a warm cache's normal miss.
		f.DBLookup = roundDown((f.CacheLookup + f.Rest) / 2)
	}
	return request
}

func (s *Source) disturb(r *Request) {
	if s.chance(s.rates.FeatureCascade) {
		r.Features.CacheHits = s.rand.IntN(6)
		r.Features.DBLookup = s.between(300, 1500)
	}
	if s.chance(s.rates.LongQueue) {
		r.Inference.QueueWait = s.between(300, 1200)
		r.Inference.ForwardPass = s.between(80, 280)
	} else if s.chance(s.rates.ShortQueue) {
		r.Inference.ForwardPass = s.between(40, 80)
		r.Inference.QueueWait = s.between(100, 280)
	} else if s.chance(s.rates.LongCompute) {
		r.Inference.ForwardPass = s.between(900, 1500)
	}
	if s.chance(s.rates.Revalidated) {
		for range 1 + s.rand.IntN(2) {
			s.failValidation(&r.Post)
		}
	}
	if s.chance(s.rates.ColdStart) {
		r.Assembly.ColdStart, r.Assembly.Tokenize = s.between(120, 400), 0
	}
	if s.chance(s.rates.Unavailable) {
		r.Features.CacheHits = min(r.Features.CacheHits, 17)
		r.Features.Unavailable = 1 + s.rand.IntN(3)
		r.Features.DBLookup = max(r.Features.DBLookup, roundDown((r.Features.CacheLookup+r.Features.Rest)/2))
	}
	if s.chance(s.rates.Failed) {
		if s.chance(0.5) {
			r.Inference.Error = "CUDA out of memory"
		}
		for len(r.Post.Failures) < MaxAttempts {
			s.failValidation(&r.Post)
		}
	}
}

// failValidation adds a failed validation and the time of the repair.
func (s *Source) failValidation(p *Post) {
	p.Failures = append(p.Failures, ValidationFailure{
		Reason: pick(s.rand, "truncated_json", "missing_field", "bad_format"),
		Field:  pick(s.rand, "items", "scores", "unknown"),
	})
	p.Duration += s.between(20, 60)
}

func (s *Source) chance(p float64) bool { return s.rand.Float64() < p }

// between draws a duration between two numbers of milliseconds.
func (s *Source) between(low, high float64) time.Duration {
	return roundDown(time.Duration((low + s.rand.Float64()*(high-low)) * float64(time.Millisecond)))
}

func roundDown(d time.Duration) time.Duration { return d.Truncate(10 * time.Microsecond) }

// toWholeMilliseconds makes durations such as an integer can say. It rounds up, and the wait down where it is shorter
// than the compute, so that nothing crosses a threshold that it should not.
func (r *Request) toWholeMilliseconds() {
	up := func(d *time.Duration) { *d = (*d + time.Millisecond - 1).Truncate(time.Millisecond) }
	if r.QueueBound() {
		up(&r.Inference.QueueWait)
	} else {
		r.Inference.QueueWait = r.Inference.QueueWait.Truncate(time.Millisecond)
	}
	if r.FeatureCascade() {
		up(&r.Features.DBLookup)
	} else {
		r.Features.DBLookup = r.Features.DBLookup.Truncate(time.Millisecond)
	}
	for _, d := range []*time.Duration{
		&r.Validation, &r.Features.CacheLookup, &r.Features.Rest, &r.Assembly.Tokenize, &r.Assembly.ColdStart,
		&r.Assembly.Rest, &r.Inference.ForwardPass, &r.Post.Duration,
	} {
		up(d)
	}
}

func pick(r *rand.Rand, options ...string) string { return options[r.IntN(len(options))] }
