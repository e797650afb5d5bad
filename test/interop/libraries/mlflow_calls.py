"""MLflow's tracing of the OpenAI client and of functions, and an evaluation, sent by its own OTLP export. The argument says with
which attributes: its own, or those of the GenAI conventions."""

import json
import os
import sys
import tempfile
import time

os.environ["MLFLOW_GENAI_EVAL_ENABLE_SCORER_TRACING"] = "true"
os.environ["MLFLOW_ENABLE_OTEL_GENAI_SEMCONV"] = str(sys.argv[1] == "genai").lower()

import mlflow
import openai
from mlflow.entities import Document, Feedback, SpanType
from mlflow.genai import evaluate
from mlflow.genai.scorers import scorer

from standin import StandIn, served

folder = tempfile.TemporaryDirectory()
mlflow.set_tracking_uri(f"sqlite:///{folder.name}/mlflow.db")
mlflow.set_experiment("cats")
mlflow.openai.autolog()
server = StandIn()
client = openai.OpenAI(base_url=server.url, api_key="none", max_retries=2)


embedded = []


@mlflow.trace(span_type=SpanType.RETRIEVER)
def retrieve(question):
    embedded.append(client.embeddings.create(model="embed", input=[question]).usage.prompt_tokens)
    return [Document("A cat has four legs.", id="1")]


@mlflow.trace(span_type=SpanType.TOOL)
def count(animal):
    return 4


@mlflow.trace(span_type=SpanType.GUARDRAIL)
def guard(answer):
    return bool(answer)


first = []


def read(start, **arguments):
    began = time.perf_counter()
    parts = iter(start(**arguments))
    text = next(parts).choices[0].delta.content
    first.append((time.perf_counter() - began) * 1000)
    return text + "".join(part.choices[0].delta.content or "" for part in parts if part.choices)


@mlflow.trace(span_type=SpanType.CHAIN)
def ask(question, stream=False):
    retrieve(question)
    count("cat")
    messages = [{"role": "user", "content": question}]
    if stream:
        return guard(read(client.chat.completions.create, model="small", messages=messages, stream=True, stream_options={"include_usage": True}))
    return guard(client.chat.completions.create(model="small", messages=messages).choices[0].message.content)


ask("How many legs has a cat?")
ask("How many legs has a cat?", stream=True)
server.answers = [429, 500]
ask("How many legs has a cat?")  # the client asks twice again
server.answers = [400]
try:
    ask("How many legs has a cat?")
except openai.BadRequestError:
    pass


@scorer
def exact(outputs, expectations):
    return outputs == expectations["answer"]


@scorer
def length(outputs):
    return len(outputs) / 10


@scorer
def grounded(outputs):
    return Feedback(value=0.75, rationale="It is mostly in the document.")


@scorer
def polite(outputs):
    return Feedback(value="yes")


@scorer
def style(outputs):
    return "terse"  # no number: no assessment, and nothing that is counted as invalid


@mlflow.trace(span_type=SpanType.CHAIN)
def answer(question):
    return "four"


legs = {"cat": "four", "bird": "two", "dog": "four"}
data = [{"inputs": {"question": f"legs of a {animal}"}, "expectations": {"answer": n}} for animal, n in legs.items()]
scorers = [exact, length, grounded, polite, style]
evaluate(data=data, predict_fn=answer, scorers=scorers)
mlflow.flush_trace_async_logging()
mlflow.tracing.reset()  # sends the last spans
did = served(server)
did["input"] -= sum(embedded)  # MLflow has no usage of embeddings
print("DID " + json.dumps({
    # Three questions make six spans each, the one that failed three; each row of data makes one, and one a scorer.
    "spans": 3 * 6 + 3 + len(data) * (1 + len(scorers)), "failed": 1, "first": sum(first),
    "assessments": {"exact": 2, "length": len(data) * 0.4, "grounded": len(data) * 0.75, "polite": len(data)},
    **did}), flush=True)
folder.cleanup()
os._exit(0)
