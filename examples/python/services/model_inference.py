"""The inference: requests queue for the device, one computes at a time. The device is a CPU and stands for a GPU."""
import asyncio
import time
from typing import Any

from fastapi import FastAPI, Request

from model import MODEL_VERSION, decode_output, device, model
from tracing_setup import lifespan, parent, setup_tracing

tracer = setup_tracing("ml.inference")
app = FastAPI(lifespan=lifespan)
gpu_semaphore = asyncio.Semaphore(1)


async def run_inference(body: dict[str, Any], headers) -> dict[str, Any]:
    batch = body["batch"]
    with tracer.start_as_current_span("ml.inference", context=parent(headers)) as span:
        span.set_attribute("ml.batch.size",        batch["size"])
        span.set_attribute("ml.batch.max_seq_len", batch["max_seq_len"])
        span.set_attribute("ml.model.name",        body["model"])
        span.set_attribute("ml.model.version",     MODEL_VERSION)
        span.set_attribute("ml.device.type",       device.type)
        span.set_attribute("ml.device.id",         device.id)

        # Measure queue wait separately from compute time
        t_queued = time.time()
        async with gpu_semaphore:
            queue_wait_ms = round((time.time() - t_queued) * 1000, 2)
            span.set_attribute("ml.inference.queue_wait_ms", queue_wait_ms)
            if queue_wait_ms > 200:
                span.add_event("ml.inference.high_queue_wait", {"queue_wait_ms": queue_wait_ms, "batch_size": batch["size"]})

            t_forward = time.time()
            # In a thread: a forward pass in the event loop would hide the queue, since nobody else could even join it.
            logits = await asyncio.to_thread(model, batch["input_ids"], list(body["features"].values()), batch["size"])
            forward_pass_ms = round((time.time() - t_forward) * 1000, 2)
            span.set_attribute("ml.inference.forward_pass_ms", forward_pass_ms)

        output, token_count = decode_output(logits, body["model"], body["max_tokens"])
        span.set_attribute("ml.output.tokens", token_count)
        return {"output": output, "token_count": token_count,
                "did": {"queue_wait_ms": queue_wait_ms, "forward_pass_ms": forward_pass_ms}}


@app.post("/inference")
async def inference(body: dict[str, Any], request: Request) -> dict[str, Any]:
    return await run_inference(body, request.headers)
