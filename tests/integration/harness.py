# SPDX-License-Identifier: Apache-2.0
"""Starts the real programs on loopback, feeds them RTP, and reads what they say.

Standard library only. Programs come from KEYMAST_BIN (the bin folder of a build). Every process that
a Site starts is ended by it, by pid; nothing is left behind.
"""

import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

CHECKER = pathlib.Path(__file__).resolve().parent.parent / "tools" / "reuse_checker.py"
BIN = pathlib.Path(os.environ["KEYMAST_BIN"])
LONG = os.environ.get("KEYMAST_LONG") == "1"
# Seconds that anything may take on a machine that is slow, or busy with something else: what is waited for
# longer does not come.
PATIENCE = 120


def free_port(kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, seconds, what):
    """Polls until `condition()` is true; fails naming `what`, a text, or what gives one then, after `seconds`
    or PATIENCE, whichever is longer."""
    seconds = max(seconds, PATIENCE)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")


class Process:
    """One program; JSON lines of its standard output are kept in `lines`."""

    def __init__(self, name, argv, log_path, stdin=subprocess.DEVNULL):
        self.name = name
        self.lines = []
        self.log_path = log_path
        self._log = open(log_path, "ab")
        self.popen = subprocess.Popen([str(a) for a in argv], stdin=stdin,
                                      stdout=subprocess.PIPE, stderr=self._log)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.popen.stdout:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self._log.write(line)

    @property
    def last(self):
        return self.lines[-1] if self.lines else {}

    def running(self):
        return self.popen.poll() is None

    def kill(self):
        """kill -9, and wait for it."""
        if self.running():
            self.popen.kill()
        return self._end()

    def stop(self, seconds=PATIENCE):
        """SIGTERM; returns the exit status."""
        if self.running():
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                raise AssertionError(f"{self.name} did not stop within {seconds} s")
        return self._end()

    def _end(self):
        self.popen.wait()
        self._reader.join(5)
        self.popen.stdout.close()
        self._log.close()
        return self.popen.returncode

    def log(self):
        return pathlib.Path(self.log_path).read_text(errors="replace")


class Ctl:
    """keymastctl against one server; `call` returns parsed JSON, `fails` the exit status and text."""

    def __init__(self, server):
        self.server = server

    def run(self, *words, timeout=PATIENCE):
        own = () if "--timeout" in words else ("--timeout", "60s")
        argv = [str(BIN / "keymastctl"), "--server", self.server, "--output", "json", *own,
                *[str(w) for w in words]]
        return subprocess.run(argv, capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)

    def call(self, *words):
        done = self.run(*words)
        if done.returncode != 0:
            raise AssertionError(f"keymastctl {' '.join(map(str, words))}: {done.stderr.strip()}")
        return self.parsed(done)

    @staticmethod
    def parsed(done):
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def fails(self, *words):
        done = self.run(*words)
        assert done.returncode != 0, f"keymastctl {words} should have failed: {done.stdout}"
        return done.returncode, done.stderr


class RtpSource:
    """An encoder stand-in: plain RTP with its own SSRC, sequence and timestamp at a steady rate."""

    def __init__(self, port, payload_type, rate=50, ssrc=0x11223344, sequence=1000):
        self.address = ("127.0.0.1", port)
        self.payload_type = payload_type
        self.period = 1.0 / rate
        self.ssrc = ssrc
        self.sequence = sequence
        self.timestamp = 0
        self.sent = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()
        return self

    def jump(self, sequence, ssrc):
        """What an encoder restart looks like."""
        self.sequence, self.ssrc = sequence, ssrc

    def packet(self, number):
        """Packet `number` from 0, as it was sent or will be if nothing jumps."""
        ahead = number - self.sent
        header = struct.pack("!BBHII", 0x80, self.payload_type, (self.sequence + ahead) & 0xffff,
                             (self.timestamp + 1800 * ahead) & 0xffffffff, self.ssrc)
        return header + struct.pack("!I", number) * 40

    def _run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            due = time.monotonic()
            while not self._stop.is_set():
                out.sendto(self.packet(self.sent), self.address)
                self.sequence += 1
                self.timestamp += 1800
                self.sent += 1
                due += self.period
                self._stop.wait(max(0, due - time.monotonic()))

    def stop(self):
        self._stop.set()
        self._thread.join()


