#!/bin/bash
# Lays out what packages, archives and images have in common, the same for every
# architecture, so that there is one answer to what is installed:
#
#   usr/     as packages install it, under /usr
#   archive/ as the archive has it, but for the binary
#   image/   as images have it, but for the binary
#
# Files, folders and the scripts of packages get the time of SOURCE_DATE_EPOCH, which
# the apk records.
#
# tree.sh VERSION NOTICES FOLDER
set -euo pipefail
version=$1 notices=$(realpath "$2") tree=$3
cd "$(dirname "$0")/../.."

umask 022
rm -rf "$tree"
mkdir -p "$tree"/usr/share/otelcol-ml "$tree"/usr/share/doc/otelcol-ml "$tree"/usr/share/man/man1 "$tree"/usr/lib/systemd/system
tree=$(realpath "$tree")

# All of deploy/, but for what only this repository needs.
deploy() { # FOLDER
	find deploy -type f ! -path 'deploy/grafana/source/*' ! -name '*_test.yaml' -print0 | sort -z |
		while IFS= read -r -d '' file; do install -D -m 644 "$file" "$1/$file"; done
}

# Every page, in its place, so that the links between them lead somewhere.
pages() { # FOLDER
	local file
	find README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs processor connector exporter extension \
		-type f ! -path '*/testdata/*' \( -name '*.md' -o -path 'docs/pictures/*' \) -print0 | sort -z |
		while IFS= read -r -d '' file; do install -D -m 644 "$file" "$1/$file"; done
	install -m 644 LICENSE "$notices" "$1"
}

deploy "$tree/usr/share/otelcol-ml"
pages "$tree/usr/share/doc/otelcol-ml"
install -m 644 tools/package/copyright "$tree/usr/share/doc/otelcol-ml/copyright"
install -m 644 deploy/systemd/otelcol-ml.service "$tree/usr/lib/systemd/system/otelcol-ml.service"
sed "1s/VERSION/$version/" tools/package/otelcol-ml.1 > "$tree/otelcol-ml.1"
gzip -9nc "$tree/otelcol-ml.1" > "$tree/usr/share/man/man1/otelcol-ml.1.gz"

mkdir -p "$tree/archive"
deploy "$tree/archive"
pages "$tree/archive"
install -m 644 otelcol.yaml "$tree/archive/otelcol.yaml"
mv "$tree/otelcol-ml.1" "$tree/archive/otelcol-ml.1"

certificates=/etc/ssl/certs/ca-certificates.crt
[ -f $certificates ] || { echo "tree.sh: $certificates: not found; install ca-certificates" >&2; exit 1; }
install -D -m 644 $certificates "$tree/image$certificates"
install -D -m 644 otelcol.yaml "$tree/image/etc/otelcol-ml/otelcol.yaml"
deploy "$tree/image/etc/otelcol-ml"
install -D -m 644 -t "$tree/image/usr/share/doc/otelcol-ml" LICENSE "$notices"
mkdir "$tree/image/data"
find "$tree" tools/package/scripts -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
