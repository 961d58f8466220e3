# SPDX-License-Identifier: Apache-2.0
"""Attacks of more than one datagram on our Answerer: replays, other addresses, other sessions, crowds. The network plays them."""
from dataclasses import dataclass

from mikeyv2 import edits, message
from mikeyv2.lab import BOB, GROUP_URI, MALLORY, PSK_AB
from mikeyv2.octets import u32
from mikeyv2.party import untwisted
from mikeyv2.payloads import *
from mikeyv2.tables import *

from .labs import OurA
from .rows import expect, finishes

SCENES = []
EVERY = frozenset(MODE_NAMES)
ELSEWHERE = ("203.0.113.9", 2269)


@dataclass(frozen=True)
class Scene:
    name: str
    clause: str
    by: str
    modes: frozenset  # empty: it is of no exchange
    play: object  # takes the mode


def scene(name, clause, modes=EVERY, by="network"):
    def add(play):
        SCENES.append(Scene(name, clause, by, frozenset(modes), play))
        return play
    return add


def ended(lab):
    """CAP, answer, finish, KEYS of a good exchange."""
    passed = [d[0] for d in lab.run()[:4]]
    expect(lab.o.state == "done" and len(passed) == 4, "no exchange to begin with")
    return passed


def is_dropped(lab, datagrams, reason=None, address=None, but_hints=False):
    """Our A says nothing to these, or hints alone, and counts that reason."""
    events = len(lab.events)
    said = lab.to_a(datagrams, address) if address else lab.to_a(datagrams)
    told = lab.a.told
    if lab.is_hint(said):
        return "ERROR 8, a hint"
    if but_hints:
        said = [d for d in said if d[1] != DT_ERROR or message.decode(d).one(V) or message.decode(d).one(Sign)]
    expect(not said and told["status"] != "ok" and not {"verified", "answered"} & set(lab.since(events)), f"took it: {told}")
    expect(reason in (None, told["status"]), f"another reason: {told}")
    return "dropped: " + told["status"]


def kinds(datagrams):
    return [d[1] for d in datagrams]


# replays

@scene("replay of CAP while the entry is there", "§2")
def _(mode):
    lab = OurA((mode,))
    cap, answer, _, _ = ended(lab)
    events = len(lab.events)
    expect(lab.to_a([cap]) == [answer] and lab.since(events) == [], "another answer, or another exchange")
    return "the same octets"


@scene("replay of CAP when the entry is gone: another RANDr, the old finish is none for it", "§2", EVERY - {EARLY_DH})
def _(mode):
    lab = OurA((mode,), tree_keys=0)
    cap, answer, finish, _ = ended(lab)
    lab.now += 11
    again = lab.to_a([cap])
    expect(again and again != [answer] and message.decode(again[0]).rand(ROLE_A) != message.decode(answer).rand(ROLE_A), "the same RANDr")
    return is_dropped(lab, [finish])


@scene("replay of CAP from another address: another exchange, no good for the first", "§2", EVERY - {EARLY_DH})
def _(mode):
    lab = OurA((mode,))
    cap = lab.open()
    answer = lab.to_a(cap)
    other = lab.to_a(cap, ELSEWHERE)
    expect(other != answer, "the same answer at two addresses")
    lab.to_o(lab.to_a(lab.to_o(answer)))
    expect(lab.o.state == "done", "the first exchange ended")
    return "another exchange"


@scene("replay of an early DH CAP: from the cache alone, to any address", "§8", {EARLY_DH})
def _(mode):
    lab = OurA((mode,))
    cap, answer, _, _ = ended(lab)
    expect(lab.to_a([cap], ELSEWHERE) == [answer], "another answer")
    lab.now += 11
    return is_dropped(lab, [cap], "replayed")


@scene("replay of an early DH CAP with FRESH of the period before the last", "§8", {EARLY_DH})
def _(mode):
    lab = OurA((mode,))
    cap = ended(lab)[0]
    lab.now += 2 * 3600
    said = lab.to_a([cap])
    expect(kinds(said) == [DT_RETRY], f"said {kinds(said)}")
    return "RETRY"


