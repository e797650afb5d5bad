#!/bin/sh
# Makes the user that the service runs as, before the files that it may read are unpacked.
set -e
if id -u otelcol-ml > /dev/null 2>&1; then
	exit 0
fi
if command -v useradd > /dev/null; then
	useradd --system --user-group --no-create-home --home-dir /var/lib/otelcol-ml --shell /usr/sbin/nologin otelcol-ml
else # Alpine
	addgroup -S otelcol-ml
	adduser -S -D -H -h /var/lib/otelcol-ml -s /sbin/nologin -G otelcol-ml otelcol-ml
fi
