# The article describes this service and shows its spans, ml.batch_assembly
# and tokenizer_init below it (section 6), but not its code: written as the others are.
import asyncio
import time

from fastapi import Request
from opentelemetry.propagate import extract

from glue import application, did
from tracing_setup import setup_tracing

tracer = setup_tracing("ml.batch_assembler")
app = application()


async def assemble_batch(plan: dict, headers: dict) -> tuple[dict, float]:
    ctx = extract(headers)

    with tracer.start_as_current_span("ml.batch_assembly", context=ctx) as span:
        span.set_attribute("ml.batch.size", 8)
        loaded = 0.0
        if plan["load_ms"] > 0:
            t_load = time.time()
            with tracer.start_as_current_span("tokenizer_init"):
                await asyncio.sleep(plan["load_ms"] / 1000)
            loaded = (time.time() - t_load) * 1000
        await asyncio.sleep(0.003)
        return {"size": 8, "max_seq_len": 128, "input_ids": [1] * 8, "attention_mask": [1] * 8}, loaded


@app.post("/batches")
async def batches(body: dict, request: Request) -> dict:
    start = time.time()
    batch, loaded = await assemble_batch(body["plan"], dict(request.headers))
    did("batches", request.headers["x-request-id"], start, load_ms=loaded)
    return batch
