package packages

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha1" //nolint:gosec // what the format has
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/test/package/internal/dist"
)

// members splits a package of Alpine into its gzip members: the control part, and the data.
func members(t *testing.T, file string) (unzipped [][]byte, zipped [][]byte) {
	t.Helper()
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	rest := bytes.NewReader(whole)
	for rest.Len() > 0 {
		start := len(whole) - rest.Len()
		reader, err := gzip.NewReader(rest) // of a ByteReader, from which it takes no more than the member
		require.NoError(t, err)
		reader.Multistream(false)
		text, err := io.ReadAll(reader)
		require.NoError(t, err)
		unzipped = append(unzipped, text)
		zipped = append(zipped, whole[start:len(whole)-rest.Len()])
	}
	return unzipped, zipped
}

var (
	octal    = regexp.MustCompile(`^ *[0-7]*[ \x00]*$`)
	dataHash = regexp.MustCompile(`(?m)^datahash = ([0-9a-f]{64})$`)
)

// numbers checks the numbers in the headers of an archive as apk reads them: in octal digits. It takes nothing else.
func numbers(t *testing.T, archive []byte) {
	t.Helper()
	const block = 512
	for at := 0; at+block <= len(archive); {
		header := archive[at : at+block]
		at += block
		if len(bytes.Trim(header, "\x00")) == 0 {
			continue
		}
		name, _, _ := strings.Cut(string(header[:100]), "\x00")
		for field, place := range map[string][2]int{"mode": {100, 108}, "uid": {108, 116}, "gid": {116, 124}, "size": {124, 136}, "time": {136, 148}} {
			require.Regexp(t, octal, string(header[place[0]:place[1]]), "the %s of %s", field, name)
		}
		size, err := strconv.ParseInt(strings.Trim(string(header[124:136]), " \x00"), 8, 64)
		require.NoError(t, err, name)
		at += int(size+block-1) / block * block
	}
}

// TestAPK: what apk checks before it installs a package: the control part, the hash of the data, the checksum of each
// file, and headers that it can read. apk itself (3.0.6) was tried by hand: there is none in Debian.
func TestAPK(t *testing.T) {
	file := dist.APK(t)
	unzipped, zipped := members(t, file)
	require.Len(t, unzipped, 2, "the control part and the data; it is not signed")
	control, data := unzipped[0], unzipped[1]
	numbers(t, control)
	numbers(t, data)

	first, err := tar.NewReader(bytes.NewReader(control)).Next()
	require.NoError(t, err)
	assert.Equal(t, ".PKGINFO", first.Name)
	match := dataHash.FindSubmatch(control)
	require.NotNil(t, match)
	sum := sha256.Sum256(zipped[1])
	assert.Equal(t, string(match[1]), hex.EncodeToString(sum[:]), "datahash")

	folders := map[string]bool{}
	owners := map[string]string{}
	reader := tar.NewReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		owners[strings.TrimSuffix(header.Name, "/")] = header.Uname + ":" + header.Gname
		if header.Typeflag == tar.TypeDir {
			folders[strings.TrimSuffix(header.Name, "/")] = true
			continue
		}
		assert.True(t, folders[path.Dir(header.Name)], "the folder of %s comes before it", header.Name)
		text, err := io.ReadAll(reader)
		require.NoError(t, err)
		checksum := sha1.Sum(text) //nolint:gosec // what the format has
		assert.Equal(t, hex.EncodeToString(checksum[:]), header.PAXRecords["APK-TOOLS.checksum.SHA1"], header.Name)
	}
	assert.Equal(t, "root:otelcol-ml", owners["etc/otelcol-ml/environment"])
	assert.Equal(t, "otelcol-ml:otelcol-ml", owners["var/lib/otelcol-ml"])
}
