// Package kubernetes tests the manifests of deploy/kubernetes: rendered as kubectl
// does, read as the API does, compared with each other, and their configuration
// validated by the collector. None of it has been run in a cluster.
package kubernetes
