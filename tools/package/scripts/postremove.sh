#!/bin/sh
# Kept traces and the user stay until dpkg purges the package.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
if [ "$1" = purge ]; then
	rm -rf /var/lib/otelcol-ml
	if id -u otelcol-ml > /dev/null 2>&1; then
		userdel otelcol-ml
	fi
fi
