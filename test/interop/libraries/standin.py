"""A local stand-in for a server with OpenAI's interface. It counts the calls and the tokens that it answers with."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class StandIn:
    """Answers chats with these texts in turn, then with a fixed one. No two calls have the same number of tokens."""

    def __init__(self, *answers):
        self.calls = self.input = self.output = 0
        self.answers = list(answers)
        self.lock = threading.Lock()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                kind, body = stand_in.answer(self.path, asked)
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def answer(self, path, asked):
        embeds = path.endswith("/embeddings")
        with self.lock:
            self.calls += 1
            n = self.calls
            text = self.answers.pop(0) if self.answers else "A cat has four legs."
            usage = {"prompt_tokens": 10 + n, "completion_tokens": 0 if embeds else 3 + n}
            self.input += usage["prompt_tokens"]
            self.output += usage["completion_tokens"]
        usage["total_tokens"] = sum(usage.values())
        common = {"id": f"call-{n}", "created": 1, "model": asked.get("model")}
        if embeds:
            inputs = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
            data = [{"object": "embedding", "index": i, "embedding": [0.1, 0.2]} for i in range(len(inputs))]
            del usage["completion_tokens"]
            return "application/json", json.dumps({**common, "object": "list", "data": data, "usage": usage}).encode()
        if asked.get("stream"):
            return "text/event-stream", self.stream(common, text, usage)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        return "application/json", json.dumps({**common, "object": "chat.completion", "choices": [choice], "usage": usage}).encode()

    @staticmethod
    def stream(common, text, usage):
        def chunk(**more):
            return "data: " + json.dumps({**common, "object": "chat.completion.chunk", **more}) + "\n\n"

        def delta(content, finished=None):
            return [{"index": 0, "delta": {"role": "assistant", "content": content}, "finish_reason": finished}]

        chunks = [chunk(choices=delta(word + " ")) for word in text.split()]
        return "".join([*chunks, chunk(choices=delta("", "stop")), chunk(choices=[], usage=usage), "data: [DONE]\n\n"]).encode()
