# The article's section 5.2, word for word from the imports to the handler's
# end. orchestrate_pipeline, which it leaves to the reader, is in orchestration.py.
from opentelemetry.propagate import inject
from opentelemetry.trace import StatusCode
from uuid import uuid4
import time

from glue import application, did
from orchestration import PredictRequest, PredictResult, orchestrate_pipeline
from tracing_setup import setup_tracing

tracer = setup_tracing("ml.api_gateway")
app = application()

@app.post("/predict")
async def predict(request: PredictRequest) -> PredictResult:
    with tracer.start_as_current_span("ml.pipeline.request") as root_span:
        request_id = str(uuid4())

        root_span.set_attribute("ml.request.id",       request_id)
        root_span.set_attribute("ml.model.name",       request.model)
        root_span.set_attribute("ml.input.type",       request.input_type)
        root_span.set_attribute("ml.input.size_bytes", len(request.payload))
        root_span.set_attribute("ml.client.id",        request.client_id)

        headers = {"X-Request-ID": request_id}
        inject(headers)

        t_start = time.time()
        try:
            result = await orchestrate_pipeline(request, headers)
            root_span.set_attribute("ml.output.tokens",    result.token_count)
            root_span.set_attribute("ml.pipeline.success", True)
            root_span.set_attribute("ml.pipeline.latency_ms",
                round((time.time() - t_start) * 1000, 2))
            did("request", request_id, t_start, trace_id=f"{root_span.get_span_context().trace_id:032x}", failed=False)
            return result

        except Exception as e:
            root_span.set_status(StatusCode.ERROR, str(e))
            root_span.record_exception(e)
            root_span.set_attribute("ml.pipeline.success", False)
            did("request", request_id, t_start, trace_id=f"{root_span.get_span_context().trace_id:032x}", failed=True)
            raise
