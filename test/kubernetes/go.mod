module github.com/otelcol-ml/otelcol-ml/test/kubernetes

go 1.26.0
