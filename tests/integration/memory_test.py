# SPDX-License-Identifier: Apache-2.0
"""Keys in memory and beside it: what is over is wiped, what lives is in the process that needs it, and
nothing of it is in arguments, environment, logs, metrics, recordings or the data directory."""

import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys
import unittest

from attack_test import TLS
from certificates import Authority
from collector import Collector
from harness import PATIENCE, Ctl, Site, free_port, wait_for
from join_certificates_test import STRONG, Offer
from memory import find, memory, traces
from secret_keys import keys_of_store, lines_of, named, numbers_of, wrapping_key
from soft_token import SoftToken

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))

from reuse import ledger, pcapng  # noqa: E402 (the path is set above)


TOKEN_KEY = "4b45595f"  # its id
KEY_FILES = (".key", ".key.pem")


class Secrets:
    """The keys of a run, from files and from what an independent reader opens in the recordings."""

    def __init__(self, site):
        self.site = site
        self.users = {f"{name}@example.org": path.read_bytes()
                      for name, path in site.credentials.items()}
        self.master = (site.root / "master.key").read_bytes()

    def read(self):
        book = ledger.Ledger(self.users)
        records = [path for path in dict.fromkeys(self.site.records) if path.exists()]

        def files(on_cut):
            for record in records:
                yield pcapng.datagrams(record.read_bytes(), on_cut)

        book.read(files, lambda: None)
        # Key ids rise in the order of use.
        self.msks = {f"MSK {name.hex()}": key for name, (key, _) in sorted(book.msks.items())}
        self.mtks = {f"MTK {name.hex()}": octets[:16]
                     for name, octets in sorted(book.mtks.items())}
        return self


def last(keys, count):
    return dict(list(keys.items())[-count:])


def but_last(keys, count):
    return dict(list(keys.items())[:-count])


def only(secrets, files):
    return {name: octets for name, octets in secrets.items() if name.split()[0] in [file.name for file in files]}


