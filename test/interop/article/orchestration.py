# What the gateway of the article calls: four services over HTTP, one after
# the other, with the headers that it was given.
import os

import httpx
from pydantic import BaseModel


class PredictRequest(BaseModel):
    model: str
    input_type: str
    payload: str
    client_id: str
    plan: dict  # what the request is to meet, see plan.go


class PredictResult(BaseModel):
    token_count: int


async def orchestrate_pipeline(request: PredictRequest, headers: dict) -> PredictResult:
    async with httpx.AsyncClient(timeout=60) as client:
        async def call(service: str, body: dict) -> dict:
            response = await client.post(os.environ[service], json=body, headers=headers)
            response.raise_for_status()
            return response.json()

        plan = request.plan
        await call("FEATURES_URL", {"feature_ids": plan["feature_ids"], "plan": plan})
        batch = await call("BATCHES_URL", {"plan": plan})
        raw = await call("INFERENCE_URL", {"batch": batch, "plan": plan})
        await call("POST_URL", {"raw_output": raw, "plan": plan})
        return PredictResult(token_count=plan["tokens"])
