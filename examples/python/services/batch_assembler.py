"""The batch assembler: turns the text into token IDs, with a tokenizer that may have to be loaded first."""
from typing import Any

from fastapi import FastAPI, Request

from text_tokenizer import Tokenizer, Tokenizers
from tracing_setup import lifespan, parent, setup_tracing

tracer = setup_tracing("ml.batch_assembler")
app = FastAPI(lifespan=lifespan)
# Room for two of the three languages: the third evicts one, which has to be loaded again later.
tokenizers = Tokenizers(["en", "de", "fr"], most=2)
SEQUENCES = 16


def get_tokenizer(language: str) -> tuple[Tokenizer, bool, bool]:
    held = tokenizers.get(language)
    if held is not None:
        return held, False, False
    # The name of the span says that something is loaded; the component, what: a tokenizer of another language is no reload.
    with tracer.start_as_current_span("tokenizer_init") as span:
        span.set_attribute("ml.cold_start.component", f"tokenizer_{language}")
        loaded, again = tokenizers.load(language)
        return loaded, True, again


@app.post("/batches")
async def batches(body: dict[str, Any], request: Request) -> dict[str, Any]:
    with tracer.start_as_current_span("ml.batch_assembly", context=parent(request.headers)) as span:
        tokenizer, loaded, again = get_tokenizer(body["language"])
        input_ids = tokenizer.encode(body["text"])
        span.set_attribute("ml.batch.size",        SEQUENCES)
        span.set_attribute("ml.batch.max_seq_len", len(input_ids))
        span.set_attribute("ml.input.tokens",      len(input_ids))
        return {"batch": {"size": SEQUENCES, "max_seq_len": len(input_ids), "input_ids": input_ids},
                "did": {"loaded": loaded, "reloaded": again}}
