# SPDX-License-Identifier: Apache-2.0
"""Spans of keymast-api's calls as a collector gets them: OTLP/HTTP in JSON, of the shape that the
protocol wants (opentelemetry-proto, trace.proto in its JSON mapping)."""

import json
import re
import time
import unittest
import urllib.request

from collector import Collector
from harness import Ctl, Site, wait_for

ID = {"traceId": re.compile(r"[0-9a-f]{32}"), "spanId": re.compile(r"[0-9a-f]{16}")}
DIGITS = re.compile(r"[0-9]+")
SERVER_SPAN, PRODUCER, ERROR = 2, 4, 2
SENT = "keymastd send"


def attributes(owner):
    return {one["key"]: next(iter(one["value"].values())) for one in owner["attributes"]}


class Spans(unittest.TestCase):
    def setUp(self):
        self.collector = Collector()
        self.addCleanup(self.collector.close)
        self.site = Site("spans")
        self.addCleanup(self.site.close)
        self.collector.trace(self.site)
        self.site.up()

    def dropped(self):
        address = f"http://127.0.0.1:{self.site.http_port}/metrics"
        page = urllib.request.urlopen(address, timeout=5).read().decode()
        return int(re.search(r"^keymast_api_spans_dropped_total (\d+)$", page, re.MULTILINE)[1])

    def check_shape(self, body):
        request = json.loads(body)
        self.assertEqual(set(request), {"resourceSpans"})
        for resource in request["resourceSpans"]:
            self.assertEqual(set(resource), {"resource", "scopeSpans"})
            self.assertEqual(attributes(resource["resource"])["service.name"], "keymast-api")
            for scope in resource["scopeSpans"]:
                self.assertEqual(scope["scope"]["name"], "keymast-api")
                self.assertTrue(scope["spans"])
                for span in scope["spans"]:
                    self.check_span(span)

    def check_span(self, span):
        self.assertLessEqual(set(span), {"traceId", "spanId", "parentSpanId", "name", "kind",
                                         "startTimeUnixNano", "endTimeUnixNano", "attributes",
                                         "status"}, span)
        for key, form in ID.items():
            self.assertRegex(span[key], f"^{form.pattern}$")
            self.assertNotEqual(set(span[key]), {"0"})
        self.assertEqual(span["kind"], PRODUCER if span["name"] == SENT else SERVER_SPAN)
        for key in ("startTimeUnixNano", "endTimeUnixNano"):  # 64 bits are texts in JSON
            self.assertRegex(span[key], f"^{DIGITS.pattern}$")
        begin, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
        self.assertLessEqual(begin, end)
        self.assertLess(abs(end / 1e9 - time.time()), 3600)
        for one in span["attributes"]:
            self.assertEqual(set(one), {"key", "value"})
            self.assertIn(*one["value"], ("stringValue", "intValue"))
            self.assertIsInstance(next(iter(one["value"].values())), str)

    def test_a_collector_gets_a_span_of_each_call(self):
        self.site.create_channel("one")
        self.site.create_subscriber("alice")
        viewer = Ctl(f"unix:{self.site.root}/viewer.sock")
        viewer.fails("subscribers", "get", "alice")
        wait_for(lambda: self.collector.of("Subscribers/GetSubscriber"), 20, "the last span comes")
        self.assertEqual({(path, kind) for path, kind, _ in self.collector.requests},
                         {("/v1/traces", "application/json")})
        for _, _, body in self.collector.requests:
            self.check_shape(body)
            self.assertNotIn(b"alice", body, "no names but those of methods, roles and channels")

        created = self.collector.of("Channels/CreateChannel")
        self.assertEqual(len(created), 1)
        self.assertEqual(attributes(created[0]), {
            "rpc.system": "grpc", "rpc.service": "keymast.v1.Channels",
            "rpc.method": "CreateChannel", "rpc.grpc.status_code": "0",
            "keymast.role": "operator", "keymast.channel": "one"})
        denied = self.collector.of("Subscribers/GetSubscriber")[0]
        self.assertEqual(attributes(denied)["rpc.grpc.status_code"], "7")
        self.assertEqual(attributes(denied)["keymast.role"], "viewer")
        self.assertNotIn("status", denied, "the caller's mistake is no failure of the server")
        self.assertEqual(self.dropped(), 0)

    def test_a_trace_goes_from_the_call_to_the_send(self):
        self.site.create_channel("one")
        self.site.member_with_receiver("one", "alice")
        wait_for(lambda: self.collector.of("Members/JoinChannel"), 20, "the span of the join comes")
        joined = self.collector.of("Members/JoinChannel")[0]
        sent = [span for span in self.collector.spans() if span["name"] == SENT
                and span["traceId"] == joined["traceId"]]
        self.assertEqual([span["parentSpanId"] for span in sent], [joined["spanId"]])
        datagrams = attributes(sent[0])["keymast.datagrams"]
        self.assertGreaterEqual(int(datagrams), 1, "the MSK message, and MTK messages in use")
        self.assertLessEqual(int(joined["startTimeUnixNano"]), int(sent[0]["startTimeUnixNano"]))
        self.assertLessEqual(int(sent[0]["endTimeUnixNano"]), int(joined["endTimeUnixNano"]))
        for _, _, body in self.collector.requests:
            self.check_shape(body)
        of_trace = [line for line in self.lines() if line.get("trace_id") == joined["traceId"]]
        self.assertEqual({line["event"] for line in of_trace}, {"change", "sent"})
        self.assertEqual(sum(int(line.get("datagrams", 0)) for line in of_trace), int(datagrams))
        wait_for(lambda: any(line["event"] == "rekey" and line["trace_id"] == ""
                             for line in self.lines()), 20, "what the clock brings has no trace")

    def lines(self):
        return [json.loads(line) for line in self.site.keymastd.log().splitlines(keepends=True)
                if line.endswith("\n")]

    def test_what_the_collector_does_not_take_is_counted_and_holds_no_call_up(self):
        wait_for(self.collector.spans, 20, "spans come")
        self.collector.status = 503
        self.site.ctl.call("status")
        wait_for(lambda: self.dropped() > 0, 20, "a span is counted as dropped")
        self.collector.hold.clear()

        def goes_on():
            """A call ends while the collector holds a span, sooner than keymast-api gives that up."""
            before = len(self.collector.requests)
            self.site.ctl.call("status")
            wait_for(lambda: len(self.collector.requests) > before, 20, "a span is on its way")
            return self.site.ctl.run("--timeout", "1s", "status").returncode == 0
        wait_for(goes_on, 30, "a call ends before its span is taken")
        self.collector.close()
        self.site.ctl.call("status")

    def test_a_failure_of_the_server_is_marked(self):
        self.site.keymastd.kill()
        wait_for(lambda: self.site.ctl.run("status").returncode == 4, 20, "keymastd is missed")
        wait_for(lambda: any(span.get("status") == {"code": ERROR}
                             for span in self.collector.of("Server/GetServerStatus")),
                 20, "its span comes")


if __name__ == "__main__":
    unittest.main(verbosity=2)
