# SPDX-License-Identifier: Apache-2.0
"""§2: one port with media on it, and one party that opens and answers: both open at once."""
from .octets import Refused, u32
from .party import Event
from .payloads import *
from .tables import *


def kind_of(octets):
    """What a datagram on a shared port is, by its first octet."""
    if not octets:
        return "dropped"
    first = octets[0]
    if 128 <= first <= 191:
        return "rtp"
    if 20 <= first <= 63:
        return "dtls"
    if first <= 3 and int.from_bytes(octets[4:8], "big") == STUN_MAGIC and len(octets) >= 8:
        return "stun"
    return "mikeyv2" if first == 2 else "dropped"


class Endpoint:
    """O and A of one party towards one peer. Of two exchanges with the same `session`, or none, of which neither had ended when the other
    began, the one with the greater RANDi gives way when a finish or an answer of the other has verified, not before: who forges a CAP
    ends nothing."""

    TO_O = set(ANSWERS) | {DT_KEYS, DT_ERROR, DT_RETRY}

    def __init__(self, offerer, answerer):
        self.o, self.a = offerer, answerer

    def receive(self, now, address, octets):
        if kind_of(octets) != "mikeyv2":
            return [Event("dropped", Refused("no MIKEYv2", "§2"))]
        to_o = octets[1:2] and (octets[1] in self.TO_O or octets[1] == DT_FRAGMENT and octets[4:8] == u32(self.o.csb_id))
        before = self.o.state
        actions = (self.o if to_o else self.a).receive(now, address, octets)
        if to_o and before == "offered" and self.o.state == "answered":
            self._answered()
        if any(isinstance(x, Event) and x.name == "verified" for x in actions):
            actions += self._verified(now)
        return actions

    def _same(self, entry):
        plan = self.o.plan
        return (entry.member == plan.peer and not entry.group and not plan.join and entry.cap.identity(ROLE_A) == self.o.party.identity
                and entry.cap.caps.get(T_SESSION) == plan.session)

    def _answered(self):
        """O's own exchange has verified: those of the peer with a greater RANDi give way."""
        def gives_way(e):
            at_once = e.verified is None or e.verified >= self.o.opened
            return at_once and self._same(e) and e.cap.rand(ROLE_O) > self.o.rand_i
        self.a.entries = {k: e for k, e in self.a.entries.items() if not gives_way(e)}

    def _verified(self, now):
        """An entry of the peer's has: our own exchange with a greater RANDi gives way."""
        o = self.o
        def wins(e):
            at_once = o.state in ("offered", "answered") or o.done_at is not None and o.done_at >= e.began
            return e.verified == now and at_once and self._same(e) and e.cap.rand(ROLE_O) < o.rand_i
        if any(wins(e) for e in self.a.entries.values()):
            self.o.state, self.o.next_timer, self.o.sessions = "failed", None, None
            return [Event("failed", "gave way")]
        return []
