# SPDX-License-Identifier: Apache-2.0
"""Tickets at our Answerer, which keeps them as a peer or seals them as a controller does, and at our Offerer (§11)."""
from dataclasses import replace

from mikeyv2 import content, edits
from mikeyv2.lab import ALICE, BOB, MALLORY
from mikeyv2.octets import u32
from mikeyv2.payloads import *
from mikeyv2.tables import *

from .labs import OurA, OurO
from .offerer_scenes import ended
from .rows import expect
from .scenes import ELSEWHERE, is_dropped, scene

KINDS = ("kept", "sealed")
EARLY = PSK_TYPE - {DHHMAC}  # these modes end with the answer


def resumable(mode, tickets, by=(PSK,)):
    """A lab in which O has a ticket of ours, and opens by it in that mode."""
    lab = OurA(by, tickets=tickets)
    lab.run()
    expect(lab.o.state == "done", f"no exchange to begin with: {lab.a.told}")
    lab.plan.resume, _ = lab.alice.peers.to(ALICE, BOB, lab.now)
    expect(lab.plan.resume is not None, "no ticket came")
    lab.plan.as_id = tickets == "kept"
    lab.plan.modes = (mode,)
    lab.alice.psks = {}
    lab.again()
    return lab


def _of_each(mode, play, kinds=KINDS):
    """What ours does with both kinds of tickets."""
    return "; ".join(sorted({play(resumable(mode, kind)) for kind in kinds}))


def _resumes(lab):
    lab.again()
    lab.run()
    expect(lab.o.state == "done", f"an honest ticket gets {lab.a.told}")


def _answered_alike(lab, cap, *again):
    """The answer to a CAP, which is the same when it comes again (from that address)."""
    first = lab.to_a(cap)
    expect(first and lab.to_a(cap, *again) == first, "another answer to the same octets, or none")
    return first


@scene("spent ticket in another CAP", "§11", PSK_TYPE, "Offerer")
def _(mode):
    def play(lab):
        ticket, by_id = lab.plan.resume, lab.plan.as_id
        _resumes(lab)
        lab.plan.resume, lab.plan.as_id = ticket, by_id
        lab.again()
        return is_dropped(lab, lab.open())
    return _of_each(mode, play)


@scene("spent ticket in another CAP, from elsewhere, while the first is answered", "§11", PSK_TYPE, "Offerer")
def _(mode):
    def play(lab):
        answer = lab.to_a(lab.open())
        first = lab.o
        lab.again()
        seen = is_dropped(lab, lab.open(), address=ELSEWHERE)
        lab.o = first
        lab.to_o(lab.to_a(lab.to_o(answer)))
        expect(lab.o.state == "done", f"the first gets {lab.a.told}")
        return seen
    return _of_each(mode, play)


@scene("replay of a CAP with a ticket when the entry is gone", "§11", PSK_TYPE)
def _(mode):
    def play(lab):
        cap = lab.open()
        _answered_alike(lab, cap)
        lab.now += 31
        return is_dropped(lab, cap)
    return _of_each(mode, play)


@scene("copy of a CAP with a ticket from elsewhere: the same answer", "§11", EARLY)
def _(mode):
    def play(lab):
        first = _answered_alike(lab, lab.open(), ELSEWHERE)
        lab.to_o(lab.to_a(lab.to_o(first)))
        expect(lab.o.state == "done", f"the exchange gets {lab.a.told}")
        return "the same octets"
    return _of_each(mode, play)


@scene("another's ticket", "§11", PSK_TYPE, "Offerer")
def _(mode):
    def play(lab):
        lab.alice.identity = MALLORY
        seen = is_dropped(lab, lab.open())
        lab.alice.identity = ALICE
        _resumes(lab)
        return seen
    return _of_each(mode, play)


@scene("ticket that has expired", "§11", PSK_TYPE, "Offerer")
def _(mode):
    def play(lab):
        lab.now += 24 * 3600
        seen = is_dropped(lab, lab.open())
        lab.now -= 24 * 3600
        _resumes(lab)
        return seen
    return _of_each(mode, play)


@scene("ticket of a DH kind in mode 1", "§11", {PSK}, "Offerer")
def _(mode):
    seen = set()
    for kind in KINDS:
        lab = resumable(mode, kind, (DHHMAC,))
        ticket, lab.plan.as_id = lab.plan.resume, False  # the ticket, that was never to be sent
        lab.plan.resume = replace(ticket, dh_kind=False)
        lab.again()
        before = len(lab.events)
        said = lab.to_a(lab.open())
        expect([d[1] for d in said] == [DT_ERROR] and "answered" not in lab.since(before), f"took it: {lab.a.told}")
        seen.add("ERROR: " + lab.a.told["status"])
        lab.plan.modes, lab.plan.resume = (DHHMAC,), ticket
        _resumes(lab)
    return "; ".join(sorted(seen))


@scene("ticket that mode 1 gave by one of a DH kind, sent in mode 1", "§11", {PSK}, "Offerer")
def _(mode):
    lab = resumable(mode, "kept", (DHHMAC,))
    lab.run()
    expect(lab.o.state == "done", f"the id gets {lab.a.told}")
    lab.plan.resume, lab.plan.as_id = replace(lab.alice.peers.to(ALICE, BOB, lab.now)[0], dh_kind=False), False
    lab.again()
    before = len(lab.events)
    said = lab.to_a(lab.open())
    expect([d[1] for d in said] == [DT_ERROR] and "answered" not in lab.since(before), f"took it: {lab.a.told}")
    return "ERROR: " + lab.a.told["status"]


@scene("sealed ticket, changed", "§11", PSK_TYPE, "Offerer")
def _(mode):
    lab = resumable(mode, "sealed")
    ticket, seen = lab.plan.resume, set()
    for bit in range(0, 8 * len(ticket.ticket), 41):
        lab.plan.resume = replace(ticket, ticket=edits.flipped(ticket.ticket, bit))
        lab.again()
        seen.add(is_dropped(lab, lab.open()))
    lab.plan.resume = ticket
    _resumes(lab)
    return "; ".join(sorted(seen))


@scene("ticket for longer than a day: it is held for a day", "§11", by="Answerer")
def _(mode):
    lab = OurO((mode,), a_twist=lambda point, value: _with_long_ticket(value) if point == "keys.plain" else value)
    ended(lab)
    expect(lab.o.told.get("ticket_expiry", 1 << 60) <= lab.now + 24 * 3600, f"it is held until {lab.o.told.get('ticket_expiry')}")
    return "held for 24 hours"


def _with_long_ticket(plain):
    got = content.decode(plain, False)
    got.keys.append(KeyData(K_TICKET, bytes(100), spi=u32(0xFFFFFFFF)))
    return got.encode()
