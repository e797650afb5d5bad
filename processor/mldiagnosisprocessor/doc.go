// Package mldiagnosisprocessor is the mldiagnosis processor: it writes to the
// root span of each trace what the request spent its time on. It runs after tail
// sampling, which exports whole traces.
//
// For each trace of a batch: spantree builds the tree and corrects clocks,
// criticalpath finds the span that the request was waiting for at each point in
// time, cause divides that time among causes. Batches are processed
// concurrently, each by a pooled worker; seentraces is shared and has a lock.
package mldiagnosisprocessor
