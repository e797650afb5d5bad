# The article's section 5.1, word for word.
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
import os

def setup_tracing(service_name: str) -> trace.Tracer:
    resource = Resource.create({
        "service.name":           service_name,
        "service.version":        os.getenv("SERVICE_VERSION", "0.0.0"),
        "deployment.environment": os.getenv("ENV", "production"),
        "ml.pipeline.name":       os.getenv("PIPELINE_NAME", "default"),
    })

    provider = TracerProvider(resource=resource)
    provider.add_span_processor(
        BatchSpanProcessor(
            OTLPSpanExporter(
                endpoint=os.getenv(
                    "OTEL_EXPORTER_OTLP_ENDPOINT",
                    "http://otel-collector:4317"
                ),
                insecure=True,
            ),
            max_queue_size=2048,
            max_export_batch_size=512,
        )
    )
    trace.set_tracer_provider(provider)
    return trace.get_tracer(service_name)
