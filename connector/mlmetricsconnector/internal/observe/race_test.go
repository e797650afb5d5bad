//go:build race

package observe

// raceDetector reports whether memory includes the race detector's shadow.
const raceDetector = true
