"""The SDK's setup, and the two ways in which the context gets to another process: a job's environment and a message's headers."""
import os

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def setup(service: str) -> trace.Tracer:
    """A stage is a process that ends: the provider sends its last spans when the interpreter exits."""
    provider = TracerProvider(resource=Resource.create({"service.name": service, "ml.pipeline.name": "churn-training"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(insecure=True)))
    trace.set_tracer_provider(provider)
    return trace.get_tracer("ml-pipeline")


def job_environment() -> dict[str, str]:
    """The variables that a job needs to be part of the current trace: TRACEPARENT, TRACESTATE and BAGGAGE."""
    carrier: dict[str, str] = {}
    inject(carrier)
    return {key.upper(): value for key, value in carrier.items()}


def of_job() -> Context:
    """The context that the job's environment names."""
    return extract({key: os.environ[key.upper()] for key in ("traceparent", "tracestate", "baggage") if key.upper() in os.environ})


def message_headers() -> dict[str, str]:
    headers: dict[str, str] = {}
    inject(headers)
    return headers


def of_message(headers: dict[str, str]) -> Context:
    return extract(headers)


def link(headers: dict[str, str]) -> trace.Link:
    """A link to the span that sent a message, for who reads many of them at once and can be the child of one only."""
    return trace.Link(trace.get_current_span(of_message(headers)).get_span_context())
