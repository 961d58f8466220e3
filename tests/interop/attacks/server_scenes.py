# SPDX-License-Identifier: Apache-2.0
"""At our whole controller: who is a member, where it is, what its REPORTs get, and its rates (§2, §7, §8, §10)."""
from mikeyv2 import edits, message
from mikeyv2.lab import O_ADDRESS
from mikeyv2.payloads import Padding
from mikeyv2.report import ACKNOWLEDGE, LEAVE, MISSING
from mikeyv2.tables import *

from .rows import expect
from .scenes import ELSEWHERE, kinds, scene
from .server_target import OfServer, OurServer

THERE = ("198.51.100.7", 2269)


def server_scene(name, clause="§10", by="network"):
    return scene(name, clause, (), by)


def places(count):
    return [(f"192.0.2.{100 + i}", 2269) for i in range(count)]


def _is_in(server, count=1):
    expect(server.told["joined"] == count, f"{server.told['joined']} have joined")


# who has joined (§7)

@server_scene("REPORT of a member that was given no keys", "§7", "member")
def _(_mode):
    server = OurServer()
    carol, dave = OfServer(server, "carol"), OfServer(server, "dave", address=THERE)
    stranger = carol.joins()
    stranger.r, stranger.me = dave.r, dave.party.identity
    seen = {server.is_dropped(stranger.ask(server.now, kind), address=THERE) for kind in (MISSING, ACKNOWLEDGE, LEAVE)}
    _is_in(server)
    dave.joins()
    _is_in(server, 2)
    return "; ".join(sorted(seen))


@server_scene("REPORTs without end of a member whose finish was lost: counted in once", "§7", "member")
def _(_mode):
    server = OurServer()
    alice = OfServer(server)
    finish = alice.is_answered()
    server.do("restart", has_lost=False)
    server.is_dropped(finish[0])
    _is_in(server, 0)
    member = alice.member()
    for _ in range(3):
        expect(server.ask(member.ask(server.now)), f"no KEYS: {server.told}")
        _is_in(server)
    server.ask(member.ask(server.now, LEAVE))
    _is_in(server, 0)
    return "counted in once"


@server_scene("REPORT behind the end of an entitlement that nobody has noticed yet", "§10", "member")
def _(_mode):
    server = OurServer()
    server.add("eve", until=server.now + 60)
    eve = OfServer(server, "eve")
    member = eve.joins()
    server.now += 60
    return server.is_dropped(member.ask(server.now), "not_entitled")


@server_scene("join behind the end of an entitlement that nobody has noticed yet", "§7", "member")
def _(_mode):
    server = OurServer()
    server.add("eve", until=server.now + 60)
    eve = OfServer(server, "eve")
    server.now += 60
    expect(kinds(eve.asks(eve.opens())) == [DT_ERROR] and not server.of("eve")["holds"], f"it is answered: {server.told}")
    return "ERROR 7"


@server_scene("finish of a member that was removed since its answer", "§7", "member")
def _(_mode):
    server = OurServer()
    alice = OfServer(server)
    finish = alice.is_answered()
    server.do("expel", who="alice")
    server.add("alice")
    seen = server.is_dropped(finish[0])
    _is_in(server, 0)
    return seen


@server_scene("removal of who has keys and sent no finish: another MSK", "§7", "member")
def _(_mode):
    server = OurServer()
    alice = OfServer(server)
    alice.is_answered()
    before = server.told["msk"]
    server.do("expel", who="alice")
    server.goes_on(10)
    expect(server.told["msk"] > before, "its keys go on")
    return "another MSK"


def _plays_a_cap_again(change):
    """A member joins, `change` has it leave and come again, and its first CAP is played."""
    server = OurServer()
    alice = OfServer(server)
    cap = alice.opens()
    alice.takes(alice.asks(alice.takes(alice.asks(cap))))
    change(server)
    said = alice.asks(cap)
    expect(kinds(said) == [DT_RETRY] and not server.of("alice")["holds"], f"it gets {kinds(said)}")
    alice.again()
    alice.joins()
    return "RETRY"


@server_scene("recorded CAP, when its member was removed and is one again", "§8")
def _(_mode):
    def change(server):
        server.do("expel", who="alice")
        server.add("alice")
    return _plays_a_cap_again(change)


@server_scene("recorded CAP, when its subscriber was deleted and made anew", "§8")
def _(_mode):
    return _plays_a_cap_again(lambda server: server.add("alice", "renew"))


