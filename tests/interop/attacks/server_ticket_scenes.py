# SPDX-License-Identifier: Apache-2.0
"""Tickets that our whole controller gave: what was spent, when they end, and whose they are (§10, §11)."""
from mikeyv2 import schedule
from mikeyv2.report import LEAVE, MISSING

from .rows import expect
from .server_scenes import THERE, server_scene
from .server_target import OfServer, OurServer

DAY = 24 * 3600


TICKETS = 1 << 4  # the feature


def resumable(server, name="alice"):
    """A member that opens by its ticket next, its key forgotten. It takes no KEYS that it did not ask for."""
    alice = OfServer(server, name, features=TICKETS)
    alice.joins()
    return _by_ticket(alice)


def _by_ticket(alice, resume=None):
    alice.resume = resume or list(alice.party.peers.held.values())[-1]
    alice.party.psks = {}
    alice.again()
    return alice


def _has_spent():
    """A member that has joined by its ticket, and that one."""
    alice = resumable(OurServer())
    ticket = alice.resume
    alice.joins()
    return alice, ticket


def _does_not_open(alice):
    """It does not serve; a join by the key goes on."""
    seen = alice.server.is_dropped(alice.opens()[0])
    OfServer(alice.server, alice.name).joins()
    return seen


@server_scene("spent ticket in another CAP, at a controller that has started anew since", "§11", "member")
def _(_mode):
    alice, ticket = _has_spent()
    alice.server.do("restart", has_lost=False)
    return _does_not_open(_by_ticket(alice, ticket))


@server_scene("spent ticket when nothing is kept of it any more, and the clock was set back", "§11", "member")
def _(_mode):
    alice, ticket = _has_spent()
    alice.server.goes_on(DAY + 300)
    alice.server.do("restart", has_lost=False)
    alice.server.now -= 3600
    return _does_not_open(_by_ticket(alice, ticket))


@server_scene("ticket that has expired at its controller", "§11", "member")
def _(_mode):
    server = OurServer()
    alice = resumable(server)
    server.now += DAY
    return _does_not_open(alice)


@server_scene("ticket beyond the entitlement", "§11", "member")
def _(_mode):
    server = OurServer()
    server.add("eve", until=server.now + 3600)
    alice = resumable(server, "eve")
    expect(alice.resume.expiry <= server.now + 3600, f"it lives until {alice.resume.expiry - server.now:.0f} s from now")
    return "it ends with that"


@server_scene("ticket of a subscriber that was deleted and made anew", "§11", "member")
def _(_mode):
    server = OurServer()
    alice = resumable(server)
    server.now += 60
    server.add("alice", "renew")
    return _does_not_open(alice)


@server_scene("ticket of a member whose user key was replaced", "§11", "member")
def _(_mode):
    server = OurServer()
    alice = resumable(server)
    server.add("alice", "renew", psk=bytes(range(16)))
    return server.is_dropped(alice.opens()[0])


@server_scene("tickets without end of one member", "§11", "member")
def _(_mode):
    server = OurServer()
    alice = resumable(server)
    for _ in range(64):
        server.now += 1
        alice.joins()
        _by_ticket(alice)
    server.now += 1
    return _does_not_open(alice)


def _reports_by(alice, of=None):
    """A REPORT under the R of a ticket."""
    member = alice.member()
    member.r = schedule.report_key(alice.resume.secret)
    if of is not None:
        member.me = of.party.identity
    return lambda kind: member.ask(alice.server.now, kind, ticket=alice.resume.ticket)


def _ticket_of(server, name="alice"):
    alice = OfServer(server, name)
    alice.joins()
    alice.resume = list(alice.party.peers.held.values())[-1]
    return alice


@server_scene("REPORT in another's name, by the own ticket", by="member")
def _(_mode):
    server = OurServer()
    carol = OfServer(server, "carol", address=THERE)
    carol.joins()
    alice = _ticket_of(server)
    seen = {server.is_dropped(_reports_by(alice, of=carol)(kind)) for kind in (MISSING, LEAVE)}
    expect(server.ask(_reports_by(alice)(MISSING)), f"an honest one gets {server.told}")
    return "; ".join(sorted(seen))


@server_scene("REPORT by a ticket that has expired or was spent", by="member")
def _(_mode):
    server = OurServer()
    alice = _ticket_of(server)
    report = _reports_by(alice)
    expect(server.ask(report(MISSING)), f"an honest one gets {server.told}")
    server.now += DAY
    seen = {server.is_dropped(report(MISSING))}
    server.now -= DAY - 60
    spent = alice.resume
    _by_ticket(alice).joins()
    alice.resume = spent
    seen.add(server.is_dropped(_reports_by(alice)(MISSING)))
    return "; ".join(sorted(seen))
