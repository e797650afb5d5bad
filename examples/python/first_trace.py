"""The first marked trace: a request that waited longer for the GPU than the GPU worked for it."""
import time

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "first", "ml.pipeline.name": "first-steps"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(insecure=True)))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("first")

with tracer.start_as_current_span("ml.pipeline.request") as request:
    with tracer.start_as_current_span("ml.inference") as span:
        queued = time.monotonic()
        time.sleep(0.4)   # here your request waits for the GPU
        started = time.monotonic()
        time.sleep(0.1)   # here the GPU works for it
        span.set_attribute("ml.inference.queue_wait_ms", (started - queued) * 1000)
        span.set_attribute("ml.inference.forward_pass_ms", (time.monotonic() - started) * 1000)

provider.shutdown()       # sends what is left
print(f"trace {request.get_span_context().trace_id:032x}")
