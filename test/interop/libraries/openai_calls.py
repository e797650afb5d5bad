"""OpenAI's client under the instrumentations that the arguments name: one, or one within the other."""

import sys

import openai

import spans
from standin import StandIn

for name in sys.argv[1:]:
    if name == "openinference":
        from openinference.instrumentation.openai import OpenAIInstrumentor
    elif name == "openllmetry":
        from opentelemetry.instrumentation.openai import OpenAIInstrumentor
    elif name == "opentelemetry":
        from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
    OpenAIInstrumentor().instrument(tracer_provider=spans.provider)

server = StandIn()
client = openai.OpenAI(base_url=server.url, api_key="none", max_retries=2)
question = [{"role": "user", "content": "How many legs has a cat?"}]
client.chat.completions.create(model="small", messages=question)
spans.stream(lambda: client.chat.completions.create(model="small", messages=question, stream=True, stream_options={"include_usage": True}))
client.embeddings.create(model="embed", input=["a", "b"])
server.answers = [429, 500]
client.chat.completions.create(model="small", messages=question)  # the client asks twice again
server.answers = [400]
try:
    client.chat.completions.create(model="small", messages=question)
except openai.BadRequestError:
    pass
spans.done(failed=1, **spans.served(server))
