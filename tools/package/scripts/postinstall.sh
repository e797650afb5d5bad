#!/bin/sh
# A first installation does not start anything: the ports may be another collector's. An upgrade restarts what runs.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart otelcol-ml.service
fi
case "$1" in
configure) first=$([ -z "$2" ] && echo yes || true) ;; # dpkg names the version that was configured before
1) first=yes ;;                                        # rpm counts the installed ones
*) first= ;;
esac
if [ -n "$first" ]; then
	echo "otelcol-ml is installed and not started. Configuration: /etc/otelcol-ml. Start it: systemctl enable --now otelcol-ml"
fi
