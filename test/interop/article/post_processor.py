# The article's section 5.5.
import time

from fastapi import Request
from opentelemetry.propagate import extract
from opentelemetry.trace import StatusCode

from glue import application, did
from schema import OutputValidationError, ProcessedOutput, apply_repair, parse_output, validate_schema
from tracing_setup import setup_tracing

tracer = setup_tracing("ml.post_processor")
app = application()

async def post_process(
    raw_output: dict, headers: dict
) -> ProcessedOutput:
    ctx = extract(headers)

    with tracer.start_as_current_span(
        "ml.post_processing", context=ctx
    ) as span:
        attempts     = 0
        result       = None
        MAX_ATTEMPTS = 3

        while attempts < MAX_ATTEMPTS:
            attempts += 1
            candidate = parse_output(raw_output)
            error     = validate_schema(candidate)

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
        span.set_attribute(
            "ml.post_processing.validation_attempts", attempts
        )
        span.set_attribute("ml.output.valid", result is not None)

        if result is None:
            span.set_status(
                StatusCode.ERROR,
                f"Output validation failed after {MAX_ATTEMPTS} attempts"
            )
            raise OutputValidationError(
                f"Failed after {MAX_ATTEMPTS} attempts"
            )

        if attempts > 1:
            span.set_attribute("ml.output.required_repair", True)

        return result


@app.post("/post")
async def post(body: dict, request: Request) -> dict:
    failed = []
    raw_output = {**body["raw_output"], "broken": body["plan"]["broken"], "failed": failed}
    start = time.time()
    try:
        return await post_process(raw_output, dict(request.headers))
    finally:
        repair_ms = (time.time() - failed[0]) * 1000 if failed else 0
        did("post", request.headers["x-request-id"], start, attempts=min(body["plan"]["broken"] + 1, 3), repair_ms=repair_ms)
