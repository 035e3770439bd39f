"""A model's server on loopback that speaks OpenAI's protocol and does not come to an end: a word every now and then."""

import http.server
import json
import threading
import time

PAUSE_SECONDS = 0.02


class SlowModel:
    """Answers until whoever asked hangs up. `hung_up` counts those who did."""

    def __init__(self):
        self.hung_up = 0
        self.changed = threading.Condition()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def handler(model):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                try:
                    for number in range(1_000_000):
                        self.event(number, asked["model"])
                        time.sleep(PAUSE_SECONDS)
                except OSError:
                    with model.changed:
                        model.hung_up += 1
                        model.changed.notify_all()

            def event(self, number, name):
                choice = {"index": 0, "delta": {"content": f"word{number} "}, "finish_reason": None}
                body = {"id": "slow", "object": "chat.completion.chunk", "created": 0, "model": name, "choices": [choice]}
                data = f"data: {json.dumps(body)}\n\n".encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()

            def log_message(self, *_):
                pass

        return Handler

    def wait_until_hung_up(self, count, limit):
        """Whether `count` callers have hung up before `limit` seconds are over."""
        with self.changed:
            return self.changed.wait_for(lambda: self.hung_up >= count, timeout=limit)

    def stop(self):
        self.server.shutdown()
