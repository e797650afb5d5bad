"""The article's setup_tracing, in the form that also runs under opentelemetry-instrument and in forked workers."""
import os
from contextlib import asynccontextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.processor.baggage import BaggageSpanProcessor
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

# The keys of the baggage that become attributes of every span: the variant of an A/B test, which only the gateway knows.
SHARED = {"ml.experiment.variant"}


def setup_tracing(service_name: str) -> trace.Tracer:
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):  # opentelemetry-instrument has set up one already
        provider = TracerProvider(resource=Resource.create({
            "service.name":           service_name,
            "service.version":        os.getenv("SERVICE_VERSION", "0.0.0"),
            "deployment.environment": os.getenv("ENV", "production"),
            "ml.pipeline.name":       os.getenv("PIPELINE_NAME", "recommendation"),
        }))
        # OTEL_EXPORTER_OTLP_ENDPOINT says where to, http://localhost:4317 where it is not set.
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(insecure=True)))
        trace.set_tracer_provider(provider)
    provider.add_span_processor(BaggageSpanProcessor(SHARED.__contains__))
    return trace.get_tracer(service_name)


@asynccontextmanager
async def lifespan(app):
    """Sends the last spans when the service ends. uvicorn ends by the signal that it got, and no atexit handler runs then."""
    yield
    trace.get_tracer_provider().force_flush()


def parent(headers) -> Context | None:
    """What a span of a request hangs below: the server's span where the framework makes one, the caller's where not."""
    return None if trace.get_current_span().get_span_context().is_valid else extract(headers)
