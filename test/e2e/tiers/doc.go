// Package tiers tests the forms of deployment that have more than one collector:
// gateways before samplers, Kafka between the two, and a backend that is not
// always there. Every collector is a process of its own with the files of
// deploy/, on a loopback address of its own.
package tiers