@server_scene("recorded REPORT, when its member was removed and is one again")
def _(_mode):
    server = OurServer()
    alice = OfServer(server)
    recorded = alice.joins().build(LEAVE)
    server.now += 2
    server.do("expel", who="alice")
    server.add("alice")
    alice.again()
    member = alice.joins()
    seen = server.is_dropped(recorded, "replayed")
    expect(server.ask(member.ask(server.now)), f"no KEYS: {server.told}")
    return seen


@server_scene("recorded REPORT, when it was taken in a commit that was lost")
def _(_mode):
    server = OurServer()
    alice = OfServer(server)
    member = alice.joins()
    server.do("keep")
    recorded = member.ask(server.now)
    server.ask(recorded)
    server.now += 60
    server.do("restart", has_lost=True)
    return server.is_dropped(recorded, "replayed")


@server_scene("CAP that names another group than its URI", "§3.4", "member")
def _(_mode):
    server = OurServer()
    alice = OfServer(server)
    for ids in ((b"\1\2\4", bytes(2)), (bytes(3), b"\0\x08")):
        alice.o.plan.join = ids
        expect(kinds(alice.asks(alice.opens())) == [DT_ERROR] and not server.of("alice")["holds"], f"it is answered: {server.told}")
        alice.again()
        server.now += 1  # §13
    alice.joins()
    return "ERROR 7"


# what a REPORT gets, and where (§2, §10)

@server_scene("short REPORT: no KEYS of more than three times its octets")
def _(_mode):
    server = OurServer(streams=14)
    member = OfServer(server).joins()
    short = member.ask(server.now, change=edits.removed(Padding))
    said = server.ask(short, ELSEWHERE)
    expect(not said and server.told["status"] == "too_long", f"{len(short)} octets get {[len(d) for d in said]}: {server.told}")
    keys = server.ask(member.ask(server.now), ELSEWHERE)
    expect(keys and 3 * len(short) < len(keys[0]) <= 3 * PADDED_CAP, "no KEYS, or short ones")
    member.receive(server.now, keys[0])
    return "nothing"


def _moved():
    """A member that joined here and has KEYS that went elsewhere."""
    server = OurServer()
    member = OfServer(server).joins()
    keys = server.ask(member.ask(server.now), ELSEWHERE)
    expect(keys, f"no KEYS: {server.told}")
    return server, member, keys[0]


def _stays(server, octets, address=ELSEWHERE):
    server.ask(octets, address)
    expect(server.told["status"] == "ok" and server.is_at("alice", O_ADDRESS), f"it is elsewhere: {server.told}")


def _moves(server, member, keys, address=ELSEWHERE):
    server.ask(member.receive(server.now, keys), address)
    expect(server.is_at("alice", address), f"KEYS that came prove nothing: {server.told}")


@server_scene("REPORT from elsewhere: what nobody asked for goes where its member has proved to be")
def _(_mode):
    server, member, keys = _moved()
    _stays(server, member.ask(server.now), ELSEWHERE)
    server.heard = {}
    server.do("new msk")
    server.goes_on(20)
    expect(server.heard.get(O_ADDRESS) and not server.heard.get(ELSEWHERE), "KEYS go elsewhere")
    return "KEYS go home"


@server_scene("acknowledgement of other KEYS than those that went there")
def _(_mode):
    server, member, keys = _moved()
    for told_by in (keys[:-1], edits.flipped(keys, 8 * len(keys) - 1), None):
        _stays(server, member.build(ACKNOWLEDGE, told_by=told_by))
    _moves(server, member, keys)
    return "it is where it was"


@server_scene("acknowledgement of the KEYS before the last")
def _(_mode):
    server, member, keys = _moved()
    later = server.ask(member.ask(server.now), ELSEWHERE)[0]
    _stays(server, member.build(ACKNOWLEDGE, told_by=keys))
    _moves(server, member, later)
    return "it is where it was"


@server_scene("acknowledgement from where its KEYS did not go")
def _(_mode):
    server, member, keys = _moved()
    _stays(server, member.build(ACKNOWLEDGE, told_by=keys), THERE)
    _moves(server, member, keys)
    return "it is where it was"


@server_scene("REPORT `missing` that has the hash of KEYS", by="member")
def _(_mode):
    server, member, keys = _moved()
    _stays(server, member.build(MISSING, told_by=keys))
    return "it is where it was"


@server_scene("REPORT from elsewhere: its place is served no sooner than any stranger's", "§2")
def _(_mode):
    server = OurServer(strangers=(4, 1000))
    member = OfServer(server).joins()
    keys = server.ask(member.ask(server.now), ELSEWHERE)
    for place in places(6):
        server.ask(OfServer(server, "carol").opens()[0], place)
    there = OfServer(server, "dave", address=ELSEWHERE)
    expect(kinds(there.asks(there.opens())) == [DT_RETRY], "it is no stranger's")
    _moves(server, member, keys[0])
    there.again()
    expect(kinds(there.asks(there.opens())) == [DT_PSK_RESP], "who has proved its address is asked for a cookie")
    return "RETRY"


