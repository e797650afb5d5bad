"""Pydantic AI with its own instrumentation, and with "client" the OpenAI client below it instrumented too."""

import sys

import pydantic
from pydantic_ai import Agent, InstrumentationSettings, ModelRetry
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

import spans
from standin import StandIn

if "client" in sys.argv:
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=spans.provider)


class Legs(pydantic.BaseModel):
    legs: int


server = StandIn()
Agent.instrument_all(InstrumentationSettings(tracer_provider=spans.provider))
model = OpenAIChatModel("small", provider=OpenAIProvider(base_url=server.url, api_key="none"))
agent = Agent(model, name="zoo", retries=2)


@agent.tool_plain
def legs(animal: str) -> int:
    return 4


agent.run_sync("hello")


async def stream():
    async with agent.run_stream("hello") as run:
        async for part in run.stream_text(delta=True):
            yield part


import asyncio

asyncio.run(spans.astream(stream))
server.answers = [{"legs": {"animal": "cat"}}, "four"]
agent.run_sync("How many legs has a cat?")
server.answers = [{"legs": {"plant": "fern"}}, {"legs": {"animal": "cat"}}, "four"]  # arguments that are not the tool's
agent.run_sync("How many legs has a cat?")
server.answers = [{"final_result": {"legs": "many"}}, {"final_result": {"legs": 4}}]  # an output that is not the type's
Agent(model, name="typed", output_type=Legs, retries=2).run_sync("How many legs has a cat?")
server.answers = [429, 500]
agent.run_sync("hello")  # the OpenAI client asks twice again
server.answers = [400]
try:
    agent.run_sync("hello")
except Exception as e:
    assert "400" in str(e), e
spans.done(failed=1, revalidated=1, **spans.served(server))
