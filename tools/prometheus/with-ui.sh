#!/bin/bash
# Builds Prometheus with its web pages: with-ui.sh BUILD_FOLDER OUTPUT. The pages are in the
# sources of the Go module; npm fetches what they are built with, as pinned there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
build=$(cd "$1" && pwd)
output=$2
pnpm=(npx --yes pnpm@10.34.9)

module=$(go -C "$here" list -m -f '{{.Dir}}' github.com/prometheus/prometheus)
rm -rf "$build/src"
cp -r "$module" "$build/src"
chmod -R u+w "$build/src"
cd "$build/src/web/ui"
"${pnpm[@]}" install --frozen-lockfile --silent
mkdir -p "$build/bin"
printf '#!/bin/bash\nexec npx --yes pnpm@10.34.9 "$@"\n' > "$build/bin/pnpm"
chmod +x "$build/bin/pnpm"
PATH="$build/bin:$PATH" bash build_ui.sh --mantine-ui > "$build/ui.log" 2>&1 || { tail -20 "$build/ui.log"; exit 1; }
cd ../..
bash scripts/compress_assets.sh

cp "$here/go.mod" "$here/go.sum" "$build/"
go mod edit -replace "github.com/prometheus/prometheus=$build/src" "$build/go.mod"
go -C "$here" build -modfile "$build/go.mod" -trimpath -ldflags '-s -w' -tags 'remove_all_sd builtinassets' -o "$output" github.com/prometheus/prometheus/cmd/prometheus
rm -rf "$build/src"
