# SPDX-License-Identifier: Apache-2.0
"""The n-th read, write, sync or look-up of a file of the store fails with EIO, for n from 1 until none
fails any more: keymastd refuses to start and says what failed, or serves, or serves with its store closed
for writing. It never dies of it, and no acknowledged change is ever lost: the checker of invariants is asked
after each fault."""

import collections
import os
import pathlib
import re
import signal
import unittest

from acknowledged import Acknowledged
from harness import LONG, PATIENCE, Ctl, Site, wait_for
from invariants import prove
from ongoing import Proofs

# strace counts each call apart, in each thread. Not sync_file_range: RocksDB asks by one that does nothing,
# and so cannot fail for the disk, whether the kernel has it.
AT_THE_START = ("read", "pread64", "write", "pwrite64", "fsync", "fdatasync", "openat", "rename",
                "unlink", "mkdir")
WHILE_IT_RUNS = ("write", "pwrite64", "fdatasync")
# Later a backup reads what it copies, and what it could not be made of once, it is made of then. By pread64
# RocksDB reads what it has just flushed, in a thread of its own, and so the store closes.
READS_WHILE_IT_RUNS = {"read": "looks back at last", "pread64": "closed"}
CHANGES = 2  # asked of each server that starts
# The search for leaks needs ptrace, which strace has.
WITHOUT_LEAKS = f"ASAN_OPTIONS={os.environ.get('ASAN_OPTIONS', '')}:detect_leaks=0"
# Numbers that RocksDB may give to the files of one run.
AHEAD = 30