class Site:
    """A server with its API, a headend and receivers in one temporary folder, on free ports."""

    is_apart = False  # whether keymastd is on a network that the test is not on

    def __init__(self, name, interface="127.0.0.1"):
        self.interface = interface  # that the channels' multicast uses
        self._temporary = tempfile.TemporaryDirectory(prefix=f"keymast-{name}-")
        self.root = pathlib.Path(self._temporary.name)
        self.mikey_port = free_port()
        self.http_port = free_port(socket.SOCK_STREAM)
        self.processes = []
        self.records = []
        self.credentials = {}
        self.ctl = Ctl(f"unix:{self.root}/operator.sock")
        self.write_configuration()

    def write_configuration(self, **extra):
        lines = {
            "identity": "bmsc@example.org",
            "data": f"{self.root}/data",
            "witness": f"{self.root}/witness",
            "backups": f"{self.root}/backups",
            "master_key_file": f"{self.root}/master.key",
            "socket": f"{self.root}/core.sock",
            "mikey_listen": f"127.0.0.1:{self.mikey_port}",
            "record": f"{self.root}/keymastd.pcapng",
            **extra,
        }
        (self.root / "keymastd.toml").write_text(
            "".join(f"{k} = {json.dumps(v)}\n" for k, v in lines.items()))
        (self.root / "keymast-api.toml").write_text(
            f'core_socket = "{self.root}/core.sock"\n'
            f'socket_directory = "{self.root}"\n'
            f'http_listen = "127.0.0.1:{self.http_port}"\n')
        self.records.append(self.root / "keymastd.pcapng")

    def start_process(self, name, *argv):
        process = Process(name, argv, self.root / f"{name}.log")
        self.processes.append(process)
        return process

    def run(self, *argv, timeout=PATIENCE):
        return subprocess.run([str(a) for a in argv], capture_output=True, text=True,
                              timeout=timeout, stdin=subprocess.DEVNULL)

    def init(self):
        done = self.run(BIN / "keymastd", "init", "--config", self.root / "keymastd.toml")
        assert done.returncode == 0, done.stderr
        return self

    # `under`: the beginning of a command line that starts the program, such as strace's.

    def start_server(self, *options, under=()):
        self.keymastd = self.start_process("keymastd", *under, BIN / "keymastd", "run", "--config",
                                           self.root / "keymastd.toml", *options)
        return self.keymastd

    def start_api(self, under=()):
        self.api = self.start_process("keymast-api", *under, BIN / "keymast-api", "--config",
                                      self.root / "keymast-api.toml")
        return self.api

    def page(self, path, timeout=PATIENCE):
        """What keymast-api says there, whatever the status."""
        address = f"http://127.0.0.1:{self.http_port}/{path}"
        try:
            with urllib.request.urlopen(address, timeout=timeout) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.read().decode()

    def metrics(self):
        """A scrape with keymastd's part, which is left out when it does not answer within a second."""
        def whole():
            page = self.page("metrics")
            return page if "\nkeymast_build_info{" in page else None
        return wait_for(whole, PATIENCE, "keymastd has its part in a scrape")

    def metric(self, series):
        """The sum of those that begin so: `family `, `family{`, or one with its labels."""
        page = self.page("metrics") if series.startswith("keymast_api_") else self.metrics()
        return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines()
                   if line.startswith(series))

    def wait_readiness(self, *reasons):
        """`readyz` says these and nothing else, or that it is ready: keymast-api asks keymastd each second."""
        page = "".join(f"{reason}\n" for reason in reasons or ("ready",))
        wait_for(lambda: self.page("readyz") == page, PATIENCE, lambda: f"{page}, not {self.page('readyz')}")

    def new_key(self, name, size=16):
        """A key file that is there by then."""
        key = self.root / f"{name}.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(size))
        return key

    def wait_ready(self, seconds=PATIENCE):
        def ready():
            return self.ctl.run("status").returncode == 0
        wait_for(ready, seconds, "the server answers")
        return self

    def up(self):
        self.init()
        self.start_server()
        self.start_api()
        return self.wait_ready()

    def channel_definition(self, channel, group, **policy):
        """JSON of a channel with a video and an audio stream; returns it with its media ports."""
        video, audio, mtk = free_port(), free_port(), free_port()
        definition = {
            "multicast": {"group": group, "mtkPort": mtk, "interfaceAddress": self.interface,
                          "ttl": 0},
            "streams": [
                {"media": "video", "port": video, "ssrc": 0xa0000001, "payloadType": 96,
                 "rtpmap": "H264/90000", "initialSequence": 65000},
                {"media": "audio", "port": audio, "ssrc": 0xa0000002, "payloadType": 97,
                 "rtpmap": "opus/48000/2", "initialSequence": 65000},
            ],
            "keyDomain": "262f01",
            "keyGroup": 1,
            "srtpProfile": "AES_CM_128_HMAC_SHA1_80",
            "policy": {"mtkPeriod": "2s", "mtkLead": "1s", "mtkRepetition": "0.250s",
                       "mskPeriod": "20s", "mskLead": "8s", "mskGiveUp": "4s", **policy},
        }
        return definition

    def create_channel(self, channel="one", group="239.255.42.1", definition=None, **policy):
        definition = definition or self.channel_definition(channel, group, **policy)
        path = self.root / f"{channel}.json"
        path.write_text(json.dumps(definition))
        created = self.ctl.call("channels", "create", channel, "--file", path)
        done = self.ctl.run("channels", "sdp", channel)
        assert done.returncode == 0, done.stderr
        (self.root / f"{channel}.sdp").write_text(done.stdout)
        return created

    def create_subscriber_without_key(self, name):
        """Who joins by certificate."""
        self.ctl.call("subscribers", "create", name, "--identity", f"{name}@example.org")

    def create_subscriber(self, name):
        key = self.root / f"{name}.key"
        if not key.exists():
            done = self.run(BIN / "keymast-receiver", "init", "--key-file", key)
            assert done.returncode == 0, done.stderr
        self.ctl.call("subscribers", "create", name, "--identity", f"{name}@example.org",
                      "--credential-file", key)
        self.credentials[name] = key
        return key

    def create_subscribers(self, prefix, count):
        """Many with a key each that nobody uses."""
        rows = []
        for name in (f"{prefix}{i}" for i in range(count)):
            rows.append(f"{name},{name}@example.org,{self.new_key(name)}\n")
        csv = self.root / f"{prefix}.csv"
        csv.write_text("".join(rows))
        done = self.ctl.run("subscribers", "batch-create", "--csv", csv, timeout=600)
        assert done.returncode == 0, done.stderr

    def add_member(self, channel, name, endpoint=None, join=True):
        endpoint = endpoint or f"127.0.0.1:{free_port()}"
        self.ctl.call("members", "add", channel, name, "--msk-endpoint", endpoint)
        if join:
            self.ctl.call("members", "join", channel, name)
        return endpoint

    def start_receiver(self, channel, name, endpoint, suffix="", under=()):
        record = self.root / f"receiver-{name}.pcapng"
        if record not in self.records:
            self.records.append(record)
        return self.start_process(
            f"receiver-{name}{suffix}", *under, BIN / "keymast-receiver", "--sdp",
            self.root / f"{channel}.sdp", "--key-file", self.credentials[name], "--identity",
            f"{name}@example.org", "--listen", endpoint, "--interface", self.interface, "--state",
            self.root / f"receiver-{name}.state", "--record", record)

    def member_with_receiver(self, channel, name):
        """Subscriber, member and receiver; the receiver listens before the MSK is pushed."""
        self.create_subscriber(name)
        endpoint = self.add_member(channel, name, join=False)
        receiver = self.start_receiver(channel, name, endpoint)
        receiver.endpoint = endpoint
        wait_for(lambda: receiver.lines, 20, f"receiver {name} runs")
        self.ctl.call("members", "join", channel, name)
        return receiver

    def enrol_headend(self, channel, name="headend"):
        key = self.root / f"{name}.key"
        done = self.run(BIN / "keymast-headend", "init", "--key-file", key)
        assert done.returncode == 0, done.stderr
        public = next(word for word in done.stdout.split()
                      if len(word) == 64 and all(c in "0123456789abcdef" for c in word))
        self.ctl.call("headends", "create", name, "--public-key", public, "--channel", channel)
        self.inputs = {"video": free_port(), "audio": free_port()}

    def start_headend(self, name="headend", under=(), more=()):
        record = self.root / f"{name}.pcapng"
        if record not in self.records:
            self.records.append(record)
        argv = [*under, BIN / "keymast-headend", "run", "--server", f"unix:{self.root}/headend.sock",
                "--name", name, "--key-file", self.root / f"{name}.key", "--state",
                self.root / f"{name}.state", "--record", record]
        for media, port in self.inputs.items():
            argv += ["--input", f"{media}=127.0.0.1:{port}"]
        self.headend = self.start_process(name, *argv, *more)
        return self.headend

    def start_sources(self):
        self.sources = [RtpSource(self.inputs["video"], 96).start(),
                        RtpSource(self.inputs["audio"], 97, ssrc=0x55667788).start()]
        return self.sources

    def check_reuse(self):
        """Reads every recording of the site, over all restarts, and gives what the checker counted."""
        users = self.root / "users.json"
        users.write_text(json.dumps(
            {f"{name}@example.org": str(key) for name, key in self.credentials.items()}))
        recordings = [record for record in dict.fromkeys(self.records) if record.exists()]
        done = self.run(sys.executable, CHECKER, "--users", users, "--json", *recordings,
                        timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def state_hash(self):
        """keymastd's StateHash over its private socket, hand-encoded (proto/private/core.proto)."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as core:
            core.settimeout(PATIENCE)
            core.connect(f"{self.root}/core.sock")
            hello = bytes([0x08, 1]) + bytes([0x52, 2, 0x08, 1])  # call 1, hello{protocol 1}
            ask = bytes([0x08, 2]) + bytes([0x8a, 0x05, 0])       # call 2, state_hash{}
            for frame in (hello, ask):
                core.sendall(struct.pack("!I", len(frame)) + frame)
            while True:
                reply = self._frame(core)
                if reply[:2] == bytes([0x08, 2]):
                    return reply[-32:].hex()

    @staticmethod
    def _frame(core):
        def exactly(count):
            octets = b""
            while len(octets) < count:
                more = core.recv(count - len(octets))
                assert more, "keymastd closed the core socket"
                octets += more
            return octets
        return exactly(struct.unpack("!I", exactly(4))[0])

    def close(self):
        for source in getattr(self, "sources", []):
            source.stop()
        for process in reversed(self.processes):
            if process.running():
                process.kill()
        self._temporary.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
