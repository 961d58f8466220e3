# SPDX-License-Identifier: Apache-2.0
"""The second place of the audit log: what it does not take is not changed, keys on air go on, and it has
every change that was acknowledged, also after kill -9."""

import concurrent.futures
import json
import os
import random
import subprocess
import threading
import time
import unittest

from acknowledged import Acknowledged
from harness import BIN, Ctl, Site, wait_for
from invariants import prove

# One of each kind of what operators ask for.
MUTATIONS = (
    ("channels", "create", "two", "--file", "{root}/two.json"),
    ("channels", "update", "one", "--display-name", "x"),
    ("channels", "delete", "one", "--force"),
    ("subscribers", "create", "new", "--identity", "new@example.org", "--credential-file",
     "{root}/spare.key"),
    ("subscribers", "delete", "spare"),
    ("members", "add", "one", "spare", "--msk-endpoint", "127.0.0.1:9"),
    ("members", "join", "one", "member"),
    ("members", "leave", "one", "member"),
    ("members", "expel", "one", "member"),
    ("members", "delete", "one", "member"),
    ("headends", "delete", "north"),
    ("rekeys", "now", "one", "--level", "msk"),
    ("rekeys", "run", "--level", "mtk", "--spread", "1s"),
    ("schedules", "create", "one", "nightly", "--cron", "0 3 * * *"),
    ("backups", "create", "one"),
)


def chain(text):
    """Lines that count: a record that goes back supersedes all from its sequence on."""
    lines = []
    for line in text.splitlines():
        sequence = int(json.loads(line)["sequence"])
        assert 1 <= sequence <= len(lines) + 1, f"record {sequence} follows {len(lines)}"
        lines[sequence - 1:] = [line]
    return lines


class Reader:
    """Reads a FIFO to its end, again and again, until it is closed."""

    def __init__(self, fifo):
        self.text = b""
        self.pipe = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.over.is_set():
            try:
                self.text += os.read(self.pipe, 1 << 16)
            except BlockingIOError:
                pass
            time.sleep(0.02)

    def close(self):
        if not self.over.is_set():
            self.over.set()
            self.thread.join()
            os.close(self.pipe)


