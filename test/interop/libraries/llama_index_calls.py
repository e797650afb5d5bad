"""LlamaIndex, whose span of a prediction has two spans of the same call below it; with "client" the OpenAI client's is the fourth."""

import sys

from openinference.instrumentation.llama_index import LlamaIndexInstrumentor

import spans
from standin import StandIn

LlamaIndexInstrumentor().instrument(tracer_provider=spans.provider)
if "client" in sys.argv:
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=spans.provider)

from llama_index.core import PromptTemplate
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

server = StandIn()
model = OpenAILike(model="small", api_base=server.url, api_key="none", is_chat_model=True, max_retries=0)
model.predict(PromptTemplate("How many legs has a {animal}?"), animal="cat")
model.chat([ChatMessage(role="user", content="hello")])
model.complete("hello")
if "client" not in sys.argv:  # the client's span of a streamed call has no parent that would say that they are one
    for _ in model.stream_chat([ChatMessage(role="user", content="hello")], stream_options={"include_usage": True}):
        pass
spans.done(**spans.served(server))
