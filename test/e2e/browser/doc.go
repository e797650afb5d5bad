// Package browser tests the page of mlview in a real browser, against traffic of
// which the truth is known.
package browser
