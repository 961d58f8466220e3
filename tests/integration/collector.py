# SPDX-License-Identifier: Apache-2.0
"""A collector of spans, as an operator may have one: OTLP/HTTP in JSON."""

import http.server
import json
import socket
import threading
import time


class Collector:
    """Takes spans on 127.0.0.1, or answers with another status, or not before `hold` is set."""

    def __init__(self):
        self.requests, self.status = [], 200
        self.held = []  # [from, until], s since 1970: somebody waited for an answer then
        self.hold = threading.Event()
        self.hold.set()
        collector = self

        class Taker(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.interval = [time.time()] * 2
                collector.held.append(self.interval)
                collector.requests.append((self.path, self.headers["Content-Type"], body))
                while self.is_waited_for() and not collector.hold.wait(0.02):
                    pass
                try:
                    self.send_response(collector.status)
                    self.send_header("Content-Length", "2")
                    self.end_headers()
                    self.wfile.write(b"{}")
                except OSError:
                    pass  # it was given up

            def is_waited_for(self):
                """Whether who sent it has not given it up; notes since when."""
                now = time.time()
                try:
                    self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
                    return False
                except BlockingIOError:
                    self.interval[1] = now
                    return True
                except OSError:
                    return False

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taker)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def trace(self, site):
        """Before the site is up."""
        with open(site.root / "keymast-api.toml", "a") as file:
            file.write(f'[trace]\notlp_endpoint = "http://127.0.0.1:{self.port}/v1/traces"\n')

    def close(self):
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()

    def spans(self):
        return [span for _, _, body in list(self.requests)
                for resource in json.loads(body)["resourceSpans"]
                for scope in resource["scopeSpans"] for span in scope["spans"]]

    def of(self, method):
        return [span for span in self.spans() if span["name"] == f"keymast.v1.{method}"]
