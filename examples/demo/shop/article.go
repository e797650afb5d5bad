package shop

import "time"

// ArticleRequest is the request of 1 820 ms of the article's section 6.
func ArticleRequest(start time.Time) Request {
	return Request{
		ID: "8f14e45f-ceea-467f-a3b8-1820f1a3e9a1", Client: "web", Model: "two-tower", InputType: "session",
		InputBytes: 2048, OutputTokens: 24,
		Start:      start,
		Validation: 18 * time.Millisecond,
		Features: Features{
			Requested: 20, CacheHits: 3, CacheLookup: 11 * time.Millisecond, DBLookup: 812 * time.Millisecond,
		},
		Assembly: Assembly{ColdStart: 38 * time.Millisecond, Rest: 9 * time.Millisecond},
		Inference: Inference{
			BatchSize: 16, MaxSeqLen: 256, ModelVersion: "2026.11", DeviceID: "0",
			QueueWait: 580 * time.Millisecond, ForwardPass: 315 * time.Millisecond,
			AllocatedMB: 11240.5, ReservedMB: 14000,
		},
		Post: Post{
			Duration: 37 * time.Millisecond,
			Failures: []ValidationFailure{{Reason: "missing_field", Field: "scores"}},
		},
	}
}
