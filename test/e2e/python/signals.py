"""A service that sends traces, metrics and logs with the SDK's own exporters.

Usage: python signals.py grpc|http NAME REQUESTS

It prints the trace ID of its last request, which takes a second.
"""

import importlib
import logging
import sys
import time

from opentelemetry._logs import set_logger_provider
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

protocol, name, requests = sys.argv[1], sys.argv[2], int(sys.argv[3])


def exporter(module: str, name: str):
    return getattr(importlib.import_module(f"opentelemetry.exporter.otlp.proto.{protocol}.{module}"), name)()


resource = Resource.create({"service.name": name, "ml.pipeline.name": "recommendation"})
traces = TracerProvider(resource=resource)
traces.add_span_processor(BatchSpanProcessor(exporter("trace_exporter", "OTLPSpanExporter")))
metrics = MeterProvider(resource=resource, metric_readers=[PeriodicExportingMetricReader(exporter("metric_exporter", "OTLPMetricExporter"))])
logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(BatchLogRecordProcessor(exporter("_log_exporter", "OTLPLogExporter")))
set_logger_provider(logs)

log = logging.getLogger("shop")
log.setLevel(logging.INFO)
log.addHandler(LoggingHandler(logger_provider=logs))
meter = metrics.get_meter("shop")
counter = meter.create_counter("shop.requests", unit="{request}")
latency = meter.create_histogram("shop.latency", unit="ms")
tracer = traces.get_tracer("shop")

for i in range(requests):
    with tracer.start_as_current_span("ml.pipeline.request") as span:
        counter.add(1, {"route": "/predict"})
        latency.record(10 * i)
        log.info("request %d", i)
        if i == requests - 1:
            time.sleep(1)
            trace_id = span.get_span_context().trace_id

for provider in (traces, metrics, logs):
    provider.shutdown()
print(f"{trace_id:032x}")