def following(n):
    """Each number in the long run; in the short one, each at first, and one in six later."""
    return n + (1 if LONG else max(1, n // 6))


class IoFaults(unittest.TestCase):
    def setUp(self):
        self.site = Site("io-faults")
        self.addCleanup(self.site.close)
        self.site.ctl = Acknowledged(self.site.ctl)
        self.proofs = Proofs(self.site)
        self.addCleanup(self.proofs.close)
        self.number = 0
        self.trace = self.site.root / "trace"

    def files(self):
        """What is there, and what this start may make."""
        data = self.site.root / "data"
        there = list(data.iterdir())
        newest = max(int(found[1]) for path in there if (found := re.search(r"(\d{6})", path.name)))
        made = [data / name for number in range(newest, newest + AHEAD) for name in (
            f"{number:06}.log", f"{number:06}.sst", f"{number:06}.dbtmp", f"MANIFEST-{number:06}",
            f"OPTIONS-{number:06}", f"OPTIONS-{number:06}.dbtmp")]
        root = self.site.root
        return [data, root / "witness", root / "master.key", root / "keymastd.toml",
                *dict.fromkeys(there + made)]

    def start_with(self, call, n):
        site = self.site
        self.trace.unlink(missing_ok=True)
        self.said = len(site.keymastd.log())
        return site.start_server(
            under=["strace", "-D", "--seccomp-bpf", "-E", WITHOUT_LEAKS, *self.tracing(call, n)])

    def tracing(self, call, n):
        only = [word for path in self.files() for word in ("-P", path)]
        return ["-f", "-q", "-o", self.trace, *only, "-e", f"trace={call}", "-e",
                f"inject={call}:error=EIO:when={n}"]

    def says(self):
        return self.site.keymastd.log()[self.said:]

    def starts(self, keymastd):
        """Whether it does, once that is known."""
        wait_for(lambda: '"event":"started"' in self.says() or not keymastd.running(), 60,
                 lambda: f"it starts, or says why not: {self.says()}")
        return '"event":"started"' in self.says()

    def is_connected(self):
        return self.site.metric("keymast_api_core_up ") == 1

    def change(self):
        """Whether a new subscriber was acknowledged; what was is never to be lost."""
        site = self.site
        name = f"s{self.number}"
        self.number += 1
        return site.ctl.run("subscribers", "create", name, "--identity", f"{name}@example.org",
                            "--credential-file", site.new_key(name)).returncode == 0

    def one(self, call, n):
        """(outcome, what was injected)."""
        keymastd = self.start_with(call, n)
        if self.starts(keymastd):
            wait_for(lambda: self.is_connected() or not keymastd.running(), 30, "keymast-api finds it")
            outcome = self.changes(keymastd, f"{call} {n}")
            keymastd.kill()
        else:
            keymastd.kill()
            self.assertGreater(keymastd.popen.returncode, 0, f"{call} {n}: {self.says()}")
            outcome = "refused: " + self.says().strip()
        injected = self.injected()
        if outcome.startswith("refused"):
            self.start_without(f"{call} {n}")
        return outcome, injected

    def changes(self, keymastd, fault):
        """What becomes of them, and a proof by what is there with the fault."""
        done = [self.change() for _ in range(CHANGES)]
        self.assertTrue(keymastd.running(), f"{fault}: {self.says()}")
        if not all(done):
            self.assertTrue(self.is_closed(), fault)
        self.proofs.after(fault)
        self.assertTrue(keymastd.running(), f"{fault}: {self.says()}")
        # It may have met the fault only then.
        return "closed" if self.is_closed() else "serves"

    def start_without(self, fault):
        """Nothing of a refused start is in the way of the next one."""
        self.said = len(self.site.keymastd.log())
        keymastd = self.site.start_server()
        self.assertTrue(self.starts(keymastd), self.says())
        wait_for(self.is_connected, 30, "keymast-api finds it")
        self.proofs.after(fault)
        keymastd.kill()

    def injected(self):
        """What failed, once keymastd and strace have ended."""
        ended = re.compile(rf"^{self.site.keymastd.popen.pid} +\+\+\+", re.MULTILINE)
        wait_for(lambda: ended.search(self.trace.read_text()), 30, "strace ends")
        return self.injected_by_then()

    def injected_by_then(self):
        self.assertNotIn("Sanitizer", self.says())
        return [line for line in self.trace.read_text().splitlines() if "(INJECTED)" in line]

    def look_back(self):
        """Makes a backup and lists audit records; whether each could be done. What a flush reads of its new
        file closes the store, and the backup ends with the next start: no answer."""
        site, name = self.site, f"b{self.number}"
        self.number += 1

        def names(what):
            answer = Ctl.parsed(site.ctl.run(what, "list"))
            return {one["name"]: one for one in answer.get(what, [])}
        made = site.ctl.run("backups", "create", name).returncode == 0
        wait_for(lambda: self.is_closed() or all(one.get("done") for one in names("operations").values()),
                 30, "the backup ends")
        if self.is_closed():
            return ()
        auditor = Ctl(f"unix:{site.root}/auditor.sock")
        return made and f"backups/{name}" in names("backups"), auditor.run("audit", "list").returncode == 0

    def is_closed(self):
        return '"event":"store_state"' in self.says() or not self.site.keymastd.running()

    def one_while_it_looks_back(self, call, n):
        """As `one_while_it_runs`, of what reads its files."""
        return self.one_while_it_runs(call, n, self.look_back)

    def one_while_it_runs(self, call, n, before=None):
        """As `one`, of a server that has started without a fault."""
        site = self.site
        self.said = len(site.keymastd.log())
        keymastd = site.start_server(under=["env", WITHOUT_LEAKS])
        self.starts(keymastd)
        wait_for(self.is_connected, 30, "keymast-api finds it")
        self.trace.unlink(missing_ok=True)
        tracer = site.start_process("strace", "strace", "-p", keymastd.popen.pid,
                                    *self.tracing(call, n))
        status = pathlib.Path(f"/proc/{keymastd.popen.pid}/task")
        wait_for(lambda: all("TracerPid:\t0\n" not in (task / "status").read_text()
                             for task in status.iterdir()), 30, "strace has all threads")
        fault = f"{call} {n}, while it runs"
        could = before() if before else ()
        if before:
            # The proof reads, too: of a server that nothing fails for any more.
            tracer.popen.send_signal(signal.SIGINT)
            tracer.popen.wait(PATIENCE)
            if self.has_ended(keymastd):
                return self.ended(fault), self.injected_by_then()
        outcome = self.changes(keymastd, fault)
        if not all(could) and outcome == "serves":
            self.assertEqual(self.look_back(), (True, True), f"{call} {n}: what failed once")
            outcome = "looks back at last"
        keymastd.kill()
        tracer.popen.wait(PATIENCE)
        tracer.kill()
        return outcome, self.injected_by_then() if before else self.injected()

    def has_ended(self, keymastd):
        """Whether what closed its store ended it, too: its changes are answered with neither."""
        if not self.is_closed():
            return False
        self.site.ctl.run("subscribers", "delete", "nobody", "--timeout", "2s")
        wait_for(lambda: self.is_connected() or not keymastd.running(), 30, "it ends, or answers")
        return not keymastd.running()

    def ended(self, fault):
        """Of a server whose reads fail in two threads: where it cannot read back what is durable, it ends."""
        self.site.keymastd.kill()
        self.assertGreater(self.site.keymastd.popen.returncode, 0, f"{fault}: {self.says()}")
        self.assertNotIn("Sanitizer", self.says())
        self.assertIn('"event":"commit_failed"', self.says(), fault)
        outcome = "ended: " + self.says().strip()
        self.start_without(fault)
        return outcome

    def all_of(self, call, one):
        outcomes, n = collections.Counter(), 1
        while True:
            outcome, injected = one(call, n)
            if not injected:
                break
            if outcome.startswith(("refused", "ended")):
                reason = outcome.splitlines()[-1]
                # In words, and of the file.
                self.assertRegex(reason, rf"{self.site.root}|master key", f"{call} {n}: {injected}")
            outcomes[outcome.split(":")[0]] += 1
            n = following(n)
        self.assertEqual(outcome, "serves", f"{call} {n}: nothing failed")
        self.assertTrue(outcomes, f"{call} touches nothing of the store")
        print(f"{call}: {dict(outcomes)}, none at {n}", flush=True)
        return outcomes

    def test_each(self):
        site = self.site.up()
        site.create_channel()
        member = site.member_with_receiver("one", "member")
        wait_for(lambda: member.last.get("mtk_id"), 20, "the receiver holds an MTK")
        site.keymastd.kill()
        seen = collections.Counter()
        for call in AT_THE_START:
            seen += self.all_of(call, self.one)
        # Whether one of them hits the first commits, which would close the store, is a matter of threads.
        self.assertEqual(set(seen) - {"closed"}, {"refused", "serves"})
        print("while it runs:", flush=True)
        for call in WHILE_IT_RUNS:
            self.assertIn("closed", self.all_of(call, self.one_while_it_runs))
        for call, outcome in READS_WHILE_IT_RUNS.items():
            self.assertIn(outcome, self.all_of(call, self.one_while_it_looks_back))
        self.proofs.tell()
        prove(site, site.ctl, forgers=self.proofs.forgers)


if __name__ == "__main__":
    unittest.main(verbosity=2)
