#!/bin/bash
# Writes the manifests that hold a file of this repository, into a folder laid out
# as deploy/kubernetes: generate.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."
version=$(sed -n 's/^  version: //p' builder-config.yaml)

indented() { # SPACES < text
	sed "s/^\(.\)/$(printf '%*s' "$1" '')\1/"
}

{
	cat <<-'HEAD'
		# Written by `make manifests` from deploy/prometheus/rules-*.yaml. DO NOT EDIT.
		apiVersion: monitoring.coreos.com/v1
		kind: PrometheusRule
		metadata:
		  name: otelcol-ml
		  labels: { app.kubernetes.io/name: otelcol-ml }
		spec:
	HEAD
	echo "  groups:"
	for rules in deploy/prometheus/rules-*.yaml; do
		sed '1,/^groups:/d' "$rules" | indented 2
	done
} > "$1/monitoring/prometheusrule.yaml"

# The operator wants the whole configuration, and reads ports from it, so that the
# variables of the image are written out. What else the image sets stays a variable.
{
	cat <<-HEAD
		# Written by \`make manifests\` from otelcol.yaml. DO NOT EDIT.
		# One collector for the OpenTelemetry operator. Name your registry below, then:
		#
		#     kubectl create namespace ml-tracing
		#     kubectl apply --namespace ml-tracing -f deploy/kubernetes/operator/collector.yaml
		#
		# Services send to otelcol-ml-collector.ml-tracing:4317 (gRPC) or :4318 (HTTP).
		apiVersion: opentelemetry.io/v1beta1
		kind: OpenTelemetryCollector
		metadata:
		  name: otelcol-ml
		  labels: { app.kubernetes.io/name: otelcol-ml }
		spec:
		  image: registry.example.com/otelcol-ml:$version
	HEAD
	cat <<-'SPEC'
		  mode: statefulset
		  # More than one would split traces.
		  replicas: 1
		  # The operator knows how to change the configuration of its own distribution.
		  upgradeStrategy: none
		  terminationGracePeriodSeconds: 60
		  resources:
		    requests: { cpu: "1", memory: 2000Mi }
		    limits: { memory: 2000Mi }
		  podSecurityContext:
		    runAsNonRoot: true
		    runAsUser: 10001
		    runAsGroup: 10001
		    fsGroup: 10001
		    seccompProfile: { type: RuntimeDefault }
		  securityContext:
		    allowPrivilegeEscalation: false
		    readOnlyRootFilesystem: true
		    capabilities: { drop: [ALL] }
		  # Set by the image, and written out below.
		  env:
		    - { name: OTELCOL_ML_GRPC_ENDPOINT, value: "" }
		    - { name: OTELCOL_ML_HTTP_ENDPOINT, value: "" }
		    - { name: OTELCOL_ML_METRICS_ENDPOINT, value: "" }
		    - { name: OTELCOL_ML_SERVICES_ENDPOINT, value: "" }
		    - { name: OTELCOL_ML_HEALTH_ENDPOINT, value: "" }
		    - { name: OTELCOL_ML_TELEMETRY_HOST, value: "" }
		  volumeMounts:
		    - { name: data, mountPath: /data }
		  volumeClaimTemplates:
		    - metadata:
		        name: data
		      spec:
		        accessModes: [ReadWriteOnce]
		        resources:
		          requests:
		            storage: 5Gi
		  config:
	SPEC
	sed -e '1,/^$/d' otelcol.yaml | sed \
		-e 's|http://${env:OTELCOL_ML_TELEMETRY_HOST:-localhost}:${env:OTELCOL_ML_TELEMETRY_PORT:-8888}|http://localhost:8888|' \
		-e '/OTELCOL_ML_VIEW_ENDPOINT/!s|${env:OTELCOL_ML_[A-Z]*_ENDPOINT:-localhost:\([0-9]*\)}|0.0.0.0:\1|' \
		-e 's|${env:OTELCOL_ML_VIEW_ENDPOINT:-\([^}]*\)}|\1|' \
		-e 's|${env:OTELCOL_ML_TELEMETRY_HOST:-localhost}|0.0.0.0|' \
		-e 's|${env:OTELCOL_ML_TELEMETRY_PORT:-8888}|8888|' | indented 4
} > "$1/operator/collector.yaml"
