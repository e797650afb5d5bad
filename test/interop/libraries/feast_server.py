"""Feast's Python server over Redis, instrumented as opentelemetry-instrument would."""

import datetime
import json
import socket
import tempfile
import threading
import time
import urllib.request

import pandas
import uvicorn
from fakeredis import TcpFakeServer
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor

import spans

FastAPIInstrumentor().instrument()  # before Feast takes FastAPI's name

from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.feature_server import get_app
from feast.types import Float32
from feast.value_type import ValueType

redis = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
threading.Thread(target=redis.serve_forever, daemon=True).start()
folder = tempfile.mkdtemp()
rows = pandas.DataFrame({"user_id": [1, 2, 3], "average": [0.1, 0.2, 0.3], "at": [datetime.datetime.now(datetime.timezone.utc)] * 3})
rows.to_parquet(folder + "/users.parquet")
store = FeatureStore(config=RepoConfig(
    project="shop", registry=folder + "/registry.db", provider="local", entity_key_serialization_version=3,
    online_store={"type": "redis", "connection_string": f"127.0.0.1:{redis.server_address[1]}"}))
user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
view = FeatureView(
    name="users", entities=[user], ttl=datetime.timedelta(days=1), schema=[Field(name="average", dtype=Float32)],
    source=FileSource(path=folder + "/users.parquet", timestamp_field="at"))
store.apply([user, view])
store.write_to_online_store("users", rows)
RedisInstrumentor().instrument()  # only now: to write, Feast reads Redis too

app = get_app(store)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    time.sleep(0.05)
lookups = 3
for _ in range(lookups):
    urllib.request.urlopen(urllib.request.Request(
        f"http://127.0.0.1:{port}/get-online-features", headers={"Content-Type": "application/json"},
        data=json.dumps({"features": ["users:average"], "entities": {"user_id": [1, 2, 9]}}).encode())).read()
spans.done(lookups=lookups)