@scene("entry older than 30 s, repetitions or not", "§2")
def _(mode):
    lab = OurA((mode,))
    cap = lab.open()
    finish = lab.to_o(lab.to_a(cap))
    for _ in range(4):
        lab.now += 8
        lab.to_a(cap)
    return is_dropped(lab, finish)


@scene("replay of a finish: the same octets, nothing anew", "§7")
def _(mode):
    lab = OurA((mode,))
    _, _, finish, keys = ended(lab)
    events = len(lab.events)
    expect(lab.to_a([finish]) == [keys] and lab.since(events) == [], "other KEYS, or verified again")
    return "the same octets"


@scene("another finish after the first good one", "§7")
def _(mode):
    lab = OurA((mode,))
    finish = lab.to_o(lab.to_a(lab.open()))[0]
    keys = lab.to_a([finish])
    plain = lab.o.twist
    lab.o.twist = lambda point, v: edits.added(Ext(99, b"?"), (Dh, V))(v) if point == "finish.payloads" else v
    other, lab.o.twist = lab.o._finish(), plain
    expect(other != finish, "no other finish")
    seen = is_dropped(lab, [other])
    expect(lab.to_a([finish]) == keys, "the first is forgotten")
    return seen


@scene("finish before any CAP", "§7")
def _(mode):
    lab = OurA((mode,))
    finish = ended(lab)[2]
    return is_dropped(OurA((mode,)), [finish])


# other sessions and other roles

@scene("cross-session: finish with the RANDs and CSB ID of another exchange", "§4.4")
def _(mode):
    lab = OurA((mode,))
    finish = ended(lab)[2]
    lab.again()
    answer = lab.to_a(lab.open())[0]
    m, old = message.decode(answer), message.decode(finish)
    moved = finish.replace(old.rand(ROLE_O), m.rand(ROLE_O)).replace(old.rand(ROLE_A), m.rand(ROLE_A))
    return is_dropped(lab, [edits.put(4, u32(lab.o.csb_id))(moved)], "authentication_failed")


@scene("cross-session: finish under another CSB ID", "§7")
def _(mode):
    lab = OurA((mode,))
    finish = lab.to_o(lab.to_a(lab.open()))[0]
    return is_dropped(lab, [edits.flipped(finish, 39)])


@scene("cross-session: CAP of one exchange with V of another", "§4.3")
def _(mode):
    lab = OurA((mode,))
    first = lab.open()[0]
    lab.again()
    second = lab.open()[0]
    return is_dropped(lab, [second[:-32] + first[-32:]], "authentication_failed")


@scene("reflection: an answer, KEYS, a RETRY, an ERROR to A", "§7")
def _(mode):
    lab = OurA((mode,))
    _, answer, _, keys = ended(lab)
    seen = {is_dropped(lab, [d]) for d in (answer, keys)}
    lab.again()
    lab.a.load = True
    retry = lab.to_a(lab.open())
    seen |= {is_dropped(lab, retry), is_dropped(lab, [edits.put(1, [DT_ERROR])(keys)])}
    expect(len(seen) == 1, f"several reasons: {seen}")
    return seen.pop()


# who asks, and who hears what

@scene("unknown identity, wrong proof and wrong key look alike", "§15")
def _(mode):
    seen = set()
    for change in ("identity", "proof") + (("key",) if mode in PSK_TYPE else ()):
        lab = OurA((mode,))
        if change == "identity":
            lab.alice.identity = MALLORY
            lab.again()
        if change == "key":
            lab.alice.psks = {peer: bytes(32) for peer in lab.alice.psks}
            lab.again()
        cap = lab.open()
        seen.add(is_dropped(lab, [edits.flipped(cap[0], 8 * len(cap[0]) - 1)] if change == "proof" else cap))
    expect(len(seen) == 1, f"they differ: {seen}")
    return seen.pop()


@scene("CAP that is for somebody else", "§7", PSK_TYPE, "Offerer")
def _(mode):
    seen = set()
    for join, peer in ((False, MALLORY), (False, GROUP_URI), (True, BOB)):
        lab = OurA((mode,), join)
        lab.alice.psks[peer], lab.plan.peer = PSK_AB, peer
        lab.again()
        seen.add(is_dropped(lab, lab.open(), "unknown_identity"))
    return seen.pop()


