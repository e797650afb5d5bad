// Package mldiagnosisprocessor is the mldiagnosis processor: behind tail
// sampling, which releases whole traces, it names on each trace's root span
// what the request spent its time on.
package mldiagnosisprocessor
