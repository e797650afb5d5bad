//go:build race

package observe

// raceDetector tells that memory holds the race detector's shadow too.
const raceDetector = true
