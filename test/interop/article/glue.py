# What the variants of a run differ in, and what the services note down of what they did.
#
#   INTEROP_VARIANT  bare            no spans but the article's
#                    native          FastAPI's own telemetry, as it is where nothing is said
#                    auto            nothing here: opentelemetry-instrument does it
#                    exclude_spans   the ASGI instrumentation without its receive and send spans
#                    driver          as native, with instrumentations of Redis, SQLAlchemy and the driver below that
#   INTEROP_DID      the file that takes what this service did, a JSON object a line
import json
import os
import threading
import time

from fastapi import FastAPI

VARIANT = os.environ["INTEROP_VARIANT"]
_did = open(os.environ["INTEROP_DID"], "a", buffering=1)
_lock = threading.Lock()


def application() -> FastAPI:
    app = FastAPI(telemetry={"tracing": VARIANT != "bare"})
    if VARIANT == "exclude_spans":
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
        FastAPIInstrumentor.instrument_app(app, exclude_spans=["receive", "send"])
    return app


def instrument_database(engine) -> None:
    if VARIANT == "driver":
        from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
        SQLAlchemyInstrumentor().instrument(engine=engine)


if VARIANT == "driver":
    from opentelemetry.instrumentation.redis import RedisInstrumentor
    from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
    RedisInstrumentor().instrument()
    SQLite3Instrumentor().instrument()


def did(what: str, request_id: str, start: float, **more) -> None:
    """Notes down what took from start until now."""
    line = json.dumps({"what": what, "request": request_id, "ms": (time.time() - start) * 1000, **more})
    with _lock:
        _did.write(line + "\n")