class AuditSink(unittest.TestCase):
    def setUp(self):
        self.site = Site("sink")
        self.addCleanup(self.site.close)
        self.site.ctl = Acknowledged(self.site.ctl)
        self.auditor = Ctl(f"unix:{self.site.root}/auditor.sock")

    def up(self, sink):
        """A site on which a real receiver holds a key, and things to change."""
        self.sink = sink
        site = self.site
        site.write_configuration(audit_sink=str(sink))
        site.up()
        site.create_channel()
        site.enrol_headend("one", "north")
        site.start_headend("north")
        site.create_subscriber("spare")
        self.member = site.member_with_receiver("one", "member")
        wait_for(lambda: self.member.last.get("mtk_id"), 20, "the receiver holds an MTK")

    def change(self):
        return self.site.ctl.run("channels", "update", "one", "--display-name", str(random.random()))

    def is_refused(self):
        done = self.change()
        return done.returncode != 0 and "audit" in done.stderr

    def is_open(self):
        return self.change().returncode == 0

    def export(self):
        file = self.site.root / "export.jsonl"
        self.auditor.call("audit", "export", file)
        return file

    def verify(self, file, *more):
        done = self.auditor.run("audit", "verify", file, "--status", *more)
        self.assertEqual(done.returncode, 0, done.stderr)

    def agree(self):
        """The file and the store hold one log, and both are good."""
        export = self.export()
        self.verify(export)
        self.verify(self.sink, "--sink")
        self.assertEqual(chain(self.sink.read_text()), export.read_text().splitlines())

    def is_blocked_and_keys_go_on(self, why):
        """Each call is refused and told why; the receiver hears keys again, and new ones."""
        site, member = self.site, self.member
        before = self.state()
        two = site.channel_definition("two", "239.255.42.2")
        (site.root / "two.json").write_text(json.dumps({**two, "keyGroup": 2}))
        for words in MUTATIONS:
            done = site.ctl.run(*(word.format(root=site.root) for word in words))
            self.assertNotEqual(done.returncode, 0, words)
            self.assertNotIn("may have been done", done.stderr, words)
            self.assertIn(f"audit_sink {self.sink}: {why}", done.stderr, words)
        wait_for(lambda: "audit_blocked\n" in self.site.page("readyz"), 60, "it is not ready")
        wait_for(lambda: self.site.metric("keymast_audit_blocked ") == 1, 60, "it says that it is blocked")
        heard = member.last.get("discards", {}).get("already_held", 0)
        keys = {member.last["mtk_id"]}
        def goes_on():
            keys.add(member.last["mtk_id"])
            return (len(keys) > 2 and
                    member.last.get("discards", {}).get("already_held", 0) > heard + 4)
        wait_for(goes_on, 30, lambda: f"keys go on: {keys} {member.last}")
        self.assertTrue(site.keymastd.running())
        self.assertEqual(self.state(), before)

    def state(self):
        ctl = self.site.ctl
        return [ctl.call("channels", "get", "one")["displayName"],
                ctl.call("members", "list", "one")["members"][0]["name"],
                len(ctl.call("subscribers", "list")["subscribers"]),
                len(ctl.call("headends", "list")["headends"]),
                ctl.call("schedules", "list", "one").get("rekeySchedules", []),
                ctl.call("backups", "list").get("backups", [])]

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small disk needs root")
    def test_a_full_disk(self):
        disk = self.site.root / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)], check=True)
        self.up(disk / "sink.jsonl")
        self.agree()
        with open(disk / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(1 << 12))
            except OSError:
                pass
        wait_for(self.is_refused, 60, "a change is refused")
        # By now the reason is known in words.
        wait_for(lambda: "No space" in self.change().stderr, 10, "the reason is told")
        end = self.sink.read_text()
        self.is_blocked_and_keys_go_on("")
        self.assertEqual(self.sink.read_text(), end, "nothing torn is left")
        (disk / "filler").unlink()
        wait_for(self.is_open, 30, "changes are taken again")
        self.site.wait_readiness()
        self.agree()
        prove(self.site, self.site.ctl)

    def test_a_fifo_without_a_reader(self):
        fifo = self.site.root / "sink"
        os.mkfifo(fifo)
        reader = Reader(fifo)
        self.addCleanup(reader.close)
        self.up(fifo)
        end = self.export().read_text().splitlines()[-1] + "\n"
        wait_for(lambda: reader.text.decode().endswith(end), 10, "all is read")
        reader.close()
        wait_for(self.is_refused, 30, "a change is refused")
        self.is_blocked_and_keys_go_on("is a FIFO that nobody reads")
        # A start without it sends keys, and changes them; one that puts data back waits for it.
        self.site.keymastd.kill()
        refused = self.site.run(BIN / "keymastd", "run", "--config", self.site.root / "keymastd.toml",
                                "--accept-rollback")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("nobody reads; what --accept-rollback does must be on record", refused.stderr)
        self.site.start_server()
        self.site.wait_ready()
        self.is_blocked_and_keys_go_on("is a FIFO that nobody reads")
        again = Reader(fifo)
        self.addCleanup(again.close)
        wait_for(self.is_open, 30, "changes are taken again")
        export = self.export()
        self.verify(export)
        lines = export.read_text().splitlines()
        wait_for(lambda: again.text.decode().endswith(lines[-1] + "\n"), 10, "all was handed on")
        heard = reader.text.decode() + again.text.decode()
        self.assertEqual(chain(heard), lines)
        methods = [json.loads(line)["method"] for line in lines]
        self.assertEqual(methods.count("start"), 2, "the second is on record by now")
        prove(self.site, self.site.ctl)

    def test_kill_9_in_the_middle_of_a_load(self):
        self.up(self.site.root / "sink.jsonl")
        acknowledged, over, rng, workers = [], threading.Event(), random.Random(4), 3
        def load(worker):
            number = 0
            while not over.is_set():
                number += 1
                name = f"l{worker}-{number}"
                done = self.site.ctl.run("subscribers", "create", name, "--identity",
                                         f"{name}@example.org", "--credential-file",
                                         self.site.new_key(name))
                if done.returncode == 0:
                    acknowledged.append(f"subscribers/{name}")
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            loads = [pool.submit(load, worker) for worker in range(workers)]
            try:
                for _ in range(8):
                    before = len(acknowledged)
                    # More than were answered before the kill, and are counted behind it.
                    wait_for(lambda: len(acknowledged) > before + workers, 60, "changes are made")
                    time.sleep(rng.random() / 2)
                    self.site.keymastd.kill()
                    self.site.start_server()
            finally:
                over.set()
            for done in loads:
                done.result()
        self.site.wait_ready()
        wait_for(self.is_open, 30, "changes are taken")
        self.agree()
        records = [json.loads(line) for line in chain(self.sink.read_text())]
        self.assertLessEqual(set(acknowledged), {record["resource"] for record in records})
        self.assertEqual([record["method"] for record in records].count("start"), 9)
        prove(self.site, self.site.ctl)


if __name__ == "__main__":
    unittest.main(verbosity=2)
