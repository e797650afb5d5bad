package main

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const (
	binary = "otelcol-ml"
	// data is the folder that the collector writes to, as the user of the image.
	data = "data"
	user = 10001
)

// archive is the part of a root file system that is wanted, as a tar file that depends on nothing but the files.
func archive(root string, modified time.Time, want func(path string) bool) (tarball.Opener, error) {
	var content bytes.Buffer
	writer := tar.NewWriter(&content)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil || relative == "." || !want(relative) {
			return err
		}
		return add(writer, path, filepath.ToSlash(relative), entry, modified)
	})
	if err == nil {
		err = writer.Close()
	}
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content.Bytes())), nil }, err
}

func add(writer *tar.Writer, path, name string, entry fs.DirEntry, modified time.Time) error {
	header := &tar.Header{Name: name, ModTime: modified, Typeflag: tar.TypeReg, Mode: 0o644, Format: tar.FormatUSTAR}
	if name == data {
		header.Uid, header.Gid = user, user
	}
	if entry.IsDir() {
		header.Name, header.Typeflag, header.Mode = name+"/", tar.TypeDir, 0o755
		return writer.WriteHeader(header)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if name == binary {
		header.Mode = 0o755
	}
	header.Size = int64(len(content))
	if err := writer.WriteHeader(header); err != nil {
		return err
	}
	_, err = writer.Write(content)
	return err
}
