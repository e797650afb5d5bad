// Package clock moves the clock that a running process reads, on Linux and amd64.
package clock