def keys_come_late(lab):
    answer = lab.to_a(lab.open())
    m = message.decode(answer[0])
    expect(m.header.map is None and not m.all(Sp), "keys in the answer")
    lab.to_o(lab.to_a(lab.to_o(answer)))
    expect(lab.o.state == "done" and lab.o.content.msks(), f"ended in {lab.o.state}")
    return "the keys come in KEYS"


@scene("no group key without a proof of the mode: RSA without SIGN", "§1", {RSA}, "Offerer")
def _(mode):
    return keys_come_late(
        OurA((mode,), True, o={"show": "cert"}, o_twist=lambda point, v: edits.removed(Sign)(v) if point == "cap.payloads" else v))


@scene("nothing in common, and no proof: nothing is said", "§7")
def _(mode):
    lab = OurA((mode,), o={"encr": (0x63,)})
    cap = lab.open()[0]
    return is_dropped(lab, [edits.flipped(cap, 8 * len(cap) - 1)], "authentication_failed")


@scene("join by who is not entitled, in the answer's place", "§7", {PSK, RSA, EARLY_DH, EARLY_DHHMAC}, "Offerer")
def _(mode):
    lab = OurA((mode,), True, entitled=False)
    said = lab.to_a(lab.open())
    expect(kinds(said) == [DT_ERROR] and "answered" not in lab.names(), f"said {kinds(said)}")
    lab.to_o(said)
    expect(lab.o.state == "failed" and not lab.o.content, "the ERROR has no proof")
    return "ERROR 7"


@scene("join by who is not entitled, where the keys are in KEYS", "§7", {DH, DHHMAC}, "Offerer")
def _(mode):
    lab = OurA((mode,), True, entitled=False)
    lab.run()
    expect(lab.o.state == "failed" and not (lab.o.content and lab.o.content.msks()) and message.decode(lab.a_said[-1]).header.data_type == DT_ERROR,
           f"ended in {lab.o.state}")
    return "ERROR 7 in place of KEYS"


@scene("join of the group by another's EXT 3", "§3.4", by="Offerer")
def _(mode):
    lab = OurA((mode,), True, plan={"join": (b"\x01\x02\x03", b"\0\x09")})
    lab.run()
    expect(lab.o.state == "failed" and "keys" not in lab.names(), f"ended in {lab.o.state}")
    return "ERROR 7"


@scene("no group key before the finish in modes 3 and 4", "§1", {DH, DHHMAC})
def _(mode):
    lab = OurA((mode,), True)
    m = message.decode(lab.to_a(lab.open())[0])
    kemac = m.one(Kemac)
    expect(m.header.map is None and not m.all(Sp) and not (kemac and kemac.data), "keys in the answer")
    return "an answer without map, policies and keys"


# addresses and crowds

def under_load(mode, **options):
    lab = OurA((mode,), **options)
    lab.a.load = True
    return lab, lab.to_o(lab.to_a(lab.open()))


@scene("cookie from another address", "§2")
def _(mode):
    lab, with_cookie = under_load(mode)
    said = lab.to_a(with_cookie, ELSEWHERE)
    expect(kinds(said) == [DT_RETRY] and "answered" not in lab.names(), f"said {kinds(said)}")
    expect(kinds(lab.to_a(with_cookie)) == [ANSWER_OF[mode]], "a good cookie is none")
    return "RETRY"


@scene("cookie of another CSB ID", "§2", PSK_TYPE)
def _(mode):
    lab, with_cookie = under_load(mode)
    cookie = message.decode(with_cookie[0]).caps[T_COOKIE]
    lab.o_twist = lambda point, v: edits.with_tlv(T_COOKIE, cookie)(v) if point == "cap.tlvs" else v
    lab.again()
    said = lab.to_a(lab.open())
    expect(kinds(said) == [DT_RETRY] and "answered" not in lab.names(), f"said {kinds(said)}")
    return "RETRY"


@scene("cookie too old", "§2")
def _(mode):
    lab, with_cookie = under_load(mode)
    lab.now += 61
    said = lab.to_a(with_cookie)
    expect(kinds(said) == [DT_RETRY] and "answered" not in lab.names(), f"said {kinds(said)}")
    return "RETRY"


