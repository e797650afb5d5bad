"""Anthropic's client, which makes spans of its "own", and with OpenInference's or OpenLLMetry's around them."""

import sys

import anthropic

import spans
from standin import StandIn

if "openinference" in sys.argv:
    from openinference.instrumentation.anthropic import AnthropicInstrumentor

    AnthropicInstrumentor().instrument(tracer_provider=spans.provider)
elif "openllmetry" in sys.argv:
    from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor

    AnthropicInstrumentor().instrument(tracer_provider=spans.provider)

server = StandIn()
client = anthropic.Anthropic(base_url=server.url.removesuffix("/v1"), api_key="none", max_retries=2)
call = {"model": "small", "max_tokens": 99, "messages": [{"role": "user", "content": "How many legs has a cat?"}]}
client.messages.create(**call)
spans.stream(lambda: client.messages.create(stream=True, **call), lambda part: part.type == "content_block_delta")
server.answers = [429, 500]
client.messages.create(**call)  # the client asks twice again
server.answers = [400]
try:
    client.messages.create(**call)
except anthropic.BadRequestError:
    pass
spans.done(failed=1, attempts=1 + 1 + 3 + 1, **spans.served(server))
