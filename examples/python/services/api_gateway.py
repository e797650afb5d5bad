"""The API gateway: the root span, the validation of the input, and the calls of the four other services."""
import os
import time
import zlib
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI, HTTPException
from opentelemetry import baggage, context
from opentelemetry.propagate import inject
from pydantic import BaseModel

import tracing_setup
from tracing_setup import setup_tracing

FEATURES_URL = os.getenv("FEATURES_URL", "http://localhost:8101/features")
BATCHES_URL = os.getenv("BATCHES_URL", "http://localhost:8102/batches")
INFERENCE_URL = os.getenv("INFERENCE_URL", "http://localhost:8103/inference")
POST_URL = os.getenv("POST_URL", "http://localhost:8104/outputs")

tracer = setup_tracing("ml.api_gateway")


class ServiceError(Exception):
    pass


class PredictRequest(BaseModel):
    model: str = "recommender"
    input_type: str = "text"
    payload: str
    client_id: str
    language: str = "en"
    max_tokens: int = 400


class PredictResult(BaseModel):
    items: list[dict[str, Any]]
    token_count: int
    # What each service did for the request, to compare with the metrics. A failed request has it beside its error.
    did: dict[str, Any]


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with tracing_setup.lifespan(app), httpx.AsyncClient(timeout=30) as app.state.http:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/predict")
async def predict(request: PredictRequest) -> PredictResult:
    variant = "candidate" if zlib.crc32(request.client_id.encode()) % 2 else "control"
    # The baggage travels with the trace context; tracing_setup.py makes it an attribute of every service's spans.
    token = context.attach(baggage.set_baggage("ml.experiment.variant", variant))
    try:
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
            did: dict[str, Any] = {"variant": variant}
            try:
                result = await orchestrate_pipeline(request, headers, did)
                root_span.set_attribute("ml.output.tokens",    result.token_count)
                root_span.set_attribute("ml.pipeline.success", True)
                root_span.set_attribute("ml.pipeline.latency_ms", round((time.time() - t_start) * 1000, 2))
                return result
            except Exception as error:
                # start_as_current_span sets the status ERROR and the exception's event.
                root_span.set_attribute("ml.pipeline.success", False)
                raise HTTPException(502, {"error": str(error), "did": did}) from error
    finally:
        context.detach(token)


async def orchestrate_pipeline(request: PredictRequest, headers: dict[str, str], did: dict[str, Any]) -> PredictResult:
    async def call(url: str, body: dict[str, Any]) -> dict[str, Any]:
        response = await app.state.http.post(url, json=body, headers=headers)
        answer = response.json()
        did.update(answer.get("did", {}))
        if response.is_error:
            raise ServiceError(f"{url}: {response.status_code} {answer.get('error')}")
        return answer

    with tracer.start_as_current_span("ml.input_validation"):
        if not request.payload.strip():
            raise ServiceError("payload: found no text, must have at least one word")

    features = await call(FEATURES_URL, {"client_id": request.client_id})
    batch = await call(BATCHES_URL, {"text": request.payload, "language": request.language})
    inference = await call(INFERENCE_URL, {"batch": batch["batch"], "features": features["features"],
                                           "model": request.model, "max_tokens": request.max_tokens})
    output = await call(POST_URL, {"output": inference["output"]})
    return PredictResult(items=output["items"], token_count=inference["token_count"], did=did)