@unittest.skipUnless(os.geteuid() == 0, "reading the memory of a hardened process needs root")
class Memory(unittest.TestCase):
    def setUp(self):
        self.site = Site("memory")
        self.addCleanup(self.site.close)
        self.collector = Collector()
        self.addCleanup(self.collector.close)
        self.collector.trace(self.site)

    def msk_of(self, receiver):
        return receiver.last.get("msk_id")

    def change_msk(self, receiver, *words):
        before = self.msk_of(receiver)
        self.site.ctl.call(*words)
        wait_for(lambda: self.msk_of(receiver) not in (None, before), 20, "media under a new MSK")

    def live(self):
        """Joins, changes of keys, an expulsion and the deletion of who was expelled."""
        site = self.site.up()
        site.create_channel(mtkPeriod="1s", mtkLead="0.500s", mtkRepetition="0.100s")
        site.enrol_headend("one")
        site.start_headend()
        site.alice = site.member_with_receiver("one", "alice")
        site.bob = site.member_with_receiver("one", "bob")
        site.start_sources()
        for receiver in (site.alice, site.bob):
            wait_for(lambda: receiver.last.get("opened", 0) > 20, 30, "media is opened")
        self.change_msk(site.alice, "rekeys", "now", "one", "--level", "msk")
        self.change_msk(site.alice, "members", "expel", "one", "bob")
        site.bob.kill()
        site.ctl.call("subscribers", "delete", "bob")
        changes = site.alice.last["mtk_changes"]
        wait_for(lambda: site.alice.last["mtk_changes"] > changes + 3, 30, "more MTKs")

    def stopped_memory(self, process):
        os.kill(process.popen.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, process.popen.pid, signal.SIGCONT)
        return memory(process.popen.pid)

    @staticmethod
    def look(process):
        """Memory of a process, which runs on behind it."""
        os.kill(process.popen.pid, signal.SIGSTOP)
        octets = memory(process.popen.pid)
        os.kill(process.popen.pid, signal.SIGCONT)
        return octets

    def wiped(self, process, gone):
        """Memory of a process once nothing of `gone` is in it."""
        left = {}

        def is_wiped():
            octets = self.look(process)
            left.clear()
            left.update(find(gone, octets))
            return None if left else octets
        return wait_for(is_wiped, 30, lambda: f"still in the memory of {process.name}: {left}")

    def left_behind(self):
        """(what, octets) of everything but memory in which somebody could look for keys."""
        site = self.site
        for _, _, body in list(self.collector.requests):
            yield "spans", body
        yield "metrics", site.metrics().encode()
        for process in site.processes:
            if process.running():
                for what, octets in traces(process.popen.pid):
                    yield f"{process.name}: {what}", octets
            yield f"{process.name}: log", pathlib.Path(process.log_path).read_bytes()
            yield f"{process.name}: lines", json.dumps(process.lines).encode()
        for path in site.root.rglob("*"):
            if path.is_file() and not path.name.endswith(KEY_FILES):
                yield str(path), path.read_bytes()

    def expect_nowhere(self, secrets):
        self.assertTrue(wait_for(self.collector.spans, 30, "spans of the calls"))
        for what, octets in self.left_behind():
            self.assertEqual(find(secrets, octets), {}, what)

    def stored(self, *masters):
        """What these open: (record keys and what is beside them, by name)."""
        return keys_of_store(self.site.root / "data", masters)

    def test_keys_end_with_their_lives(self):
        self.live()
        site = self.site
        secrets = Secrets(site).read()
        self.assertGreaterEqual(len(secrets.msks), 3)
        self.assertGreater(len(secrets.mtks), 6)
        bob = {"bob": secrets.users["bob@example.org"]}
        alice = {"alice": secrets.users["alice@example.org"]}
        master = {"master key": secrets.master}
        stored = self.stored(secrets.master)
        self.assertEqual(set(stored), {"import key", "record key 1", "page key 1", "meta key 1"})
        north = {"headend": (site.root / "headend.key").read_bytes()}
        # The last MSK, and what is prepared or active, is in use.
        gone = {**bob, **master, **but_last(secrets.msks, 1), **but_last(secrets.mtks, 3)}
        server = self.wiped(site.keymastd, gone)

        # The looking is good for something: it finds what is in use, and only as it is.
        secrets.read()
        found = set(find({**alice, **stored, **secrets.msks}, server))
        self.assertEqual(found - {(name, "raw") for name in secrets.msks},
                         {(name, "raw") for name in {**alice, **stored}})
        self.assertTrue(found & {(name, "raw") for name in secrets.msks})
        self.assertEqual(find(north, server), {})
        every = {**alice, **bob, **master, **stored, **north, **secrets.msks, **secrets.mtks}
        self.assertEqual(find(every, self.stopped_memory(site.api)), {})
        of_others = {**alice, **bob, **master, **stored, **secrets.msks}
        self.assertEqual(find(of_others, self.stopped_memory(site.headend)), {})
        self.assertEqual(find({**bob, **master, **stored, **north}, self.stopped_memory(site.alice)), {})
        os.kill(site.alice.popen.pid, signal.SIGCONT)
        # What is over is so at both ends of the media path, but for packets that may yet come late.
        receiver = self.wiped(site.alice, {**but_last(secrets.msks, 2), **but_last(secrets.mtks, 4)})
        self.assertTrue(find(last(secrets.msks, 1), receiver), "what is in use is found there")
        os.kill(site.headend.popen.pid, signal.SIGCONT)
        # A headend has sessions made of them, and forgets the MTKs themselves.
        headend = self.wiped(site.headend, secrets.read().mtks)
        self.assertTrue(find(north, headend), "its own key is found there")
        for process in (site.api, site.headend, site.alice):
            os.kill(process.popen.pid, signal.SIGCONT)
        self.expect_nowhere(every)

    def certificates(self):
        """keymastd's, of each kind, in files of the same names each time, and what is in its configuration
        about them."""
        root = self.site.root
        names = [self.authority.issue(f"join-{kind}", kind=kind, dns="example.org", controller=True)
                 for kind in ("p256", "ed25519", "rsa")]
        self.site.write_configuration(**STRONG, **{
            "mikeyv2.certificates": [f"{root}/{name}.pem" for name in names],
            "mikeyv2.private_keys": [f"{root}/{name}.key.pem" for name in names],
            "mikeyv2.anchors": [str(self.authority.file)],
            "mikeyv2.revocation_lists": [str(self.authority.revoke())]})
        return [root / f"{name}.key.pem" for name in names]

    def joins(self):
        """Each kind of exchange that needs a private key of keymastd's."""
        for name, kind, modes in (("early", "ed25519", "early-dh"), ("late", "p256", "dh"), ("rsa", "rsa", "rsa")):
            if not (self.site.root / f"{name}.pem").exists():
                self.site.create_subscriber_without_key(name)
                self.site.add_member("one", name, join=False)
                self.authority.issue(name, kind=kind, email=f"{name}@example.org")
            result = Offer(self.site, self.authority, name, modes, certificate=name).result()
            self.assertEqual(result["state"], "done", result)

    def used(self, files, octets):
        """Those of the private keys that are there; as numbers, and in no file's form."""
        self.assertEqual(find(named(lines_of, files), octets), {})
        found = find(named(numbers_of, files), octets)
        self.assertLessEqual({how for _, how in found}, {"raw", "reversed"})
        return [file for file in files if any(name.startswith(file.name) for name, _ in found)]

    def test_private_keys_are_where_they_are_used(self):
        site, root = self.site, self.site.root
        self.authority = Authority(root)
        join = self.certificates()
        self.authority.issue("server", kind="p256", ip="127.0.0.1")
        self.authority.issue("viewer", kind="p256", dns="viewer.example.org")
        server, viewer = ([root / f"{name}.key.pem"] for name in ("server", "viewer"))
        port = free_port(socket.SOCK_STREAM)
        self.collector.trace(site)
        with open(root / "keymast-api.toml", "a") as file:
            file.write(TLS.format(port=port, root=root))
        site.up()
        site.create_channel()
        over_tls = Ctl(f"127.0.0.1:{port}").call(
            "--tls-ca", self.authority.file, "--tls-cert", root / "viewer.pem", "--tls-key", *viewer,
            "channels", "list")
        self.assertEqual(len(over_tls["channels"]), 1)
        self.joins()
        every = [*join, *server, *viewer]
        secrets = {**named(numbers_of, every), **named(lines_of, every)}
        self.assertEqual(self.used(join, self.look(site.keymastd)), join)
        of_others = [*server, *viewer]
        self.assertEqual(find(only(secrets, of_others), self.look(site.keymastd)), {})
        # gRPC reads the file itself, and keeps it as it is.
        api = self.look(site.api)
        self.assertTrue(find(only(secrets, server), api), "its own key is found there")
        self.assertEqual(find(only(secrets, [*join, *viewer]), api), {})
        # What is read anew takes the place of what was.
        old = {f"old {name}": octets for name, octets in only(secrets, join).items()}
        self.certificates()
        site.keymastd.popen.send_signal(signal.SIGHUP)
        wait_for(lambda: '"event":"join_reload"' in site.keymastd.log(), 20, "a reload")
        self.joins()
        octets = self.wiped(site.keymastd, old)
        self.assertEqual(self.used(join, octets), join)
        self.expect_nowhere({**old, **named(numbers_of, every), **named(lines_of, every)})

    def test_a_rotation_leaves_nothing_of_the_keys_before(self):
        site, root = self.site, self.site.root
        token = SoftToken(self, root, os.urandom(16).hex())
        old, new = root / "master.key", root / "token.key"
        token.take(new, TOKEN_KEY)
        text = (root / "keymastd.toml").read_text()
        (root / "keymastd.toml").write_text(text + token.table("next_master_key"))
        site.up()
        site.create_channel()
        site.member_with_receiver("one", "alice")
        site.create_subscribers("many", 300)
        before = self.stored(old.read_bytes())
        masters = {"old master key": old.read_bytes(), "new master key": new.read_bytes(),
                   "PIN": token.pin.encode()}
        masters.update({f"wrapping key of the {name}": wrapping_key(key) for name, key in masters.items()
                        if name != "PIN"})
        octets = self.wiped(site.keymastd, masters)
        self.assertEqual(set(find(before, octets)), {(name, "raw") for name in before})
        status = site.ctl.call("status")["masterKeyId"]
        site.ctl.call("master-key", "rotate", "--old", status, "--new", TOKEN_KEY, "--wait")
        self.assertEqual(site.ctl.call("status")["masterKeyId"], TOKEN_KEY)
        after = {name: key for name, key in self.stored(new.read_bytes()).items() if key not in before.values()}
        self.assertEqual(set(after), {"record key 2", "page key 2", "meta key 2"})
        kept = {"import key": before.pop("import key")}
        octets = self.wiped(site.keymastd, {**before, **masters})
        alive = {**after, **kept}
        self.assertEqual(set(find(alive, octets)), {(name, "raw") for name in alive})
        # And with the token alone.
        self.assertEqual(site.keymastd.stop(), 0)
        (root / "keymastd.toml").write_text(
            re.sub(r"master_key_file = .*\n", "", text) + token.table("master_key"))
        site.start_server()
        site.wait_ready()
        octets = self.wiped(site.keymastd, {**before, **masters})
        self.assertEqual(set(find(alive, octets)), {(name, "raw") for name in alive})
        every = {**before, **masters, **alive}
        self.assertEqual(find(every, self.look(site.api)), {})
        self.expect_nowhere(every)

    def test_a_crash_leaves_no_core(self):
        site = self.site
        pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
        before = resource.getrlimit(resource.RLIMIT_CORE)
        if before[1] != resource.RLIM_INFINITY and before[1] < 1 << 30:
            self.skipTest("this machine lets nobody write a core")
        resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, before)
        here = os.getcwd()
        os.chdir(site.root)
        self.addCleanup(os.chdir, here)

        def cores():
            return [path.name for path in site.root.glob("*core*") if "sock" not in path.name]

        # Where cores are files, a program that is not hardened leaves one here.
        if not pattern.startswith(("|", "/")):
            subprocess.run(["sh", "-c", "kill -ABRT $$"], check=False)
            self.assertTrue(cores(), "the machine writes cores")
            for name in cores():
                (site.root / name).unlink()
        # What the sanitizer forbids by itself proves nothing.
        os.environ["ASAN_OPTIONS"] = "disable_coredump=0"
        self.addCleanup(os.environ.pop, "ASAN_OPTIONS")
        site.up()
        site.create_channel()
        site.enrol_headend("one")
        for process in (site.keymastd, site.start_headend()):
            limits = pathlib.Path(f"/proc/{process.popen.pid}/limits")
            wait_for(lambda: re.search(r"Max core file size +0 +0 ", limits.read_text()), 20,
                     f"{process.name} forbids cores")
            process.popen.send_signal(signal.SIGABRT)
            process.popen.wait(PATIENCE)
            self.assertEqual(process.kill(), -signal.SIGABRT)
        self.assertEqual(cores(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