@server_scene("unasked KEYS beyond an entitlement, while its end cannot be kept", "§10", "member")
def _(_mode):
    server = OurServer()
    server.add("eve", until=server.now + 20)
    eve, alice = OfServer(server, "eve", address=THERE), OfServer(server)
    eve.joins()
    alice.joins()
    server.do("new msk")
    server.do("freeze")
    server.goes_on(19)
    expect(server.heard.get(THERE), "it is sent nothing")
    server.heard = {}
    server.goes_on(60)
    expect(server.heard.get(O_ADDRESS) and not server.heard.get(THERE), f"sent to {server.heard.keys()}")
    return "nothing"


# rates

@server_scene("joins without end of one member", "§2", "member")
def _(_mode):
    server = OurServer()
    alice = OfServer(server)
    for place in places(2 * 8):  # the second half with a cookie
        alice.address = place
        alice.joins()
        alice.again()
    alice.address = O_ADDRESS
    seen = server.is_dropped(alice.takes(alice.asks(alice.opens()))[0], "rate_limited", O_ADDRESS)
    server.now += 1
    alice.again()
    alice.joins()
    return seen


@server_scene("a flood of CAPs from many places: who proves no address is asked for a cookie", "§2", "stranger")
def _(_mode):
    server = OurServer(strangers=(4, 1000))
    cap = OfServer(server).opens()[0]
    said = [kinds(server.ask(cap, place)) for place in places(6)]
    expect(said == [[DT_PSK_RESP]] * 4 + [[DT_RETRY]] * 2, f"said {said}")
    OfServer(server, "carol", address=THERE).joins()
    return "RETRY"


@server_scene("CAPs with good cookies of one host without end", "§2", "stranger")
def _(_mode):
    server = OurServer(strangers=(1, 60000), address=(2, 60000))
    OfServer(server, "carol", address=THERE).opens()
    server.ask(OfServer(server).opens()[0])
    seen = []
    for place in places(4):
        dave = OfServer(server, "dave", address=place)
        said = dave.asks(dave.opens())
        expect(kinds(said) == [DT_RETRY], f"no cookie: {server.told}")
        seen.append((kinds(dave.asks(dave.takes(said))), server.told["status"]))
    expect([s for s, _ in seen] == [[DT_PSK_RESP]] * 2 + [[]] * 2, f"said {seen}")
    return "dropped: " + seen[-1][1]


@server_scene("REPORTs of one member without end", by="member")
def _(_mode):
    server = OurServer()
    member = OfServer(server).joins()
    for _ in range(8):
        expect(server.ask(member.ask(server.now)), f"no KEYS: {server.told}")
    seen = server.is_dropped(member.ask(server.now), "rate_limited")
    server.now += 1
    expect(server.ask(member.ask(server.now)), f"no KEYS later: {server.told}")
    return seen


def _forged(member, server):
    octets = member.build(MISSING)
    return edits.flipped(octets, 8 * len(octets) - 1)


@server_scene("forged REPORTs from many places: beyond a rate nobody computes their V, and members are heard", "§10", "stranger")
def _(_mode):
    server = OurServer(strangers=(4, 1000))
    member = OfServer(server).joins()
    forged = _forged(member, server)
    for place in places(40):
        seen = server.is_dropped(forged, address=place)
    expect(server.told["status"] == "too_many_requests", f"all are computed: {server.told}")
    expect(server.ask(member.ask(server.now)), f"its member is shut out: {server.told}")
    return seen


@server_scene("forged REPORTs of one host without end", "§10", "stranger")
def _(_mode):
    server = OurServer(address=(2, 1000))
    forged = _forged(OfServer(server).joins(), server)
    server.now += 60
    seen = [server.is_dropped(forged, address=place) for place in places(4)]
    expect(seen[-1] == "dropped: rate_limited", f"all are computed: {server.told}")
    return seen[-1]


@server_scene("junk from a member's place: it costs no other member anything", "§10", "stranger")
def _(_mode):
    server = OurServer(strangers=(4, 1000), address=(2, 1000))
    member, carol = OfServer(server).joins(), OfServer(server, "carol", address=THERE).joins()
    server.now += 60
    forged = _forged(carol, server)
    for _ in range(60):
        seen = server.is_dropped(forged, address=THERE)
    expect(server.ask(member.ask(server.now)), f"another one is shut out: {server.told}")
    return seen
