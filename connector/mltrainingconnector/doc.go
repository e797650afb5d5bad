// Package mltrainingconnector is the mltraining connector: it sends the spans
// of training runs, which last hours, to pipelines without tail sampling.
package mltrainingconnector
