# SPDX-License-Identifier: Apache-2.0
"""What tests of keymast-peer share: two processes with their files, and a way between their ports."""

import pathlib
import re
import secrets
import shutil
import socket
import tempfile
import threading

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from harness import BIN, Process, free_port, wait_for
from reuse.srtp import derive

ALICE, BOB = "uri:sip:alice@example.org", "nai:bob@example.org"
PCMU_FRAME = 160  # octets, 20 ms


def value(text, attribute):
    return re.search(rf"^a={attribute}:(\S+)\r?$", text, re.M)[1]


def even_port():
    """A free port whose next one is free too: players take that for RTCP."""
    while True:
        port = free_port() & ~1
        try:
            for number in (port, port + 1):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    probe.bind(("127.0.0.1", number))
            return port
        except OSError:
            continue


class Relay:
    """A way between two media ports that keeps what goes over it: (from Alice, octets)."""

    def __init__(self, test):
        self.seen = []
        self.ends = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for end in self.ends:
            end.bind(("127.0.0.1", 0))
            end.settimeout(0.1)
        self.ports = [end.getsockname()[1] for end in self.ends]  # who stands for Bob, for Alice
        self.targets = [None, None]  # where Bob is, where Alice is
        self.copies = {}  # port that gets a copy, by SSRC of RTP as octets
        self.stops = threading.Event()
        self.threads = [threading.Thread(target=self._carry, args=(i,), daemon=True) for i in (0, 1)]
        for thread in self.threads:
            thread.start()
        test.addCleanup(self.close)

    def _carry(self, index):
        while not self.stops.is_set():
            try:
                octets = self.ends[index].recv(4096)
            except TimeoutError:
                continue
            self.seen.append((index == 0, octets))
            self.ends[1 - index].sendto(octets, ("127.0.0.1", self.targets[index]))
            if copy := self.copies.get(octets[8:12]):
                self.ends[1 - index].sendto(octets, ("127.0.0.1", copy))

    def stand_in(self, index, text):
        """A description whose media goes through us; index 0: it is Bob's."""
        self.targets[index] = int(re.search(r"m=audio (\d+)", text)[1])
        return re.sub(r"m=audio \d+", f"m=audio {self.ports[index]}", text)

    def close(self):
        self.stops.set()
        for thread in self.threads:
            thread.join()
        for end in self.ends:
            end.close()


def open_rtcp(octets, key, salt):
    """What an SRTCP packet under AES-GCM has inside, and its index (RFC 7714 section 9)."""
    word, session_salt = octets[-4:], derive(key, salt, 5, 12)
    index = int.from_bytes(word, "big") & 0x7fffffff
    iv = bytes(a ^ b for a, b in zip(b"\0\0" + octets[4:8] + b"\0\0" + index.to_bytes(4, "big"),
                                     session_salt))
    plain = AESGCM(derive(key, salt, 3, len(key))).decrypt(iv, octets[8:-4], octets[:8] + word)
    return octets[:8] + plain, index


class Session:
    """One folder with the files of Alice and Bob, and their processes."""

    def __init__(self, test):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="keymast-peer-"))
        test.addCleanup(self.close)
        self.processes = []
        self.key = self.root / "key"
        self.key.touch(mode=0o600)
        self.key.write_text(secrets.token_hex(32))

    def close(self):
        for process in self.processes:
            if process.running():
                process.kill()
        shutil.rmtree(self.root)

    def path(self, name):
        return self.root / name

    def start(self, who, part, *options, offer="offer", answer="answer", key=""):
        """`key` is a file; None: options say how the party proves itself."""
        identity, other = (ALICE, BOB) if who == "alice" else (BOB, ALICE)
        process = Process(who, [
            BIN / "keymast-peer", part, "--identity", identity, "--peer-identity", other,
            "--offer", self.path(offer), "--answer", self.path(answer), "--for", "60s",
            *(() if key is None else ("--key-file", key or self.key)), *options],
            self.root / f"{who}.log")
        self.processes.append(process)
        return process

    def both(self, *options, offerer=(), answerer=(), first="alice", **paths):
        second = "bob" if first == "alice" else "alice"
        return (self.start(first, "offer", *options, *offerer, **paths),
                self.start(second, "answer", *options, *answerer, **paths))

    def read(self, name):
        """A description, when it is there as a whole."""
        path = self.path(name)
        return wait_for(lambda: path.exists() and path.read_bytes().decode(), 20, f"{path} is there")

    def pass_on(self, source, target, change=lambda text: text):
        """Carries a description from one side to the other, as changed."""
        text = change(self.read(source))
        partial = self.path(target + ".partial")
        partial.write_bytes(text.encode())
        partial.rename(self.path(target))
        return text


def heard(process, streams, packets=10):
    """Whether all of these streams have come, and nothing but the tone."""
    report = process.last.get("streams", {})
    return all(report.get(str(s), {}).get("received", 0) >= packets for s in streams)
