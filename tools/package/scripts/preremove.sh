#!/bin/sh
# Stops the service where the package leaves; an upgrade restarts it afterwards.
set -e
case "$1" in
remove | 0) # dpkg, rpm
	if [ -d /run/systemd/system ]; then
		systemctl disable --now otelcol-ml.service
	fi
	;;
esac
