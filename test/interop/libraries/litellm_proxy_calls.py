"""LiteLLM's proxy, asked over HTTP."""

import json
import os
import socket
import threading
import time
import urllib.error
import urllib.request

import spans
from standin import StandIn

server = StandIn()
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "litellm_proxy")
os.environ.update(
    STANDIN_URL=server.url, CONFIG_FILE_PATH=os.path.join(folder, "config.yaml"), LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY="true")

import uvicorn
from litellm.proxy.proxy_server import app

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
proxy = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical", loop="asyncio"))
running = threading.Thread(target=proxy.run)
running.start()
while not proxy.started:
    time.sleep(0.05)


def ask(what, **body):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/{what}", headers={"Content-Type": "application/json"}, data=json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.read()
    except urllib.error.HTTPError as e:
        return e.code


chat = {"model": "small", "messages": [{"role": "user", "content": "How many legs has a cat?"}]}
ask("chat/completions", **chat)
ask("chat/completions", stream=True, stream_options={"include_usage": True}, **chat)
ask("embeddings", model="embed", input=["a", "b"])
server.answers = ["a rude answer"]
assert ask("chat/completions", **chat) == 400  # the guardrail after the call does not let it pass
server.did.pop()  # LiteLLM tells of a call that failed, without its tokens
assert ask("chat/completions", model="small", messages=[{"role": "user", "content": "a rude question"}]) == 400
server.answers = [500]
assert ask("chat/completions", **chat) == 500
spans.until(("Received Proxy Server Request",), 6)
proxy.should_exit = True
running.join()  # whatever it had still to end has ended
spans.done(failed=3, revalidated=1, **spans.served(server))
