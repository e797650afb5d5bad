"""Sends a process' spans to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names, and says what was done."""

import json
import os

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create())
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)


def done(**what):
    """Sends the last spans, prints what was done as the last line, and ends without waiting for servers' threads."""
    provider.shutdown()
    print("DID " + json.dumps(what), flush=True)
    os._exit(0)


def served(stand_in):
    return {"calls": stand_in.calls, "input": stand_in.input, "output": stand_in.output}
