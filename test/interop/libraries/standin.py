"""A local stand-in for a server with OpenAI's interface, and Anthropic's. It notes down each call that it answers or refuses.

As a program it prints its address and serves until it is stopped; GET /did says what it did, POST /plan sets its next answers."""

import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOLD = 0.15  # seconds before the first part of a stream, and again before the last: no first token comes sooner


class StandIn:
    """Answers with these in turn, then with a fixed text. A number is a status to fail with, a dictionary the arguments of a
    call of the tool that its key names. No two calls have the same number of tokens."""

    def __init__(self, *answers):
        self.did = []
        self.answers = list(answers)
        self.lock = threading.Lock()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_GET(self):
                self.send("application/json", 200, json.dumps(served(stand_in)).encode())

            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path == "/plan":
                    stand_in.answers = asked
                    return self.send("application/json", 200, b"{}")
                status, body = stand_in.answer(self.path, asked)
                if isinstance(body, dict):
                    return self.send("application/json", status, json.dumps(body).encode())
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for part in itertools.chain(body, [b""]):
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))

            def send(self, kind, status, body):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                if status == 429:
                    self.send_header("Retry-After-Ms", "1")  # the clients ask again at once
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, asked):
        """The status, and a dictionary or the parts of a stream."""
        what = path.rsplit("/", 1)[1]  # completions, embeddings, messages, responses, rerank
        with self.lock:
            text = self.answers.pop(0) if self.answers else "A cat has four legs."
            n = len(self.did) + 1
            call = {"model": asked.get("model"), "status": text if isinstance(text, int) else 200, "stream": bool(asked.get("stream")),
                    "input": 10 + n, "output": 0 if what in ("embeddings", "rerank") else 3 + n}
            if call["status"] != 200:
                call["input"] = call["output"] = 0
            self.did.append(call)
        if call["status"] != 200:
            return call["status"], {"error": {"message": "not now", "type": "server_error", "code": None}}
        return 200, getattr(self, what)({"id": f"call-{n}", "model": asked.get("model")}, asked, text, call)

    def completions(self, common, asked, text, call):
        usage = {"prompt_tokens": call["input"], "completion_tokens": call["output"], "total_tokens": call["input"] + call["output"]}
        common["created"] = 1
        if "messages" not in asked:
            choice = {"index": 0, "finish_reason": "stop", "text": text}
            return {**common, "object": "text_completion", "choices": [choice], "usage": usage}
        message, finish = {"role": "assistant", "content": text}, "stop"
        if isinstance(text, dict):
            [(tool, arguments)] = text.items()
            function = {"name": tool, "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments)}
            message, finish = {"role": "assistant", "content": None, "tool_calls": [
                {"index": 0, "id": common["id"], "type": "function", "function": function}]}, "tool_calls"
        if not asked.get("stream"):
            return {**common, "object": "chat.completion", "choices": [{"index": 0, "finish_reason": finish, "message": message}], "usage": usage}
        common["object"] = "chat.completion.chunk"

        def chunk(delta, finish=None, **more):
            return {**common, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}

        deltas = [message] if message["content"] is None else [{"role": "assistant", "content": word + " "} for word in text.split()]
        last = {**common, "choices": [], "usage": usage}
        return held([*map(chunk, deltas), chunk({}, finish), *[last] * bool((asked.get("stream_options") or {}).get("include_usage"))])

    def embeddings(self, common, asked, text, call):
        inputs = asked["input"] if isinstance(asked["input"], list) and not isinstance(asked["input"][0], int) else [asked["input"]]
        vector = [0.1, 0.2]
        if asked.get("encoding_format") == "base64":
            import base64
            import struct

            vector = base64.b64encode(struct.pack("<2f", *vector)).decode()
        data = [{"object": "embedding", "index": i, "embedding": vector} for i in range(len(inputs))]
        return {**common, "object": "list", "data": data, "usage": {"prompt_tokens": call["input"], "total_tokens": call["input"]}}

    def responses(self, common, asked, text, call):
        content = {"type": "output_text", "text": text, "annotations": []}
        message = {"type": "message", "id": "m", "status": "completed", "role": "assistant", "content": [content]}
        if isinstance(text, dict):
            [(tool, arguments)] = text.items()
            message = {"type": "function_call", "id": "f", "call_id": common["id"], "name": tool, "status": "completed", "arguments": json.dumps(arguments)}
        usage = {"input_tokens": call["input"], "input_tokens_details": {"cached_tokens": 0}, "output_tokens": call["output"],
                 "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": call["input"] + call["output"]}
        return {**common, "object": "response", "created_at": 1, "status": "completed", "error": None, "incomplete_details": None,
                "instructions": None, "metadata": {}, "output": [message], "parallel_tool_calls": True, "temperature": 1.0,
                "tool_choice": "auto", "tools": [], "top_p": 1.0, "usage": usage}

    def messages(self, common, asked, text, call):
        usage = {"input_tokens": call["input"], "output_tokens": call["output"]}
        message = {**common, "type": "message", "role": "assistant", "stop_reason": "end_turn", "stop_sequence": None,
                   "content": [{"type": "text", "text": text}], "usage": usage}
        if not asked.get("stream"):
            return message
        events = [{"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}},
                  {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                  *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word + " "}} for word in text.split()),
                  {"type": "content_block_stop", "index": 0},
                  {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
                  {"type": "message_stop"}]
        return held(events)


def held(events):
    """The parts of a stream."""
    time.sleep(HOLD)
    for i, event in enumerate(events):
        if i == len(events) - 2:
            time.sleep(HOLD)
        name = f"event: {event['type']}\n" if "type" in event else ""
        yield (name + "data: " + json.dumps(event) + "\n\n").encode()
    if name == "":
        yield b"data: [DONE]\n\n"


def served(*stand_ins, without=None):
    """What these answered and refused, without the calls of one model."""
    did = [call for stand_in in stand_ins for call in stand_in.did if call["model"] != without]
    answered = [call for call in did if call["status"] == 200]
    models = {}
    for call in answered:
        models[call["model"]] = models.get(call["model"], 0) + 1
    return {
        "calls": len(answered), "refused": len(did) - len(answered), "models": models,
        "input": sum(call["input"] for call in answered), "output": sum(call["output"] for call in answered),
        "streams": sum(call["stream"] for call in answered), "held": sum(call["stream"] for call in answered) * HOLD * 1000,
    }


if __name__ == "__main__":
    stand_in = StandIn()
    print("URL " + stand_in.url, flush=True)
    threading.Event().wait()
