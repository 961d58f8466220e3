# SPDX-License-Identifier: Apache-2.0
"""Real faults at three sites, what Prometheus says of each, and their mending."""

import calendar
import os
import random
import signal
import socket
import subprocess
import threading
import time

from certificates import Authority
from harness import BIN, Site, free_port, wait_for
from http2 import open_streams
from joins import Proxy, led_to
from prometheus import Prometheus
from set_clock import SetClock

IS_ROOT = os.geteuid() == 0


class Flood:
    """Sends datagrams to keymastd from many sockets, at a rate, until it is closed. What it is late with is
    sent later."""

    def __init__(self, port, rate, make, sockets=1):
        self.ways = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(sockets)]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(("127.0.0.1", port), rate, make))
        self.thread.start()

    def _run(self, to, rate, make):
        begun, sent = time.monotonic(), 0
        while not self.over.wait(0.05):
            due = int((time.monotonic() - begun) * rate)
            for _ in range(due - sent):
                random.choice(self.ways).sendto(make(), to)
            sent = due

    def close(self):
        self.over.set()
        self.thread.join()
        for way in self.ways:
            way.close()


class Scene:
    """One site under Prometheus; `fired` is what did."""

    def __init__(self, case):
        self.site = Site(f"alerts-{type(self).__name__.lower()}")
        case.addCleanup(self.site.close)
        self.case = case
        self.fired = set()

    def watch(self):
        self.prometheus = Prometheus(self.site)
        self.resolves = self.prometheus.resolves

    def fires(self, *names, **more):
        self.prometheus.fires(*names, **more)
        self.fired.update(names)

    def flood(self, *arguments, **more):
        flood = Flood(self.site.mikey_port, *arguments, **more)
        self.case.addCleanup(flood.close)
        return flood

    def reload(self):
        self.site.keymastd.popen.send_signal(signal.SIGHUP)

    def is_not_ready(self, reason):
        """keymast-api asks keymastd each second."""
        wait_for(lambda: reason in self.site.page("readyz").split(), 60,
                 lambda: f"{reason}, not {self.site.page('readyz')}")


class Network(Scene):
    """Members, headends, datagrams, clients and files of joins."""

    batches = 0  # of subscribers

    def up(self):
        site = self.site
        self.authority = Authority(site.root)
        self.renew(end=100, list_end=20)
        site.write_configuration(**{
            "mikeyv2.certificates": [f"{site.root}/server.pem"],
            "mikeyv2.private_keys": [f"{site.root}/server.key.pem"],
            "mikeyv2.anchors": [str(self.authority.file)],
            "mikeyv2.revocation_lists": [f"{site.root}/authority.crl"],
            "mikeyv2.cookies_above": 1})
        with open(site.root / "keymast-api.toml", "a", encoding="ascii") as configuration:
            configuration.write("max_calls = 4096\n")
        site.up()

    def renew(self, end, list_end):
        self.authority.issue("server", dns="example.org", controller=True, end=end)
        self.authority.revoke(end=list_end)

    def without_an_interface(self):
        lost = self.site.channel_definition("lost", "239.255.42.2")
        lost["multicast"]["interfaceAddress"] = "192.0.2.77"
        lost["keyGroup"] = 2
        for number, stream in enumerate(lost["streams"]):
            stream["ssrc"] = 0xb0000001 + number
        self.site.create_channel("lost", definition=lost)

    def captured_cap(self):
        """The first CAP of a receiver that joins by MIKEYv2 and is led astray."""
        site, caps = self.site, []
        proxy = Proxy(site.mikey_port, lambda _, octets: caps.append(octets) or True)
        self.case.addCleanup(proxy.close)
        joiner = site.start_process(
            "joiner", BIN / "keymast-receiver", "--sdp", led_to(proxy, site, "one"), "--key-file",
            site.credentials["dark"], "--identity", "dark@example.org", "--listen",
            f"127.0.0.1:{free_port()}", "--interface", "127.0.0.1", "--state",
            site.root / "joiner.state", "--join", "all")
        wait_for(lambda: caps, 60, lambda: f"a CAP comes: {joiner.log()[-800:]}")
        joiner.kill()
        return caps[0]

    def run(self):
        site = self.site
        self.up()
        site.create_channel()
        site.enrol_headend("one")  # it does not run
        site.create_subscriber("dark")
        site.add_member("one", "dark")  # and no receiver
        self.without_an_interface()
        (site.root / "server.pem").write_text("no certificate\n")
        self.reload()
        self.watch()
        cap = self.captured_cap()
        floods = [self.flood(400, lambda: os.urandom(100)),
                  self.flood(100, lambda: cap[:4] + os.urandom(4) + cap[8:], sockets=50)]
        self.watch_without_reading()
        all_of_them = ("ReloadFailed", "CertificateEnds", "RevocationListEnds", "MtkSilence",
                       "UnconfirmedMembers", "SwitchHeld", "NoHeadend", "DiscardStorm",
                       "JoinOverload", "CallsRefused", "WatchersCut")
        self.fires(*all_of_them, again=self.watch_without_reading)

        for flood in floods:
            flood.close()
        self.renew(end=400, list_end=400)
        self.reload()
        site.ctl.call("members", "expel", "one", "dark")
        site.ctl.call("channels", "delete", "lost", "--force")
        site.start_headend()
        self.stop_and_go()
        # While keymastd runs: without it there is nothing that could fire.
        self.resolves(*all_of_them, "RekeyLate")
        site.keymastd.kill()
        self.fires("CoreAway")
        site.start_server()
        self.resolves("CoreAway")
        site.api.kill()
        self.fires("ApiDown")
        site.start_api()
        self.resolves("ApiDown")

    def watch_without_reading(self):
        """More watches than are taken, and more events than anybody keeps for those."""
        for connection in open_streams(f"{self.site.root}/auditor.sock", b"/keymast.v1.Rekeys/Watch", 750):
            self.case.addCleanup(connection.close)
        self.site.create_subscribers(f"s{self.batches}x", 500)
        self.batches += 1

    def stop_and_go(self):
        """Messages of a process that is stopped for half of each second are late."""
        keymastd, over = self.site.keymastd.popen, threading.Event()

        def go_on():
            while not over.wait(0.6):
                keymastd.send_signal(signal.SIGSTOP)
                time.sleep(0.5)
                keymastd.send_signal(signal.SIGCONT)
        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            self.fires("RekeyLate")
        finally:
            over.set()
            thread.join()


