# SPDX-License-Identifier: Apache-2.0
"""A collector of spans, as an operator may have one: OTLP/HTTP in JSON."""

import http.server
import json
import threading


class Collector:
    """Takes spans on 127.0.0.1, or answers with another status, or not before `hold` is set."""

    def __init__(self):
        self.requests, self.status = [], 200
        self.hold = threading.Event()
        self.hold.set()
        collector = self

        class Taker(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.requests.append((self.path, self.headers["Content-Type"], body))
                collector.hold.wait()
                self.send_response(collector.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

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
