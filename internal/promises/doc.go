// Package promises holds the names that users build on, of metrics, attributes,
// telemetry and settings, with their types and units.
//
// current.txt has them as the code has them now and is written by
//
//	go test ./connector/mlmetricsconnector/internal/builtin ./internal/promises -update
//
// released.txt has them as of the last release. What differs between the two is
// a change that users notice, so the test wants its name in CHANGELOG.md under
// Unreleased. With a release, current.txt is copied to released.txt.
package promises
