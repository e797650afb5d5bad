"""LangChain and LangGraph under OpenInference, OpenLLMetry or LangSmith's exporter, and with "client" the OpenAI client below too."""

import os
import sys

import spans
from standin import StandIn

traced = sys.argv[1]
if traced == "openinference":
    from openinference.instrumentation.langchain import LangChainInstrumentor

    LangChainInstrumentor().instrument(tracer_provider=spans.provider)
elif traced == "openllmetry":
    from opentelemetry.instrumentation.langchain import LangchainInstrumentor

    LangchainInstrumentor().instrument(tracer_provider=spans.provider)
else:
    os.environ.update(LANGSMITH_TRACING="true", LANGSMITH_OTEL_ENABLED="true", LANGSMITH_OTEL_ONLY="true", LANGSMITH_API_KEY="none")
if "client" in sys.argv:
    if traced == "openllmetry":
        from opentelemetry.instrumentation.openai import OpenAIInstrumentor
    else:
        from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=spans.provider)

import pydantic
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_core.tools import tool
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

server = StandIn()
to = {"base_url": server.url, "api_key": "none"}
model = ChatOpenAI(model="small", max_retries=2, stream_usage=True, use_responses_api=False, **to)
store = InMemoryVectorStore(OpenAIEmbeddings(model="embed", check_embedding_ctx_length=False, **to))
store.add_documents([Document("A cat has four legs.")])
prompt = ChatPromptTemplate.from_template("{context} How many legs has a {animal}?")
chain = {"context": store.as_retriever(), "animal": RunnablePassthrough()} | prompt | model | StrOutputParser()
chain.invoke("cat")
spans.stream(lambda: model.stream("hello"))


@tool
def legs(animal: str) -> int:
    """The legs of an animal."""
    return 4


graph = StateGraph(MessagesState)
graph.add_node("ask", lambda state: {"messages": [model.bind_tools([legs]).invoke(state["messages"])]})
graph.add_node("tools", ToolNode([legs]))
graph.add_edge(START, "ask")
graph.add_conditional_edges("ask", lambda state: "tools" if state["messages"][-1].tool_calls else END)
graph.add_edge("tools", "ask")
server.answers = [{"legs": {"animal": "cat"}}]
graph.compile().invoke({"messages": [("user", "How many legs has a cat?")]})
server.answers = [429, 500]
model.invoke("hello")
server.answers = [400]
try:
    model.invoke("hello")
except Exception as e:
    assert "400" in str(e), e
if traced == "langsmith":
    from langchain_core.tracers.langchain import wait_for_all_tracers

    wait_for_all_tracers()
untraced = None if "client" in sys.argv else "embed"  # LangChain tells nobody of embeddings
spans.done(failed=1, **spans.served(server, without=untraced))
