"""LiteLLM with its "own" integration or the newer one, "v2", or under OpenInference's, and with "client" the OpenAI client too."""

import asyncio
import logging
import os
import sys

import spans
from standin import StandIn

if "v2" in sys.argv:
    os.environ["LITELLM_OTEL_V2"] = "true"

import litellm

if "openinference" in sys.argv:
    from openinference.instrumentation.litellm import LiteLLMInstrumentor

    LiteLLMInstrumentor().instrument(tracer_provider=spans.provider)
else:
    litellm.callbacks = ["otel"]
if "v2" in sys.argv:
    from litellm.integrations.otel.plumbing import providers

    made = providers.TracerProvider

    def counted(**settings):
        spans.provider = made(**settings)  # it has an exporter of its own
        spans.provider.add_span_processor(spans.ended)
        return spans.provider

    providers.TracerProvider = counted
if "client" in sys.argv:
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=spans.provider)

logging.disable(logging.WARNING)
litellm.suppress_debug_info = True
calls_named = ("chat small", "embeddings embed", "text_completion old") if "v2" in sys.argv else ("litellm_request",)
server = StandIn()
to = {"api_base": server.url, "api_key": "none", "max_retries": 0}
question = [{"role": "user", "content": "How many legs has a cat?"}]


async def stream():
    async for part in await litellm.acompletion(
            model="openai/small", messages=question, stream=True, stream_options={"include_usage": True}, **to):
        yield part


async def calls():
    await litellm.acompletion(model="openai/small", messages=question, **to)
    await spans.astream(stream)
    await litellm.aembedding(model="openai/embed", input=["a", "b"], **to)
    if "openinference" not in sys.argv:  # OpenInference does not instrument it
        await litellm.atext_completion(model="text-completion-openai/old", prompt="How many", **to)
    server.answers = [{"legs": {"animal": "cat"}}]
    await litellm.acompletion(model="openai/small", messages=question, tools=[
        {"type": "function", "function": {"name": "legs", "parameters": {"type": "object", "properties": {"animal": {"type": "string"}}}}}], **to)
    server.answers = [429, 500]
    await litellm.acompletion(model="openai/small", messages=question, num_retries=2, **{**to, "max_retries": None})
    server.answers = [400]
    try:
        await litellm.acompletion(model="openai/small", messages=question, **to)
    except litellm.BadRequestError:
        pass
    if litellm.callbacks:
        await asyncio.to_thread(spans.until, calls_named, 7)


asyncio.run(calls())
if "v2" not in sys.argv:  # which has no span of a call that is not asynchronous
    litellm.completion(model="openai/small", messages=question, **to)
    if litellm.callbacks:
        spans.until(calls_named, 8)
spans.done(failed=1, **spans.served(server))
