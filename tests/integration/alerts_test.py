# SPDX-License-Identifier: Apache-2.0
"""Each alert fires by a real fault, as Prometheus itself says, and ends when that is mended."""

import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from certificates import Authority
from harness import BIN, Site, free_port, wait_for
from prometheus import RULES, SOURCE, TOOLS, Prometheus, faster

FAKETIME = next((path for path in (
    f"/usr/lib/{machine}-linux-gnu/faketime/libfaketimeMT.so.1" for machine in ("x86_64", "aarch64"))
    if os.path.exists(path)), None)
FIRED = set()


class Flood:
    """Sends datagrams to keymastd from many sockets, at a rate, until it is closed."""

    def __init__(self, port, rate, make, sockets=1):
        self.ways = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(sockets)]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(("127.0.0.1", port), rate, make))
        self.thread.start()

    def _run(self, to, rate, make):
        while not self.over.wait(0.05):
            for _ in range(rate // 20):
                random.choice(self.ways).sendto(make(), to)

    def close(self):
        self.over.set()
        self.thread.join()
        for way in self.ways:
            way.close()


class Alerts(unittest.TestCase):
    def setUp(self):
        self.site = Site("alerts")
        self.addCleanup(self.site.close)

    def watch(self):
        self.prometheus = Prometheus(self.site)

    def fires(self, *names, **more):
        self.prometheus.fires(*names, **more)
        FIRED.update(names)

    def flood(self, *arguments, **more):
        flood = Flood(self.site.mikey_port, *arguments, **more)
        self.addCleanup(flood.close)
        return flood

    def small_disk(self, name, size):
        disk = self.site.root / name
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)], check=True)
        return disk

    @staticmethod
    def fill(disk):
        with open(disk / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(1 << 12))
            except OSError:
                pass
        return disk / "filler"

    def captured_cap(self):
        """The first CAP of a receiver that joins by MIKEYv2, which gets no answer."""
        site = self.site
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
            near.bind(("127.0.0.1", 0))
            near.settimeout(30)
            text = (site.root / "one.sdp").read_text()
            astray = re.sub(r"(a=mikeyv2-join:\S+) \d+ ", rf"\1 {near.getsockname()[1]} ", text)
            self.assertNotEqual(text, astray)
            (site.root / "astray.sdp").write_text(astray)
            joiner = site.start_process(
                "joiner", BIN / "keymast-receiver", "--sdp", site.root / "astray.sdp", "--key-file",
                site.credentials["dark"], "--identity", "dark@example.org", "--listen",
                f"127.0.0.1:{free_port()}", "--interface", "127.0.0.1", "--state",
                site.root / "joiner.state", "--join", "all")
            cap = near.recv(65535)
            joiner.kill()
        return cap

    def stall_watches(self, count):
        """HTTP/2 streams of auditors that ask for events and never read one."""
        def literal(name, value):
            return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value
        def frame(kind, flags, stream, payload):
            return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
        head = b"".join(literal(*pair) for pair in (
            (b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/keymast.v1.Rekeys/Watch"),
            (b":authority", b"x"), (b"content-type", b"application/grpc"), (b"te", b"trailers")))
        for _ in range(0, count, 250):
            connection = socket.socket(socket.AF_UNIX)
            self.addCleanup(connection.close)
            connection.connect(f"{self.site.root}/auditor.sock")
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b""))
            for number in range(1, 500, 2):
                connection.sendall(frame(1, 4, number, head) + frame(0, 1, number, bytes(5)))

    def make_subscribers(self, count):
        rows = []
        for i in range(count):
            key = self.site.root / f"s{i}.key"
            key.touch(0o600)
            key.write_bytes(os.urandom(16))
            rows.append(f"s{i},s{i}@example.org,{key}\n")
        (self.site.root / "rows.csv").write_text("".join(rows))
        done = self.site.ctl.run("subscribers", "batch-create", "--csv", self.site.root / "rows.csv",
                                 timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)

    def with_certificates(self, end, list_end):
        authority = Authority(self.site.root)
        authority.issue("server", dns="example.org", controller=True, end=end)
        return authority, {
            "mikeyv2.certificates": [f"{self.site.root}/server.pem"],
            "mikeyv2.private_keys": [f"{self.site.root}/server.key.pem"],
            "mikeyv2.anchors": [str(authority.file)],
            "mikeyv2.revocation_lists": [str(authority.revoke(end=list_end))],
        }

    def test_1_network_people_and_files(self):
        site = self.site
        authority, files = self.with_certificates(end=100, list_end=20)
        site.write_configuration(**files, **{"mikeyv2.cookies_above": 1})
        with open(site.root / "keymast-api.toml", "a", encoding="ascii") as configuration:
            configuration.write("max_calls = 4096\n")
        site.up()
        site.create_channel()
        site.enrol_headend("one")
        site.create_subscriber("dark")
        site.add_member("one", "dark")  # no receiver is there
        lost = site.channel_definition("lost", "239.255.42.2")
        lost["multicast"]["interfaceAddress"] = "192.0.2.77"
        lost["keyGroup"] = 2
        for number, stream in enumerate(lost["streams"]):
            stream["ssrc"] = 0xb0000001 + number
        site.create_channel("lost", definition=lost)
        (site.root / "server.pem").write_text("no certificate\n")
        site.keymastd.popen.send_signal(signal.SIGHUP)
        self.watch()
        garbage = self.flood(400, lambda: os.urandom(100))
        cap = self.captured_cap()
        strangers = self.flood(100, lambda: cap[:4] + os.urandom(4) + cap[8:], sockets=50)
        self.stall_watches(750)
        self.make_subscribers(500)
        self.fires("ReloadFailed", "CertificateEnds", "RevocationListEnds", "MtkSilence",
                   "UnconfirmedMembers", "SwitchHeld", "NoHeadend", "DiscardStorm", "JoinOverload",
                   "CallsRefused", "WatchersCut", seconds=90)

        garbage.close()
        strangers.close()
        authority.issue("server", dns="example.org", controller=True, end=400)
        authority.revoke(end=400)
        site.keymastd.popen.send_signal(signal.SIGHUP)
        site.ctl.call("members", "expel", "one", "dark")
        site.ctl.call("channels", "delete", "lost", "--force")
        site.start_headend()
        # Late are messages of a process that was stopped: half a second of each one.
        until = time.monotonic() + 60
        while "RekeyLate" not in self.prometheus.alerts() and time.monotonic() < until:
            site.keymastd.popen.send_signal(signal.SIGSTOP)
            time.sleep(0.5)
            site.keymastd.popen.send_signal(signal.SIGCONT)
            time.sleep(0.3)
        self.fires("RekeyLate", seconds=1)
        site.keymastd.kill()
        self.fires("CoreAway")
        site.start_server()
        self.prometheus.resolves(
            "ReloadFailed", "CertificateEnds", "RevocationListEnds", "MtkSilence", "SwitchHeld",
            "UnconfirmedMembers", "NoHeadend", "DiscardStorm", "JoinOverload", "CallsRefused",
            "WatchersCut", "RekeyLate", "CoreAway", seconds=90)
        site.api.kill()
        self.fires("ApiDown")
        site.start_api()
        self.prometheus.resolves("ApiDown")

    def start_with(self, *options):
        """keymastd whose syncs go wrong as `strace` is told."""
        site = self.site
        site.keymastd = site.start_process(
            "keymastd", "strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e",
            "trace=fdatasync,fsync,sync_file_range", *options, BIN / "keymastd", "run", "--config",
            site.root / "keymastd.toml")
        site.wait_ready()

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small disk needs root")
    def test_2_disks_that_are_full(self):
        site = self.site
        disk, records = self.small_disk("disk", "12m"), self.small_disk("records", "64k")
        site.write_configuration(data=str(disk / "data"), record=str(records / "record.pcapng"))
        site.up()
        site.create_channel()
        self.watch()
        fillers = [self.fill(disk), self.fill(records)]
        self.fires("StoreFull", "KeyExpiresBeforeNextRekey", "RecordIncomplete")
        for filler in fillers:
            filler.unlink()
        self.prometheus.resolves("StoreFull", "KeyExpiresBeforeNextRekey")

    def test_3_a_disk_that_is_slow_and_one_that_fails(self):
        site = self.site.init()
        site.start_api()
        self.start_with("-e", "inject=fdatasync:delay_enter=700000")
        site.create_channel()
        self.watch()
        self.fires("CommitSlow")
        site.keymastd.kill()
        self.start_with("-e", "inject=fdatasync:error=EIO:when=20+")
        wait_for(self.change_fails, 60, "a sync has failed")
        self.fires("StoreClosed", "KeyExpiresBeforeNextRekey")
        self.assertIn("store_closed", self.not_ready())
        site.keymastd.kill()
        site.start_server()
        self.prometheus.resolves("CommitSlow", "StoreClosed", "KeyExpiresBeforeNextRekey")

    def change_fails(self):
        name = str(time.monotonic())
        return self.site.ctl.run("channels", "update", "one", "--display-name", name).returncode != 0

    def not_ready(self):
        done = self.site.run("curl", "-s", f"http://127.0.0.1:{self.site.http_port}/readyz")
        return done.stdout

    def start_at(self, offset):
        """keymastd whose wall clock, and no other, is ahead by what the file says."""
        site = self.site
        self.offset = site.root / "offset"
        self.offset.write_text(offset)
        site.keymastd = site.start_process(
            "keymastd", "env", f"LD_PRELOAD={FAKETIME}", f"FAKETIME_TIMESTAMP_FILE={self.offset}",
            "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
            "ASAN_OPTIONS=verify_asan_link_order=0", BIN / "keymastd", "run", "--config",
            site.root / "keymastd.toml")
        site.wait_ready()

    def test_4_clocks_and_numbers(self):
        self.assertIsNotNone(FAKETIME, "Debian's package libfaketime is not installed")
        site = self.site.init()
        site.start_api()
        self.start_at("+0\n")
        site.create_channel()
        self.watch()
        self.offset.write_text("+1h\n")
        self.fires("ClockStep")
        site.keymastd.kill()
        self.start_at("+0\n")
        self.fires("ClockUnsure")
        self.assertEqual(self.not_ready(), "clock_unsure\n")
        self.offset.write_text("+2h\n")
        self.prometheus.resolves("ClockUnsure", "ClockStep")
        # A start on data that may be older than what was done skips half of the numbers left.
        for _ in range(5):
            site.keymastd.stop()
            (site.root / "witness").unlink()
            site.start_server("--accept-rollback")
            site.wait_ready()
        self.fires("KeyNumbersLow")
        site.ctl.call("channels", "delete", "one", "--force")
        self.prometheus.resolves("KeyNumbersLow")

    def test_5_every_alert_has_fired(self):
        named = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
        if os.geteuid() != 0:
            named -= {"StoreFull", "RecordIncomplete"}
        self.assertEqual(FIRED, named)


