"""A feature store that falls back from Redis to a database below SQLAlchemy, all three instrumented. Of its requests some
tell their lookup themselves, some have a server's span alone, and some an inner span in between."""

import threading
import time

import redis
import sqlalchemy
from fakeredis import TcpFakeServer
from opentelemetry import trace
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor

import spans

for instrumentor in RedisInstrumentor, SQLite3Instrumentor, SQLAlchemyInstrumentor:
    instrumentor().instrument()

server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
threading.Thread(target=server.serve_forever, daemon=True).start()
cache = redis.Redis(port=server.server_address[1])
database = sqlalchemy.create_engine("sqlite://")
slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT count(*) FROM n"
tracer = trace.get_tracer("feature_store")
lookups, total = 0, 0.0


def look_up(hit=False):
    global lookups, total
    cache.mget(["a", "b"])
    if hit:
        return 0.0
    started = time.perf_counter()
    with database.connect() as connection:
        connection.execute(sqlalchemy.text(slow)).fetchall()
    took = (time.perf_counter() - started) * 1000
    lookups, total = lookups + 1, total + took
    return took


for _ in range(5):
    with tracer.start_as_current_span("ml.feature_extraction") as span:
        span.set_attribute("ml.features.db_lookup_ms", look_up())
    with tracer.start_as_current_span("GET /features/{user}", kind=trace.SpanKind.SERVER):
        look_up()
    with tracer.start_as_current_span("POST /predict", kind=trace.SpanKind.SERVER):
        with tracer.start_as_current_span("get_features"):
            look_up()
    with tracer.start_as_current_span("GET /features/{user}", kind=trace.SpanKind.SERVER):
        look_up(hit=True)
spans.done(lookups=lookups, ms=total)
