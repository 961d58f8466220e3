# SPDX-License-Identifier: Apache-2.0
"""examples/receive.c, which has the receiver core in C and nothing else of ours, at a real keymastd: it joins in
each mode, follows MTKs and MSKs, and leaves."""

import re
import unittest

from certificates import CONTROLLERS, Authority
from harness import BIN, Site, wait_for

GROUP = "239.255.42.1"
URI = "mikey://example.org/one"
KEY = re.compile(r"^key (\w{12}) fingerprint (\w{16})$", re.MULTILINE)


class ExampleCase(unittest.TestCase):
    def setUp(self):
        self.site = Site("library")
        self.addCleanup(self.site.close)

    def up(self, **configuration):
        self.site.write_configuration(**configuration)
        self.site.up()
        definition = self.site.channel_definition("one", GROUP)
        self.mtk_port = definition["multicast"]["mtkPort"]
        self.site.create_channel(definition=definition)
        self.site.enrol_headend("one")
        self.site.start_headend()

    def example(self, name, *more, suffix=""):
        return self.site.start_process(
            name + suffix, "sh", "-c", 'exec "$@" >&2', "sh",  # its lines are no JSON: into the log at once
            BIN / "receiver_example", "127.0.0.1", self.site.mikey_port, GROUP, self.mtk_port, "127.0.0.1", URI, f"{name}@example.org", self.site.credentials[name],
            self.site.root / f"{name}.saved", *more)

    def member(self, name):
        self.site.create_subscriber(name)
        self.site.add_member("one", name, join=False)

    def keys(self, process):
        """{MKI: fingerprint}; an MKI has one key for ever."""
        found = {}
        for mki, fingerprint in KEY.findall(process.log()):
            self.assertEqual(found.setdefault(mki, fingerprint), fingerprint)
        return found


class Library(ExampleCase):
    def test_joins_in_each_mode_and_follows_the_keys(self):
        self.up()
        for name in ("psk", "dh"):
            self.member(name)
        examples = [self.example("psk"), self.example("dh", "dh")]
        for example in examples:
            wait_for(lambda e=example: {m[:8] for m in self.keys(e)} >= {"00010001", "00010002"}, 60,
                     f"{example.name} has keys under two MSKs")
            self.assertIn("stream ssrc a0000001", example.log())
        first, second = (self.keys(example) for example in examples)
        shared = set(first) & set(second)
        self.assertGreaterEqual(len(shared), 5)
        for mki in shared:
            self.assertEqual(first[mki], second[mki])
        self.assertEqual(len(set(first.values())), len(first))
        for example in examples:
            self.assertEqual(example.stop(), 0, example.log()[-800:])
            self.assertIn("left: ok", example.log())  # by REPORT

    def test_goes_on_after_a_crash_of_either(self):
        self.up()
        self.member("ann")
        first = self.example("ann")
        wait_for(lambda: self.keys(first), 30, "keys")
        first.kill()
        self.site.keymastd.kill()
        self.site.start_server()
        self.site.wait_ready()
        second = self.example("ann", suffix="-again")
        wait_for(lambda: len(self.keys(second)) > 3, 40, "more keys")
        self.assertEqual(second.stop(), 0)

    def test_is_told_that_it_is_not_entitled_and_joins_when_it_is(self):
        self.up()
        self.site.create_subscriber("eve")
        example = self.example("eve")
        wait_for(lambda: "failed: not_entitled" in example.log(), 30, "a refusal")
        self.assertEqual(self.keys(example), {})
        self.site.add_member("one", "eve", join=False)
        wait_for(lambda: self.keys(example), 60, "keys")
        self.assertEqual(example.stop(), 0)


class Certificates(ExampleCase):
    """The same source with libkeymast-receiver-certificates: no member has a user key."""

    def setUp(self):
        super().setUp()
        self.root = self.site.root
        self.authority = Authority(self.root)
        self.authority.issue("server", dns="example.org", controller=True)

    def configuration(self, **more):
        return {"mikeyv2.certificates": [f"{self.root}/server.pem"],
                "mikeyv2.private_keys": [f"{self.root}/server.key.pem"],
                "mikeyv2.anchors": [str(self.authority.file)], **more}

    def by_certificate(self, name, *known):
        (self.root / "no-key").write_bytes(b"")
        return self.site.start_process(
            name, "sh", "-c", 'exec "$@" >&2', "sh", BIN / "receiver_example_certificates", "127.0.0.1",
            self.site.mikey_port, GROUP, self.mtk_port, "127.0.0.1", URI, f"{name}@example.org", self.root / "no-key",
            self.root / f"{name}.saved", self.root / f"{name}.pem", self.root / f"{name}.key.pem", self.authority.file,
            CONTROLLERS, *known)

    def follow(self, *examples):
        # None leaves before all have followed: a leave changes the MSK at once.
        for example in examples:
            wait_for(lambda e=example: {m[:8] for m in self.keys(e)} >= {"00010001", "00010002"}, 60,
                     lambda e=example: f"{e.name} has keys under two MSKs: {e.log()[-800:]}")
        for example in examples:
            self.assertIn("stream ssrc a0000001", example.log())
            self.assertEqual(example.stop(), 0, example.log()[-800:])
            self.assertIn("left: ok", example.log())  # by REPORT, with its ticket

    def test_joins_by_certificates_that_are_shown(self):
        self.up(**self.configuration())
        for name, kind in (("edward", "ed25519"), ("paul", "p256")):
            self.member(name)
            self.authority.issue(name, kind=kind, email=f"{name}@example.org")
        self.follow(*[self.by_certificate(name) for name in ("edward", "paul")])

    def test_joins_by_an_envelope_and_hashes(self):
        self.authority.issue("ron", kind="rsa", email="ron@example.org")
        self.up(**self.configuration(**{"mikeyv2.modes": ["rsa", "psk"], "mikeyv2.show_hash": True,
                                        "mikeyv2.known_certificates": [f"{self.root}/ron.pem"]}))
        self.member("ron")
        self.follow(self.by_certificate("ron", self.root / "server.pem"))

    def test_believes_no_other_server(self):
        self.up(**self.configuration())
        self.member("ann")
        self.authority.issue("ann", email="ann@example.org")
        self.authority = Authority(self.root, "other")
        example = self.by_certificate("ann")
        wait_for(lambda: "failed: " in example.log(), 40, "it gives up")
        self.assertIn("discard: certificate_untrusted", example.log())
        self.assertEqual(self.keys(example), {})


if __name__ == "__main__":
    unittest.main(verbosity=2)