class Rules(unittest.TestCase):
    def promtool(self, *words):
        done = subprocess.run([SOURCE / "scripts/promtool", TOOLS, *words], capture_output=True,
                              text=True, cwd=RULES.parent, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_promtool_takes_them_and_their_tests(self):
        self.promtool("check", "rules", RULES.name)
        self.promtool("check", "config", "prometheus.yml")
        self.promtool("test", "rules", "keymast.test.yml")

    def test_each_is_tested_and_has_its_section_of_the_runbook(self):
        named = re.findall(r"- alert: (\w+)", RULES.read_text())
        tested = re.findall(r'alertname="(\w+)", alertstate="firing", instance="bad"',
                            (RULES.parent / "keymast.test.yml").read_text())
        self.assertEqual(set(named), set(tested))
        sections = re.findall(r"^## (\w+)$", (SOURCE / "docs/runbook.md").read_text(), re.MULTILINE)
        self.assertEqual(named, sections)
        anchors = re.findall(r"runbook_url: docs/runbook.md#(\w+)", RULES.read_text())
        self.assertEqual(anchors, [name.lower() for name in named])

    def test_each_section_says_what_there_is_to_say(self):
        sections = re.split(r"^## \w+$", (SOURCE / "docs/runbook.md").read_text(), flags=re.MULTILINE)
        for section in sections[1:]:
            for word in ("Means", "Viewers", "Do", "Resolves"):
                self.assertIn(f"**{word}**", section)
            commands = re.search(r"^```\n(.*?)\n```", section, re.MULTILINE | re.DOTALL)[1]
            self.assertEqual(len(commands.splitlines()), 3, section)

    def test_faster_rules_differ_in_durations_alone(self):
        rules = RULES.read_text()
        self.assertIn("for: 15m", rules)
        text = faster(rules)
        self.assertIn("for: 15000ms", text)
        self.assertIn("for: 250ms", text)
        self.assertIn("[5000ms]", text)
        durations = r"\b\d+(ms|[smh])\b"
        self.assertEqual(re.sub(durations, "", rules), re.sub(durations, "", text))


if __name__ == "__main__":
    unittest.main(verbosity=2)
