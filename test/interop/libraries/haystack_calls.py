"""Haystack with its "own" tracer or under OpenInference, and with "client" the OpenAI client below it instrumented too."""

import os
import queue
import sys
import threading

import spans
from standin import StandIn

os.environ.update(HAYSTACK_TELEMETRY_ENABLED="false", OPENAI_API_KEY="none")
if "client" in sys.argv:
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=spans.provider)

from haystack import Document, Pipeline
from haystack.components.builders import ChatPromptBuilder
from haystack.components.embedders import OpenAIDocumentEmbedder, OpenAITextEmbedder
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.components.joiners import BranchJoiner
from haystack.components.rankers import LostInTheMiddleRanker
from haystack.components.retrievers import InMemoryEmbeddingRetriever
from haystack.components.validators import JsonSchemaValidator
from haystack.core.errors import PipelineRuntimeError
from haystack.dataclasses import ChatMessage
from haystack.document_stores.in_memory import InMemoryDocumentStore

if "openinference" in sys.argv:
    from openinference.instrumentation.haystack import HaystackInstrumentor

    HaystackInstrumentor().instrument(tracer_provider=spans.provider)
else:
    from haystack import tracing
    from haystack_integrations.tracing.opentelemetry import OpenTelemetryTracer

    tracing.enable_tracing(OpenTelemetryTracer(spans.provider.get_tracer("haystack")))

server = StandIn()
to = {"api_base_url": server.url, "max_retries": 2}
store = InMemoryDocumentStore()
index = Pipeline()
index.add_component("embed", OpenAIDocumentEmbedder(model="embed", progress_bar=False, **to))
store.write_documents(index.run({"embed": {"documents": [Document(content="A cat has four legs.")]}})["embed"]["documents"])

ask = Pipeline()
ask.add_component("embed", OpenAITextEmbedder(model="embed", **to))
ask.add_component("retrieve", InMemoryEmbeddingRetriever(store))
ask.add_component("order", LostInTheMiddleRanker())  # a ranker without a model
ask.add_component("build", ChatPromptBuilder([ChatMessage.from_user("{{documents[0].content}} How many legs has a cat?")], required_variables="*"))
ask.add_component("ask", OpenAIChatGenerator(model="small", **to))
for one, other in ("embed.embedding", "retrieve.query_embedding"), ("retrieve", "order"), ("order", "build.documents"), ("build", "ask"):
    ask.connect(one, other)
ask.run({"embed": {"text": "cat"}})

stream = Pipeline()
stream.add_component("ask", OpenAIChatGenerator(model="small", generation_kwargs={"stream_options": {"include_usage": True}}, **to))


def streamed():
    parts = queue.Queue()
    message = [ChatMessage.from_user("hello")]
    threading.Thread(target=lambda: (stream.run({"ask": {"messages": message, "streaming_callback": parts.put}}), parts.put(None))).start()
    return iter(parts.get, None)


spans.stream(streamed)

check = Pipeline()  # the validator sends back what is no object of the schema
check.add_component("join", BranchJoiner(list[ChatMessage]))
check.add_component("ask", OpenAIChatGenerator(model="small", **to))
check.add_component("check", JsonSchemaValidator({"type": "object", "required": ["legs"]}))
check.connect("join", "ask")
check.connect("ask.replies", "check.messages")
check.connect("check.validation_error", "join")
server.answers = ['{"feet": 4}', '{"legs": 4}']
check.run({"join": {"value": [ChatMessage.from_user("How many legs has a cat?")]}})
server.answers = [429, 500]
stream.run({"ask": {"messages": [ChatMessage.from_user("hello")]}})  # the OpenAI client asks twice again
server.answers = [400]
try:
    stream.run({"ask": {"messages": [ChatMessage.from_user("hello")]}})
except PipelineRuntimeError as e:
    assert "400" in str(e), e
did = spans.served(server)
if "client" not in sys.argv:  # nobody tells the tokens of embeddings, nor Haystack itself a model
    did["input"] = spans.served(server, without="embed")["input"]
    if "own" in sys.argv:
        did["models"] = {"": did["calls"]}
spans.done(failed=1, revalidated=int("own" in sys.argv), **did)
