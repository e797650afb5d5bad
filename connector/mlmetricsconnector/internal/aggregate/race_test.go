//go:build race

package aggregate

// raceDetector tells that memory holds the race detector's shadow too.
const raceDetector = true
