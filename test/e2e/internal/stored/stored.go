// Package stored reads the collector's file of kept traces span by span, whatever its size.
package stored

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Files are a file and the older ones that it was rotated into.
func Files(path string) ([]string, error) {
	extension := filepath.Ext(path)
	rotated, err := filepath.Glob(strings.TrimSuffix(path, extension) + "-*" + extension)
	return append(rotated, path), err
}

// Each calls a function for each span in the files of a collector that has ended.
func Each(path string, do func(ptrace.Span, pcommon.Resource) error) error {
	files, err := Files(path)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := eachOf(file, do); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func eachOf(path string, do func(ptrace.Span, pcommon.Resource) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReaderSize(file, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return err
		}
		// The exporter writes a line and its end apart, so that a rotation may come between the two.
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if err := eachIn(line, do); err != nil {
				return err
			}
		}
		if ended {
			return nil
		}
	}
}

func eachIn(line []byte, do func(ptrace.Span, pcommon.Resource) error) error {
	traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
	if err != nil {
		return err
	}
	for _, ofResource := range traces.ResourceSpans().All() {
		for _, ofScope := range ofResource.ScopeSpans().All() {
			for _, span := range ofScope.Spans().All() {
				if err := do(span, ofResource.Resource()); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
