# SPDX-License-Identifier: Apache-2.0
"""What the invariants of a run are judged by: taken from its programs while they run, once more after
kill -9 and a start without faults, and from what they leave behind."""

import base64
import concurrent.futures
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


def at_once(*calls):
    """What each gives; they wait for programs, mostly."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return [done.result() for done in [pool.submit(call) for call in calls]]


class Evidence:
    """Of one run; judged in invariants.py, each attribute by what it says it is."""

    def __init__(self, site, acknowledged):
        self.site = site
        self.acknowledged = acknowledged
        self.blobs = []        # (what, octets) that somebody may find
        self.memory = None     # octets of keymastd's
        self.on_air = {}       # channel -> (MSK ID, MTK ID) when the memory was taken
        self.held = 0          # switches that waited for a headend
        self.forged = None     # (sent, discarded, state changed, answers); None: nothing gets there
        self.forger = None     # port that they were sent from: no part of the run
        self.forgers = set()   # ports of a test that did so
        self.receivers = []    # (name, what it holds, what was on air when it was asked)
        self.descriptors = {}  # "before", "after" the start -> count
        self.resident = {}     # the same, octets
        self.sanitized = False
        self.epochs = []       # (epoch, incarnation) of each start that keymastd logged
        self.channels = []     # as the API lists them after the start
        self.rekeys = {}       # channel -> its history
        self.listed = {}       # resource -> its fields
        self.audit = []        # records
        self.audit_key = None  # that verifies them
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
        self.list_channels()
        self.take_memory()
        site.keymastd.kill()
        # Without the faults that it was started with.
        site.start_server()
        site.wait_ready()
        at_once(self.list_channels, self.list_others)
        self.list_below()
        self.ask_receivers()
        self.measure("after")
        self.stop()
        self.check_store()
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
        if not site.is_apart:
            self.forge()
        self.blobs.append(("metrics", site.metrics().encode()))
        self.held = int(site.metric("keymast_mtk_switches_held_total "))

    def take_memory(self):
        """Once it is known what is on air."""
        pid = self.site.keymastd.popen.pid
        for channel in self.channels:
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
        record = self.own_record()
        if record.exists():
            for datagram in pcapng.datagrams(record.read_bytes()):
                if not datagram.target[0].is_multicast and len(datagram.octets) > 20:
                    found.append(datagram.octets[:-1] + bytes([datagram.octets[-1] ^ 1]))
        return found[-FORGERIES:]

    def forging_socket(self):
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        out.bind(("127.0.0.1", 0))
        out.settimeout(0.2)
        self.forger = out.getsockname()[1]
        return out

    def forge(self):
        """A schedule or a member may change the state meanwhile, but hardly each time, however slow the
        machine is."""
        site, samples = self.site, self.samples()
        with self.forging_socket() as out:
            answers, changed, until = 0, True, time.monotonic() + PATIENCE
            while changed and time.monotonic() < until:
                counted, before = site.metric(DISCARDED), site.state_hash()
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

    def listing(self, kind, *of):
        return self.site.ctl.call(kind, "list", *of).get(kind, [])

    def list_channels(self):
        self.channels = self.listing("channels")

    def list_others(self):
        self.subscribers, self.headends, _ = at_once(
            lambda: self.listing("subscribers"), lambda: self.listing("headends"), self.export_audit)

    def list_below(self):
        """The channels; and all of it together."""
        names = [channel["name"].split("/")[1] for channel in self.channels]
        found = at_once(*(lambda kind=kind, of=of: self.listing(kind, of)
                          for kind in ("members", "rekeys") for of in names))
        self.rekeys = {channel["name"]: history
                       for channel, history in zip(self.channels, found[len(names):])}
        self.listed = {one["name"]: one for one in itertools.chain(
            self.channels, self.subscribers, self.headends, *found[:len(names)])}

    def export_audit(self):
        auditor = Ctl(f"unix:{self.site.root}/auditor.sock")
        end = auditor.call("audit", "export", self.site.root / "audit.jsonl")
        self.audit_end = f"{end['sequence']}:{base64.b64decode(end['hash']).hex()}"
        self.read_audit()

    def read_audit(self):
        file = self.site.root / "audit.jsonl"
        self.audit = [json.loads(line) for line in file.read_text().splitlines()]
        self.verify_audit()

    def verify_audit(self):
        """Of the file alone, as an auditor who kept the key and the end."""
        self.audit_key = self.audit_key or base64.b64decode(
            self.site.ctl.call("status")["auditPublicKey"]).hex()
        done = self.site.ctl.run("audit", "verify", self.site.root / "audit.jsonl", "--public-key",
                                 self.audit_key, "--expect", self.audit_end)
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

    def check_store(self):
        """It may run beside keymastd."""
        site = self.site
        done = site.run(BIN / "keymastd", "check", "--config", site.root / "keymastd.toml")
        self.check = ("" if done.returncode == 0 else
                      f"keymastd check ends with {done.returncode}: {done.stdout}{done.stderr}")

    def users(self):
        return {f"{name}@example.org": path.read_bytes()
                for name, path in self.site.credentials.items()}

    def own_record(self):
        return self.site.root / "keymastd.pcapng"

    def recordings(self):
        """Octets of each file. keymastd's is read last: it has the keys of what others met before."""
        records = sorted(dict.fromkeys(self.site.records), key=lambda one: one == self.own_record())
        return {record: record.read_bytes() for record in records if record.exists()}

    def is_forged(self, datagram):
        # The port was another's before, maybe, and may be again.
        ours = (datagram.source[1] == self.forger and datagram.target[1] == self.site.mikey_port
                and not datagram.target[0].is_multicast)
        return ours or datagram.source[1] in self.forgers

    def datagrams(self, octets, on_cut):
        return (datagram for datagram in pcapng.datagrams(octets, on_cut)
                if not self.is_forged(datagram))

    def read_recordings(self):
        """From files alone, so that a test may alter them and read again."""
        self.book = ledger.Ledger(self.users())
        records = self.recordings()
        self.book.read(lambda on_cut: (self.datagrams(octets, on_cut)
                                       for octets in records.values()), lambda: None)
        self.read_logs(records)

    def read_logs(self, records):
        site = self.site
        self.sent = records.get(self.own_record(), b"")
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