class Disks(Scene):
    """Disks that are full, slow, and broken."""

    def run(self):
        self.sink = self.site.root / "sink"
        os.mkfifo(self.sink)
        self.read_sink()
        if IS_ROOT:
            self.full()
        else:
            print("LEFT OUT: StoreFull, RecordIncomplete: mounting a small disk needs root")
            self.site.write_configuration(audit_sink=str(self.sink))
            self.site.up()
            self.site.create_channel()
            self.watch()
        self.without_a_reader()
        self.slow_then_broken()

    def read_sink(self):
        """A reader that stays when keymastd ends."""
        self.reader = self.site.start_process("reader", "sh", "-c", f"exec cat <>{self.sink}")
        wait_for(self.is_read, 60, "the sink is read")

    def is_read(self):
        try:
            os.close(os.open(self.sink, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:  # nobody has it open
            return False
        return True

    def without_a_reader(self):
        self.reader.kill()
        wait_for(self.change_fails, 60, "a change is refused")
        self.fires("AuditBlocked")
        self.is_not_ready("audit_blocked")
        self.read_sink()
        self.resolves("AuditBlocked")

    def small_disk(self, name, size):
        disk = self.site.root / name
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], check=True)
        self.case.addCleanup(subprocess.run, ["umount", "-l", str(disk)], check=True)
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

    def full(self):
        site = self.site
        disk, records = self.small_disk("disk", "12m"), self.small_disk("records", "64k")
        site.write_configuration(data=str(disk / "data"), record=str(records / "record.pcapng"),
                                 audit_sink=str(self.sink))
        site.up()
        site.create_channel()
        self.watch()
        fillers = [self.fill(disk), self.fill(records)]
        self.fires("StoreFull", "KeyExpiresBeforeNextRekey", "RecordIncomplete")
        for filler in fillers:
            filler.unlink()
        self.resolves("StoreFull", "KeyExpiresBeforeNextRekey", "RecordIncomplete")

    def start_with(self, fault):
        """keymastd whose syncs go wrong as strace is told."""
        site = self.site
        site.keymastd.kill()
        site.start_server(under=["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e",
                                 "trace=fdatasync,fsync,sync_file_range", "-e",
                                 f"inject=fdatasync:{fault}"])
        site.wait_ready()

    def change_fails(self):
        name = str(time.monotonic())
        return self.site.ctl.run("channels", "update", "one", "--display-name", name).returncode != 0

    def slow_then_broken(self):
        self.start_with("delay_enter=700000")
        self.fires("CommitSlow")
        self.start_with("error=EIO:when=20+")
        wait_for(self.change_fails, 60, "a sync has failed")
        self.fires("StoreClosed", "KeyExpiresBeforeNextRekey")
        self.is_not_ready("store_closed")
        self.site.keymastd.kill()
        self.site.start_server()
        self.resolves("CommitSlow", "StoreClosed", "KeyExpiresBeforeNextRekey")


class Clocks(Scene):
    """A clock that is set, one that is wrong at the start, and Key Numbers that go."""

    ahead = 0  # s that the clock was set, at most

    def start(self):
        self.clock.set(0)
        self.site.start_server(under=self.clock.under)
        self.site.wait_ready()

    def run(self):
        site = self.site.init()
        self.clock = SetClock(site.root)
        site.start_api()
        self.start()
        site.create_channel()
        self.watch()
        self.step()
        self.fires("ClockStep", again=self.step)
        wait_for(self.keys_follow, 180, "keys follow the clock")
        site.keymastd.kill()
        self.start()
        self.fires("ClockUnsure")
        self.is_not_ready("clock_unsure")
        self.step()
        self.resolves("ClockUnsure", "ClockStep")
        # A start on data that may be older than what was done skips half of the numbers left.
        for _ in range(5):
            site.keymastd.stop()
            (site.root / "witness").unlink()
            site.start_server("--accept-rollback")
            site.wait_ready()
        self.fires("KeyNumbersLow")
        site.ctl.call("channels", "delete", "one", "--force")
        self.resolves("KeyNumbersLow")

    def step(self):
        """One hour further ahead than it ever was."""
        self.ahead += 3600
        self.clock.set(self.ahead)

    def keys_follow(self):
        """The newest was made by the clock as it is set, and not an hour before."""
        made = self.site.ctl.call("rekeys", "list", "one")["rekeys"][0]["prepareTime"]
        made = calendar.timegm(time.strptime(made[:19], "%Y-%m-%dT%H:%M:%S"))
        return made > time.time() + self.ahead - 1800
