# SPDX-License-Identifier: Apache-2.0
"""What the invariants of a run are judged by: taken from its programs while they run, once more after
kill -9 and a start without faults, and from what they leave behind."""

import base64
import itertools
import json
import pathlib
import re
import socket
import sys
import time

from canaries import files
from harness import BIN, PATIENCE, Ctl, wait_for
from memory import memory, traces

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))

from reuse import ledger, pcapng  # noqa: E402 (the path is set above)

FORGERIES = 20
DISCARDED = "keymast_datagrams_discarded_total{"


class Evidence:
    """Of one run; judged in invariants.py, each attribute by what it says it is."""

    def __init__(self, site, acknowledged):
        self.site = site
        self.acknowledged = acknowledged
        self.blobs = []        # (what, octets) that somebody may find
        self.memory = None     # octets of keymastd's
        self.on_air = {}       # channel -> (MSK ID, MTK ID) when the memory was taken
        self.held = 0          # switches that waited for a headend
        self.forged = None     # (sent, discarded, state changed, answers)
        self.forgers = set()   # who sent forgeries: no part of the run
        self.receivers = []    # (name, what it holds, what was on air when it was asked)
        self.descriptors = {}  # "before", "after" the start -> count
        self.resident = {}     # the same, octets
        self.sanitized = False
        self.epochs = []       # (epoch, incarnation) of each start that keymastd logged
        self.channels = []     # as the API lists them after the start
        self.rekeys = {}       # channel -> its history
        self.listed = {}       # resource -> its fields
        self.audit = []        # records
        self.verified = None   # what keymastctl audit verify says against it, empty: nothing
        self.check = None      # what keymastd check says
        self.ended = {}        # program -> exit status

    def take(self):
        site = self.site
        if not site.keymastd.running():
            site.start_server()
        if not site.api.running():
            site.start_api()
        site.wait_ready()
        self.look_at_the_living()
        site.keymastd.kill()
        # Without the faults that it was started with.
        site.start_server()
        site.wait_ready()
        self.list_all()
        self.ask_receivers()
        self.measure("after")
        self.stop()
        self.read_recordings()
        return self

    def running(self):
        return [process for process in self.site.processes if process.running()]

    def look_at_the_living(self):
        site = self.site
        for process in self.running():
            # Command line and environment come first.
            self.blobs += [(f"{process.name}: {what}", octets)
                           for what, octets in itertools.islice(traces(process.popen.pid), 2)]
        self.measure("before")
        self.forge()
        self.blobs.append(("metrics", site.metrics().encode()))
        self.held = int(site.metric("keymast_mtk_switches_held_total "))
        pid = site.keymastd.popen.pid
        for channel in site.ctl.call("channels", "list").get("channels", []):
            active = channel["keyState"].get("active")
            if active:
                self.on_air[channel["name"]] = int(active["mskId"], 16), active["mtkId"]
        self.sanitized = "libasan" in pathlib.Path(f"/proc/{pid}/maps").read_text()
        try:
            self.memory = memory(pid)
        except PermissionError:
            pass  # a hardened process, and not root

    def measure(self, when):
        self.descriptors[when] = self.site.metric("keymast_core_open_fds ")
        self.resident[when] = self.site.metric("keymast_core_resident_memory_bytes ")

    def samples(self):
        """Real messages with a wrong last octet, which is one of the MAC."""
        found = [b"\x01\x00\x05" + bytes(60)]
        record = self.site.root / "keymastd.pcapng"
        if record.exists():
            for datagram in pcapng.datagrams(record.read_bytes()):
                if not datagram.target[0].is_multicast and len(datagram.octets) > 20:
                    found.append(datagram.octets[:-1] + bytes([datagram.octets[-1] ^ 1]))
        return found[-FORGERIES:]

    def forge(self):
        """A schedule or a member may change the state meanwhile, but hardly each time."""
        site, samples = self.site, self.samples()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.bind(("127.0.0.1", 0))
            out.settimeout(0.2)
            self.forgers.add(out.getsockname()[1])
            answers = 0
            for _ in range(20):
                before, counted = site.state_hash(), site.metric(DISCARDED)
                for octets in itertools.islice(itertools.cycle(samples), FORGERIES):
                    out.sendto(octets, ("127.0.0.1", site.mikey_port))
                wait_for(lambda: site.metric(DISCARDED) >= counted + FORGERIES, 30,
                         "forgeries are counted")
                changed = site.state_hash() != before
                try:
                    out.recv(2000)
                    answers += 1
                except TimeoutError:
                    pass
                self.forged = (FORGERIES, int(site.metric(DISCARDED) - counted), changed,
                               answers)
                if not changed:
                    return

    def list_all(self):
        site = self.site
        self.channels = site.ctl.call("channels", "list").get("channels", [])
        lists = [self.channels, site.ctl.call("subscribers", "list").get("subscribers", []),
                 site.ctl.call("headends", "list").get("headends", [])]
        for channel in self.channels:
            name = channel["name"].split("/")[1]
            lists.append(site.ctl.call("members", "list", name).get("members", []))
            self.rekeys[channel["name"]] = site.ctl.call("rekeys", "list", name).get("rekeys", [])
        self.listed = {one["name"]: one for one in itertools.chain(*lists)}
        auditor = Ctl(f"unix:{site.root}/auditor.sock")
        end = auditor.call("audit", "export", site.root / "audit.jsonl")
        self.audit_end = f"{end['sequence']}:{base64.b64decode(end['hash']).hex()}"
        self.audit_key = base64.b64decode(site.ctl.call("status")["auditPublicKey"]).hex()
        self.read_audit()

    def read_audit(self):
        """Of the file alone, as an auditor who kept the key and the end."""
        file = self.site.root / "audit.jsonl"
        self.audit = [json.loads(line) for line in file.read_text().splitlines()]
        done = self.site.ctl.run("audit", "verify", file, "--public-key", self.audit_key, "--expect",
                                 self.audit_end)
        self.verified = (f"audit verify ends with {done.returncode}: {done.stderr.strip()}"
                         if done.returncode else "")

    def ask_receivers(self):
        """Each that is a member comes to hold what was on air when it was asked, or what came after."""
        on_air = {channel["name"]: channel["keyState"].get("active") for channel in self.channels}
        for process in self.running():
            name = process.name.removeprefix("receiver-")
            member = f"channels/{process.last.get('channel')}/members/{name}"
            active = on_air.get(member.rsplit("/members/", 1)[0])
            if name == process.name or not active or not self.listed.get(member, {}).get("joined"):
                continue
            wanted = int(active["mskId"], 16), active["mtkId"]

            def held(lines=process.lines):
                last = lines[-1]
                return (last.get("msk_id") or 0, last.get("mtk_id") or 0)
            until = time.monotonic() + PATIENCE
            while held() < wanted and time.monotonic() < until:
                time.sleep(0.1)
            self.receivers.append((name, held(), wanted))

    def stop(self):
        site = self.site
        for source in getattr(site, "sources", []):
            source.stop()
        # Who is served goes before who serves.
        for process in sorted(self.running(), key=lambda one: one is site.keymastd):
            self.ended[process.name] = process.stop()
        done = site.run(BIN / "keymastd", "check", "--config", site.root / "keymastd.toml")
        self.check = ("" if done.returncode == 0 else
                      f"keymastd check ends with {done.returncode}: {done.stdout}{done.stderr}")

    def read_recordings(self):
        """From files alone, so that a test may alter them and read again."""
        site = self.site
        users = {f"{name}@example.org": path.read_bytes()
                 for name, path in site.credentials.items()}
        records = [path for path in dict.fromkeys(site.records) if path.exists()]
        self.book = ledger.Ledger(users)

        def recordings(on_cut):
            for record in records:
                yield (datagram for datagram in pcapng.datagrams(record.read_bytes(), on_cut)
                       if datagram.source[1] not in self.forgers)
        self.book.read(recordings, lambda: None)
        record = site.root / "keymastd.pcapng"
        self.sent = record.read_bytes() if record.exists() else b""
        self.logs = {path.name: path.read_bytes() for path in site.root.glob("*.log")}
        started = [json.loads(line) for line in
                   self.logs.get("keymastd.log", b"").decode(errors="replace").splitlines()
                   if line.startswith("{") and '"event":"started"' in line]
        self.epochs = [(int(line["epoch"]), int(line["incarnation"])) for line in started]

    def left_behind(self, records):
        """(what, octets) of files and outputs; recordings apart from the rest."""
        if not records:
            yield from self.blobs
            yield from ((f"{process.name}: lines", json.dumps(process.lines).encode())
                        for process in self.site.processes)
        yield from files(self.site.root, records)

    def index_ends(self):
        """SSRC -> what the state files of headends say is used or reserved at most."""
        ends = {}
        for path in self.site.root.glob("*.state"):
            for ssrc, end in re.findall(rb"^index \S+ \d+ (\d+) (\d+)$", path.read_bytes(), re.MULTILINE):
                ends[int(ssrc)] = max(ends.get(int(ssrc), 0), int(end))
        return ends
