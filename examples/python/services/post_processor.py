"""The post-processor: validates the model's output, and repairs what does not pass."""
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from opentelemetry.trace import StatusCode

from output_schema import apply_repair, parse_output, validate_schema
from tracing_setup import lifespan, parent, setup_tracing

MAX_ATTEMPTS = 3  # the first, and two repairs

tracer = setup_tracing("ml.post_processor")
app = FastAPI(lifespan=lifespan)


class OutputValidationError(Exception):
    pass


async def post_process(raw_output: str, headers) -> tuple[dict[str, Any], int]:
    with tracer.start_as_current_span("ml.post_processing", context=parent(headers)) as span:
        attempts = 0
        result = None

        while attempts < MAX_ATTEMPTS:
            attempts += 1
            candidate = parse_output(raw_output)
            error = validate_schema(candidate)

            if error is None:
                result = candidate
                break

            span.add_event("ml.output.validation_failed", {
                "attempt": attempts,
                "reason":  error.code,
                "field":   error.field or "unknown",
            })
            if attempts < MAX_ATTEMPTS:
                raw_output = apply_repair(raw_output, error)

        # This is the early degradation signal metrics cannot see
        span.set_attribute("ml.post_processing.validation_attempts", attempts)
        span.set_attribute("ml.output.valid", result is not None)
        if result is None:
            span.set_status(StatusCode.ERROR, f"Output validation failed after {MAX_ATTEMPTS} attempts")
            raise OutputValidationError(f"Failed after {MAX_ATTEMPTS} attempts")
        if attempts > 1:
            span.set_attribute("ml.output.required_repair", True)
        return result, attempts


@app.post("/outputs")
async def outputs(body: dict[str, Any], request: Request) -> Any:
    try:
        result, attempts = await post_process(body["output"], request.headers)
    except OutputValidationError as error:
        return JSONResponse({"error": str(error), "did": {"validation_attempts": MAX_ATTEMPTS}}, status_code=422)
    return {"items": result["items"], "did": {"validation_attempts": attempts}}
