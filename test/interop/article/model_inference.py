# The article's section 5.4. torch, the model and the GPU are those of gpu.py.
import time

from fastapi import Request
from opentelemetry.propagate import extract

from glue import application, did
from gpu import InferenceBatch, InferenceResult, MODEL_VERSION, decode_output, gpu_semaphore, model, others_use_the_gpu, torch
from tracing_setup import setup_tracing

tracer = setup_tracing("ml.inference")
app = application()

async def run_inference(
    batch: InferenceBatch, headers: dict
) -> InferenceResult:
    ctx = extract(headers)

    with tracer.start_as_current_span(
        "ml.inference", context=ctx
    ) as span:
        span.set_attribute("ml.batch.size",        batch.size)
        span.set_attribute("ml.batch.max_seq_len", batch.max_seq_len)
        span.set_attribute("ml.model.version",     MODEL_VERSION)
        span.set_attribute("ml.device.type",       "cuda")
        span.set_attribute("ml.device.id",
            str(torch.cuda.current_device()))

        # Measure queue wait separately from compute time
        t_queued = time.time()
        async with gpu_semaphore:
            queue_wait_ms = round((time.time() - t_queued) * 1000, 2)
            span.set_attribute("ml.inference.queue_wait_ms", queue_wait_ms)

            if queue_wait_ms > 200:
                span.add_event("ml.inference.high_queue_wait", {
                    "queue_wait_ms": queue_wait_ms,
                    "batch_size":    batch.size,
                })

            t_forward = time.time()
            with torch.no_grad():
                logits = model(
                    batch.input_ids.cuda(),
                    batch.attention_mask.cuda()
                )
            span.set_attribute("ml.inference.forward_pass_ms",
                round((time.time() - t_forward) * 1000, 2))

            span.set_attribute("ml.gpu.memory_allocated_mb",
                round(torch.cuda.memory_allocated() / 1e6, 1))
            span.set_attribute("ml.gpu.memory_reserved_mb",
                round(torch.cuda.memory_reserved() / 1e6, 1))

            did("gpu", headers["x-request-id"], t_forward, wait_ms=queue_wait_ms,
                forward_ms=span.attributes["ml.inference.forward_pass_ms"])
            return decode_output(logits)


@app.post("/inference")
async def inference(body: dict, request: Request) -> dict:
    plan = body["plan"]
    await others_use_the_gpu(plan["gpu_busy_ms"])
    start = time.time()
    result = await run_inference(InferenceBatch(body["batch"], plan["forward_ms"]), dict(request.headers))
    did("inference", request.headers["x-request-id"], start)
    return result
