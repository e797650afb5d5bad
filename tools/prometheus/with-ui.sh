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

# The page of the alerts must answer.
port=$(node -e 'const s = require("net").createServer(); s.listen(0, "localhost", () => { console.log(s.address().port); s.close() })')
data=$(mktemp -d)
echo 'scrape_configs: []' > "$data/empty.yml"
"$output" --config.file="$data/empty.yml" --storage.tsdb.path="$data/tsdb" --web.listen-address="localhost:$port" --log.level=error &
server=$!
trap 'kill $server 2> /dev/null; wait $server 2> /dev/null || true; rm -rf "$data"' EXIT
for _ in $(seq 100); do
	page=$(curl --silent --output /dev/null --write-out '%{http_code}' "http://localhost:$port/alerts" || true)
	[ "$page" = 200 ] && exit 0
	sleep 0.1
done
echo "http://localhost:$port/alerts: found status $page, must be 200"
exit 1