@scene("cookie that A did not make", "§2")
def _(mode):
    lab, with_cookie = under_load(mode)
    old = message.decode(with_cookie[0]).caps[T_COOKIE]
    for at in range(8 * len(old)):
        forged = with_cookie[0].replace(old, edits.flipped(old, at))
        expect(kinds(lab.to_a([forged])) == [DT_RETRY], f"bit {at} counts nothing")
    m = message.decode(with_cookie[0])
    for size in (1, len(old) - 1, 64):
        tlvs = edits.with_tlv(T_COOKIE, (old * 4)[:size])(m.one(Cap).tlvs)
        forged = bytes(message.encode(m.header, [Cap(tlvs) if isinstance(p, Cap) else p for p in m.payloads])[0])
        expect(kinds(lab.to_a([forged])) == [DT_RETRY], f"{size} octets will do")
    return "RETRY"


@scene("CAP without cookie under load: nothing is kept, and RETRY is no longer than it", "§2")
def _(mode):
    lab = OurA((mode,))
    lab.a.load = True
    cap = lab.open()[0]
    retry = lab.to_a([cap])
    expect(kinds(retry) == [DT_RETRY] and len(retry[0]) <= len(cap) and "answered" not in lab.names(), f"said {kinds(retry)}")
    return "RETRY"


@scene("amplification: an answer above 3 times an unpadded CAP", "§2", {PSK, EARLY_DHHMAC})
def _(mode):
    lab = OurA((mode,), True, tree_keys=24, o_twist=lambda point, v: edits.removed(Padding)(v) if point == "cap.payloads" else v)
    cap = lab.open()
    said = lab.to_a(cap)
    expect(kinds(said) == [DT_RETRY] and "answered" not in lab.names(), f"{len(said[0])} octets to {len(cap[0])}")
    expect(kinds(lab.to_a(lab.to_o(said))) == [ANSWER_OF[mode]], "a proved address gets no answer")
    return "RETRY"


@scene("replay of a finish from another address gets at most 3 times its octets", "§2", {DH, DHHMAC})
def _(mode):
    lab = OurA((mode,), True, tree_keys=24)
    _, _, finish, keys = ended(lab)
    expect(len(keys) > 3 * len(finish), "KEYS are short")
    seen = is_dropped(lab, [finish], address=ELSEWHERE)
    expect(lab.to_a([finish]) == [keys], "the entry moved")
    return seen


@scene("finish from another address than its answer's: no group keys go there", "§2", {DH, DHHMAC})
def _(mode):
    lab = OurA((mode,), True)
    finish = lab.to_o(lab.to_a(lab.open()))
    seen = is_dropped(lab, finish, "wrong_source", ELSEWHERE)
    expect(kinds(lab.to_a(finish)) == [DT_KEYS], "none go where the answer went")
    return seen


@scene("the 17th exchange of one address or identity: the oldest goes, without finish and with", "§2")
def _(mode):
    lab = OurA((mode,))
    other = OurA.__new__(OurA)
    other.__dict__.update(lab.__dict__, seed="elsewhere")
    other.again()
    theirs = other.o
    kept = lab.to_a(lab.log(theirs.open(lab.now)), ELSEWHERE)
    machines = []
    for _ in range(17):
        machines.append(lab.again())
        machines[-1].answer_came = _answer(lab)
        lab.now += 0.1

    def finish(machine, said, address):
        lab.o = machine
        return lab.to_a(lab.to_o(said), address)
    first = finish(machines[0], machines[0].answer_came, O_HERE)
    expect(not first and lab.a.told["status"] != "ok", f"the oldest is still there: {lab.a.told}")
    for machine in machines[1:]:
        expect(kinds(finish(machine, machine.answer_came, O_HERE)) == [DT_KEYS], "another one went")
    seen = _full(lab)
    expect(kinds(finish(theirs, kept, ELSEWHERE)) == [DT_KEYS], "that of another address went")
    lab.again()
    expect(kinds(lab.to_a(lab.open())) == [ANSWER_OF[mode]], "the oldest that this identity finished is still there")
    return "dropped: " + seen


