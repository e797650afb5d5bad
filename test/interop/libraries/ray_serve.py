"""Ray Serve: a deployment that takes one request at a time, and several at once."""

import json
import os
import socket
import threading
import time
import urllib.request

here = os.path.dirname(os.path.abspath(__file__))
os.environ.update(
    PYTHONPATH=here, RAY_SERVE_TRACING_EXPORTER_IMPORT_PATH="serve_tracing:processors", RAY_SERVE_TRACING_SAMPLING_RATIO="1.0",
    RAY_USAGE_STATS_ENABLED="0")

import ray
from ray import serve

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, object_store_memory=100_000_000)


@serve.deployment(max_ongoing_requests=1)
class Model:
    async def __call__(self, request):
        import asyncio

        started = time.time()
        await asyncio.sleep(0.2)
        return {"started": started}


serve.start(http_options={"host": "127.0.0.1", "port": port})
serve.run(Model.bind(), name="app")
waits = []


def ask():
    sent = time.time()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        waits.append((json.load(answer)["started"] - sent) * 1000)


ask()  # the first one finds nothing warm
waits.clear()
requests = [threading.Thread(target=ask) for _ in range(4)]
for request in requests:
    request.start()
for request in requests:
    request.join()
serve.shutdown()
ray.shutdown()
print("DID " + json.dumps({"calls": 1 + len(waits), "ms": max(waits)}), flush=True)
