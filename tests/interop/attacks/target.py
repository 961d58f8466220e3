# SPDX-License-Identifier: Apache-2.0
"""mikeyv2_target as a process: its machines look like those of the Python peer, but what they get and give goes over UDP."""
import json
import select
import socket
import subprocess

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mikeyv2.lab import der
from mikeyv2.octets import Refused
from mikeyv2.party import Event, Send
from mikeyv2.tables import KEY_WRAP

HOST = "127.0.0.1"
PATIENCE = 120  # seconds, of a slow machine


class Died(Exception):
    """It ended, or says nothing: no check of ours may do that."""


class Target:
    def __init__(self, binary):
        self.process = subprocess.Popen([str(binary)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.buffer = b""
        self.sockets = {}  # address of the lab: socket here
        hello = self._line()
        self.modes, self.ports = set(hello["modes"]), {"a": hello["a"], "o": hello["o"], None: hello["group"]}

    def close(self):
        self.process.kill()
        self.process.communicate()
        for s in self.sockets.values():
            s.close()

    def at(self, address):
        if address not in self.sockets:
            s = self.sockets[address] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind((HOST, 0))
            s.settimeout(PATIENCE)
        return self.sockets[address]

    def order(self, what, **fields):
        try:
            self.process.stdin.write(json.dumps({"do": what, **fields}).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Died(self._last_words()) from None
        return self._line()

    def _line(self):
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            got = self.process.stdout.read1() if ready else b""
            if not got:
                raise Died(self._last_words())
            self.buffer += got
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def _last_words(self):
        self.process.kill()
        return self.process.communicate()[1].decode("utf-8", "replace")[:2000]

    def exchange(self, role, now, address, octets):
        """(what it told, what it sent back)."""
        here = self.at(address)
        here.sendto(octets, (HOST, self.ports.get(role, self.ports[None])))
        told = self.order(role, now=now)
        return told, [here.recv(65536) for _ in range(told["sent"])]


_IN_HEX = {}  # private key of the lab: PKCS #8


def _key(private):
    if private not in _IN_HEX:
        _IN_HEX[private] = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()).hex()
    return _IN_HEX[private]


def _chain(chain):
    return [c.hex() for c in chain]


def credentials_of(party):
    return {"own": [{"key": _key(c.private), "chain": _chain(c.chain)} for c in party.credentials], "show": party.policy.show,
            "anchors": [der(a).hex() for a in party.trust.anchors], "usage": party.trust.controller_use or "",
            "revocations": _chain(party.trust.lists),
            "known": {who.value.decode(): _chain(chain) for who, chain in party.trust.known.items()}}


def _policy(party, spoken):
    policy = party.policy
    return {"credentials": credentials_of(party), "signatures": policy.signatures,
            "modes": [m for m in policy.modes if m in spoken], "prf": policy.prf, "mac": policy.mac, "groups": policy.groups,
            "encr": [e for e in policy.encr if e != KEY_WRAP], "profiles": policy.profiles,
            "features": policy.features, "fragments": policy.fragments}


def _dropped(told):
    return [] if told["status"] == "ok" else [Event("dropped", Refused(told["status"]))]


class OurAnswerer:
    """In the place of mikeyv2.answerer.Answerer."""

    def __init__(self, target, party, entitled=True, tree_keys=0, capacity=64, tickets="", sdp=None, uses_v=True):
        self.target, self._load, self.said = target, False, []
        target.order("answer", **_policy(party, target.modes), load=False, leaves=0, entitled=entitled, tree_keys=tree_keys,
                     capacity=capacity, tickets=tickets, sdp=sdp, uses_v=uses_v)

    @property
    def load(self):
        return self._load

    @load.setter
    def load(self, load):
        self._load = load
        self.target.order("set", load=load, leaves=0)

    def set_leaves(self, leaves):
        """Whoever offers is one that has left so many times."""
        self.target.order("set", load=self._load, leaves=leaves)

    def receive(self, now, address, octets):
        told, said = self.target.exchange("a", now, address, octets)
        self.told = told
        self.said += said
        happened = {0: [], 1: [Event("answered")], 2: [Event("verified", told.get("keys"))]}[told["event"]]
        return _dropped(told) + happened + [Send(address, s) for s in said]


class OurOfferer:
    """In the place of mikeyv2.offerer.Offerer."""

    def __init__(self, target, party, plan, modes, to, is_bob=False):
        self.target, self.plan, self.to, self.is_bob = target, plan, to, is_bob
        self.fields = _policy(party, target.modes)
        self.fields["modes"] = [m for m in modes if m in target.modes]
        self.caps_sent, self.told = [], {"state": "idle"}

    def open(self, now):
        plan = self.plan
        join = plan.join and [part.hex() for part in plan.join]
        here = self.target.at(self.to)
        self.told = self.target.order("offer", **self.fields, now=now, join=join, is_bob=self.is_bob, to=here.getsockname()[1],
                                      big_cap=plan.big_cap, streams=[] if join else plan.streams, session=(plan.session or b"").hex(),
                                      fresh=(plan.fresh or b"").hex(), fingerprint=(plan.fingerprint or b"").hex(),
                                      provisional=plan.provisional)
        caps = [here.recv(65536) for _ in range(self.told["sent"])]
        self.caps_sent = caps[:1]
        if caps:
            self.csb_id, self.rand_i = int.from_bytes(caps[0][4:8], "big"), caps[0][13:45]
        return [Send(self.to, cap) for cap in caps]

    def receive(self, now, address, octets):
        self.told, said = self.target.exchange("o", now, self.to, octets)
        if said and said[0][1:2] == self.caps_sent[0][1:2]:
            self.caps_sent.append(said[0])
        return _dropped(self.told) + [Send(self.to, s) for s in said]

    def look(self):
        """Its state, when something else may have changed it."""
        self.told = self.target.order("look")
        return self.told["state"]

    def timer(self, now):
        self.told = self.target.order("tick", now=now)
        said = [self.target.at(self.to).recv(65536) for _ in range(self.told["sent"])]
        return _dropped(self.told) + [Send(self.to, s) for s in said]

    @property
    def state(self):
        return self.told["state"]

    @property
    def keys(self):
        return self.told.get("keys") or {}