O_HERE = ("192.0.2.1", 2269)


@scene("CAPs in the name of an address: none of its exchanges goes", "§2")
def _(mode):
    lab = OurA((mode,))
    theirs = lab.again()
    answer, said = lab.to_a(lab.open()), []
    for _ in range(32):
        lab.again()
        said += kinds(lab.to_a(lab.open()))
    expect(said == [ANSWER_OF[mode]] * 15 + [DT_RETRY] * 17, f"said {said}")
    lab.o = theirs
    expect(kinds(lab.to_a(lab.to_o(answer))) == [DT_KEYS], "the exchange went")
    return "RETRY"


def _answer(lab):
    """To a CAP, or to the one with the cookie that it got."""
    said = lab.to_a(lab.open())
    return lab.to_a(lab.to_o(said)) if kinds(said) == [DT_RETRY] else said


def _full(lab):
    """16 exchanges of this address are verified now: none goes for one that is not."""
    lab.again()
    said = _answer(lab)
    expect(not said and lab.a.told["status"] == "too_many_requests", f"said {kinds(said)}: {lab.a.told}")
    return lab.a.told["status"]


@scene("a crowd: from three quarters full on a CAP without cookie gets RETRY", "§2")
def _(mode):
    lab = OurA((mode,), capacity=8)
    said = []
    for i in range(8):
        lab.again()
        said += kinds(lab.to_a(lab.open(), ("192.0.2.3", i)))
    expect(said == [ANSWER_OF[mode]] * 6 + [DT_RETRY] * 2, f"said {said}")
    return "RETRY"


@scene("a full cache: of an unproved address first, verified ones never", "§2")
def _(mode):
    lab = OurA((mode,), capacity=4)
    lab.a.load = True
    finishes(lab)  # one verified
    proved = []
    for i in range(3):  # with cookies; the third takes the place of the one without, which is younger than the first
        lab.now += 0.1
        if i == 2:
            lab.a.load = False
            lab.again()
            unproved = lab.to_a(lab.open(), ("192.0.2.4", 1)), lab.o
            lab.a.load = True
            lab.now += 0.1
        lab.again()
        at = ("192.0.2.5", i)
        said = lab.to_a(lab.to_o(lab.to_a(lab.open(), at)), at)
        expect(kinds(said) == [ANSWER_OF[mode]], "a good cookie gets no place")
        proved.append((said, lab.o))
    for (said, machine), i in zip(proved, range(3)):
        lab.o = machine
        expect(kinds(lab.to_a(lab.to_o(said), ("192.0.2.5", i))) == [DT_KEYS], "a proved one went")
    lab.o = unproved[1]
    expect(not lab.to_a(lab.to_o(unproved[0]), ("192.0.2.4", 1)), "the unproved one did not go")
    lab.again()
    at = ("192.0.2.6", 1)
    said = lab.to_a(lab.to_o(lab.to_a(lab.open(), at)), at)
    expect(not said and lab.a.told["status"] == "too_many_requests", f"a verified one went: {lab.a.told}")
    return "dropped: " + lab.a.told["status"]


# damage

def _every(octets):
    """One bit of each octet, another one in each, and each prefix."""
    yield from (edits.flipped(octets, 8 * at + at * 5 % 8) for at in range(len(octets)))
    yield from (octets[:size] for size in range(1, len(octets)))


@scene("a bit of each octet, and each prefix, of CAP and finish", "§4.2")
def _(mode):
    for join in (False, True):
        lab = OurA((mode,), join)
        cap = lab.open()[0]
        for wrong in _every(cap):
            is_dropped(lab, [wrong], but_hints=True)
        finish = lab.to_o(lab.to_a([cap]))[0]
        at = 0
        while at < len(wrong := list(_every(finish))):
            is_dropped(lab, [wrong[at]])
            at += 1
            if lab.a.told["status"] == "rate_limited":  # an exchange has its share of those that fail
                lab.again()
                finish = lab.to_o(_answer(lab))[0]
                at -= 1
        lab.now += 1
        lab.to_o(lab.to_a([finish]))
        expect(lab.o.state == "done", "the good ones are not taken after it")
    return "dropped"
