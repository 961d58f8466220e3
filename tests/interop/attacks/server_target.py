# SPDX-License-Identifier: Apache-2.0
"""Our whole controller, with one channel; the peer is its members."""
from mikeyv2 import schedule
from mikeyv2.lab import NOW, O_ADDRESS, all_policy
from mikeyv2.member import Member
from mikeyv2.offerer import Offerer, Plan
from mikeyv2.party import Party, Send
from mikeyv2.payloads import Identity
from mikeyv2.randomness import Seeded
from mikeyv2.tables import *

from .labs import OurLab
from .rows import expect
from .target import HOST

CHANNEL = Identity(URI, b"mikey://example.org/one")
NAMES = ("alice", "carol", "dave")
STREAMS = 2


def psk_of(name):
    return (name.encode() * 8)[:16]


class OurServer:
    """until: name: end of its entitlement; rates: burst, milliseconds each."""

    def __init__(self, until=None, streams=STREAMS, **rates):
        self.target, self.now = OurLab.target, NOW
        self.heard = {}  # address: datagrams that nobody has looked at
        self.do("server", streams=streams, **rates)
        for name in NAMES:
            self.add(name, **({"until": until[name]} if name in (until or {}) else {}))

    def add(self, name, what="add", psk=None, **more):
        self.do(what, who=name, psk=(psk or psk_of(name)).hex(), **more)

    def ask(self, octets, address=O_ADDRESS):
        """What comes back there."""
        self.heard.pop(address, None)
        self.target.at(address).sendto(octets, (HOST, self.target.ports[None]))
        self._told(self.target.order("serve", now=self.now))
        return self.heard.pop(address, [])

    def do(self, what, **fields):
        self._told(self.target.order(what, now=self.now, **fields))

    def goes_on(self, seconds):
        self.now += seconds
        self.do("pass")

    def _told(self, told):
        self.told, addresses = told, {s.getsockname()[1]: address for address, s in self.target.sockets.items()}
        for port in told["to"]:
            if port in addresses:
                self.heard.setdefault(addresses[port], []).append(self.target.sockets[addresses[port]].recv(65536))

    def of(self, name):
        return self.told["members"][name]

    def is_at(self, name, address):
        return self.of(name)["at"] == self.target.at(address).getsockname()[1]

    def is_dropped(self, octets, reason=None, address=O_ADDRESS):
        """It says nothing, and of its members nothing changes."""
        before = self.told["members"]
        said = self.ask(octets, address)
        expect(not said and self.told["status"] != "ok", f"said {[d[1] for d in said]}: {self.told}")
        expect(self.told["members"] == before, f"changed {before} into {self.told['members']}")
        expect(reason in (None, self.told["status"]), f"another reason: {self.told}")
        return "dropped: " + self.told["status"]


class OfServer:
    """One of its members, by the peer."""

    def __init__(self, server, name="alice", mode=PSK, address=O_ADDRESS, features=0x50):
        self.server, self.name, self.mode, self.address = server, name, mode, address
        me = Identity(NAI, name.encode() + b"@example.org")
        self.party = Party(me, {CHANNEL: psk_of(name)}, policy=all_policy(features=features))
        self.r = schedule.report_key(schedule.psk_v2(psk_of(name), me, CHANNEL))
        self.count, self.resume = 0, None
        self.again()

    def again(self):
        self.count += 1
        plan = Plan(None, CHANNEL, (self.mode,), join=(bytes(3), bytes(2)), resume=self.resume)
        self.o = Offerer(self.party, plan, Seeded(f"{self.name}-{self.count}"))
        return self.o

    def opens(self):
        return self._sent(self.o.open(self.server.now))

    def takes(self, datagrams):
        return [out for d in datagrams for out in self._sent(self.o.receive(self.server.now, None, d))]

    def _sent(self, actions):
        return [a.octets for a in actions if isinstance(a, Send)]

    def asks(self, datagrams):
        return [out for d in datagrams for out in self.server.ask(d, self.address)]

    def is_answered(self):
        """Up to the finish, which goes nowhere."""
        said = self.opens()
        for _ in range(3):
            said = self.takes(self.asks(said))
            if self.o.state != "offered":
                break
        expect(self.o.state == "answered", f"no answer: {self.server.told}")
        return said

    def joins(self):
        self.takes(self.asks(self.is_answered()))
        expect(self.o.state == "done", f"it does not join: {self.server.told}")
        return self.member()

    def member(self):
        return Member(Seeded(f"{self.name}-reports"), self.r, self.o)
