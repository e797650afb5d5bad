// Package deploy tests what a user deploys: the example configurations, the
// overlays of deploy/, and every YAML, PromQL and make line of the documentation,
// with the built binaries.
package deploy
