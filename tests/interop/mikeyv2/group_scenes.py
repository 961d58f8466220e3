# SPDX-License-Identifier: Apache-2.0
"""Misbehaviours in a group: GROUP_REKEY, announcements, key roll, REPORT, KEYS outside of an exchange."""
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from . import content, edits, report, schedule
from .group_rekey import ANNOUNCEMENT, TREE, Update, build
from .group_rekey import Member as RekeyMember
from .lab import ALICE, GROUP_URI, NOW, PSK_AB, Lab, make_group
from .member import Member
from .octets import Refused, u32
from .payloads import KeyData, Padding
from .randomness import Seeded
from .scenes import scene
from .tables import *

OLD, NEXT, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes((i,)) * 32) for i in (1, 2, 3))
ROOT, MSK_1, MSK_2, MSK_ID = b"r" * 32, b"1" * 16, b"2" * 16, b"\0\7\0\1"
UPDATE = Update(b"\1\2\3", b"\0\7\0\2", 77, TREE, b"treetree", 5, b"n" * 16, 10)
CONTENT = content.Content([KeyData(K_TGK, MSK_2, interval=(b"\0\1", b"\xff\xff"))])


def member(root=ROOT):
    return RekeyMember(b"\1\2\3", b"\0\7", 77, b"treetree", 4, 9, {MSK_ID: MSK_1}, 1, OLD.public_key(), lambda tree, epoch: root)


def packets(count=3, update=UPDATE, signing=(1, OLD), old_msk=MSK_1, root=ROOT, **more):
    return build(update, [bytes((i,)) * 50 for i in range(count)], signing, old_msk, old_msk and MSK_ID, root, CONTENT, **more)


def outcome(m, octets):
    """What became of it; a refusal changes nothing but counters."""
    before = (m.epoch, m.t, dict(m.msks), m.key_id)
    try:
        return m.receive(NOW, octets)
    except Refused as refused:
        kept = "nothing for this member" in refused.reason  # no fault of the packet: a roll counts
        assert (m.epoch, m.t, dict(m.msks), m.key_id)[: 3 if kept else 4] == before[: 3 if kept else 4]
        return refused.reason


@scene("update: any of its packets, of 1 to 16", "§10")
def _():
    seen = {outcome(member(), p) for n in (1, 2, 3, 5, 16) for p in packets(n)}
    return seen == {"applied"}, seen


@scene("update replayed, older, of an old T", "§10")
def _():
    m = member()
    first = packets()[0]
    seen = [outcome(m, first), outcome(m, first), outcome(m, packets(update=replace(UPDATE, epoch=6))[0]),
            outcome(m, packets(update=replace(UPDATE, epoch=4, t=11))[0])]
    return seen == ["applied", "malformed: epoch", "malformed: T", "malformed: epoch"], seen


@scene("update with a packet of another one, or of a wrong place", "§10")
def _():
    p = packets()
    path = p[0].index(bytes((0, 0, 0, 1, 0, 3)))
    seen = [outcome(member(), edits.put(path + 4, [1])(p[0])), outcome(member(), edits.put(path + 5, [2])(p[0]))]
    unfiltered = packets(old_msk=None)
    path = unfiltered[0].index(bytes((0, 0, 0, 1, 0, 3)))
    seen.append(outcome(member(), edits.put(path + 4, [1])(unfiltered[0])))
    return seen == ["filter MAC", "filter MAC", "signature"] or seen == ["malformed: filter MAC"] * 2 + ["signature"], seen


@scene("update signed by a stranger who has the old MSK", "§10")
def _():
    seen = outcome(member(), packets(signing=(1, STRANGER))[0])
    return seen == "signature", [seen]


@scene("wrong signatures without filter MAC: 20 a second are computed", "§10")
def _():
    m = member()
    bad = packets(signing=(1, STRANGER), old_msk=None)[0]
    seen = [outcome(m, bad) for _ in range(21)]
    good = outcome(m, packets()[0])
    return seen == ["signature"] * 20 + ["malformed: wrong signatures"] and good == "applied", seen[-2:]


@scene("KEMAC of another root behind a good signature", "§10")
def _():
    m = member()
    seen = outcome(m, packets(root=b"?" * 32)[0])
    return seen == "stale" and m.missing and m.epoch == 4, [seen]


@scene("announcement: moves no T; signed by nobody changes nothing", "§10")
def _():
    m, said = member(), replace(UPDATE, kind=ANNOUNCEMENT)
    good, bad = (build(said, [None], (1, key), MSK_1, MSK_ID)[0] for key in (OLD, STRANGER))
    seen = [outcome(m, bad), outcome(m, good), outcome(m, packets()[0])]
    return seen == ["signature", "announced", "applied"], seen


@scene("announcement of an unknown tree: one REPORT", "§10")
def _():
    m, said = member(), replace(UPDATE, kind=ANNOUNCEMENT, tree_id=b"another!")
    octets = build(said, [None], (1, OLD), MSK_1, MSK_ID)[0]
    seen = [outcome(m, octets), outcome(m, octets)]
    return seen == ["foreign", "malformed: T"] and m.missing, seen


@scene("update far ahead", "§10")
def _():
    m = member()
    seen = outcome(m, packets(update=replace(UPDATE, epoch=69))[0])
    return seen == "stale" and m.missing and m.t == 9, [seen]


@scene("key roll: by the old key and the new one", "§10")
def _():
    m = member()
    seen = [outcome(m, packets(roll=(2, NEXT))[1]), m.key_id]
    following = replace(UPDATE, epoch=6, t=11)
    seen.append(outcome(m, packets(update=following, old_msk=None)[0]))
    seen.append(outcome(m, packets(update=following, old_msk=None, signing=(2, NEXT))[0]))
    return seen == ["applied", 2, "malformed: verification key", "applied"], seen


@scene("key roll in a packet for others: the rest of that update still counts, nothing else by the old key", "§10")
def _():
    m, roots = member(), {bytes((2,)) * 50: ROOT}
    m.derive = lambda tree, epoch: roots.get(tree)
    rolling, other = packets(roll=(2, NEXT)), packets(update=replace(UPDATE, epoch=6, t=11), old_msk=None)
    seen = [outcome(m, rolling[0]), m.key_id, outcome(m, other[2]), outcome(m, rolling[2]), m.key_id]
    return seen == ["malformed: nothing for this member in this packet", 2, "malformed: verification key", "applied", 2], seen


@scene("key roll to a key that nobody has", "§10")
def _():
    class Forged:
        """Public key of another than signs."""
        def public_key(self):
            return NEXT.public_key()

        def sign(self, octets):
            return STRANGER.sign(octets)
    seen = outcome(member(), packets(roll=(2, Forged()))[0])
    return seen == "key roll", [seen]


@scene("GROUP_REKEY: every flipped bit", "§10")
def _():
    octets, m = packets(2, roll=(2, NEXT))[1], member()
    seen = {outcome(m, edits.flipped(octets, bit)) for bit in range(8 * len(octets))}
    return not seen & {"applied", "stale", "announced"} and not m.missing and outcome(m, octets) == "applied", seen


def _content_of(epoch, number, tree_id=b"treetree", t=20, group=b"\0\7"):
    state = b"\1\2\3" + group + bytes((0, number)) + bytes(4)
    return content.Content([CONTENT.keys[0]], None, [bytes(16)], 77, [state], tree_id + u32(epoch) + u32(t) + bytes(22))


@scene("older keys, keys of another group or of a tree that nobody asked for are not installed", "§10")
def _():
    seen = []
    for got, asked in ((_content_of(3, 9), True), (_content_of(4, 0), True), (_content_of(4, 1), False), (_content_of(5, 1), False),
                       (_content_of(5, 2, group=b"\0\x08"), True), (_content_of(1, 2, b"another!"), False),
                       (_content_of(1, 2, b"another!"), True)):
        m = member()
        try:
            m.install(got, asked)
            seen.append(m.t)
        except Refused as refused:
            seen.append(refused.reason[len("malformed: "):])
    return seen == ["older keys", "older keys", 20, 20, "group", "tree id that was not asked for", 20], seen


@scene("KEYS from before a key roll: the old key does not come back, unless by who is asked behind it", "§10")
def _():
    from .group_rekey import public_of
    old = KeyData(K_VERIFY, public_of(OLD), spi=u32(1))
    seen = []
    for epoch, asked, asked_at in ((4, False, 0), (4, True, NOW - 1), (4, True, NOW + 1), (5, False, 0)):
        m, got = member(), _content_of(epoch, 2)
        m.derive = lambda tree, epoch: None
        outcome(m, packets(roll=(2, NEXT))[0])
        got.keys.append(old)
        m.install(got, asked, asked_at)
        seen.append(m.key_id)
    return seen == [2, 2, 1, 1], seen


# REPORT

R = schedule.report_key(b"u" * 32)


def controller():
    return report.Controller(make_group(1), {ALICE: R}, {}, set(), {})


def a_report(c, t=1, kind=report.MISSING, r=R, told_by=None):
    g = c.group
    return report.build_report(Seeded(t), r, ALICE, GROUP_URI, (g.key_domain, g.msk_id()), g.csb_id, t, kind, g.tree_id, g.epoch,
                               g.t, g.msk_id(), 0, told_by=told_by)


def answered(c, octets, source=None):
    try:
        return c.receive(octets, Seeded(9), source)
    except Refused as refused:
        return refused.reason


@scene("REPORT repeated, older, with the V of nobody", "§10")
def _():
    c = controller()
    good = a_report(c, 2)
    keys = answered(c, good)
    seen = [answered(c, good), answered(c, a_report(c, 1)), answered(c, a_report(c, 3, r=bytes(32)))]
    got = report.take_keys(keys, R, c.group.csb_id, c.group.encr, good)
    return len(good) == 411 and len(got.msks()) == 1 and seen == ["malformed: T of REPORT"] * 2 + ["MAC"], seen


@scene("REPORT from an address that is not its member's", "§10")
def _():
    c = controller()
    c.proved[ALICE] = "home"
    keys = answered(c, a_report(c, 1), "away")
    seen = []
    for t, kind, told_by, source in ((2, report.ACKNOWLEDGE, None, "away"), (3, report.ACKNOWLEDGE, b"other KEYS", "away"),
                                     (4, report.ACKNOWLEDGE, keys, "elsewhere"), (5, report.ACKNOWLEDGE, keys, "away")):
        answered(c, a_report(c, t, kind, told_by=told_by), source)
        seen.append(c.proved[ALICE])
    return len(keys) <= 3 * 411 and seen == ["home"] * 3 + ["away"], seen


@scene("REPORT without PADDING, of which three times is less than KEYS", "§10")
def _():
    c = controller()
    c.group.streams = tuple((i, 0, 7) for i in range(16))
    g = c.group
    short = report.build_report(Seeded(1), R, ALICE, GROUP_URI, (g.key_domain, g.msk_id()), g.csb_id, 3, report.MISSING, g.tree_id, g.epoch,
                                g.t, g.msk_id(), 0, change=edits.removed(Padding))
    keys = answered(c, a_report(c, 2))
    return answered(c, short) is None is not keys and 3 * len(short) < len(keys) <= 3 * 411, [len(short), len(keys)]


@scene("REPORT of a member that was given no keys", "§10")
def _():
    c = controller()
    c.unmarked = {ALICE}
    seen = [answered(c, a_report(c, 1)), set(c.joined)]
    c.unmarked = set()  # by an answer whose finish never came
    answered(c, a_report(c, 2))
    return seen == ["malformed: not joined", set()] and c.joined == {ALICE}, seen


@scene("finish that nobody answers: a REPORT in the window, a longer one each time until KEYS come", "§7")
def _():
    lab = Lab((PSK,), True)
    lab.to_o(lab.to_a(lab.open()))
    while lab.o.state == "answered":
        lab.now = lab.o.next_timer
        lab.log(lab.o.timer(lab.now))
    r = schedule.report_key(schedule.psk_v2(PSK_AB, ALICE, GROUP_URI))
    c, m, now, sent = report.Controller(lab.group, {ALICE: r}, {}, set(), {}), Member(Seeded(4), r, lab.o), lab.now, []
    m.miss(now)
    for fold in (1, 2, 4, 8, 16, 16):
        latest, now = now + fold * m.window, m.missing_at
        sent.append(now <= latest and m.timer(now))
    said = c.receive(sent[-1], Seeded(9), "there")
    acknowledged = m.receive(now, said)
    c.receive(acknowledged, Seeded(9), "there")
    return all(sent) and lab.o.state == "done" and c.joined == {ALICE} and c.proved == {ALICE: "there"} and m.timer(now + 99) is None, [len(sent)]


@scene("REPORT after a leave", "§10")
def _():
    c = controller()
    left = answered(c, a_report(c, 1, report.LEAVE))
    return isinstance(left, bytes) and answered(c, a_report(c, 2)) == "malformed: not joined", [len(left)]


@scene("KEYS to another REPORT, or to one of long ago, unasked KEYS replayed", "§10")
def _():
    c = controller()
    one, two = a_report(c, 1), a_report(c, 2)
    keys, pushed = answered(c, one), c.push(ALICE, Seeded(8))
    seen = []
    for octets, asked, last, ago in ((keys, two, 0, 0), (keys, None, 0, 0), (keys, one, 0, 4), (pushed, None, 1, 0),
                                     (pushed, None, 0, 9), (keys, one, 0, 3.9)):
        try:
            seen.append(len(report.take_keys(octets, R, c.group.csb_id, c.group.encr, asked, last, ago).msks()))
        except Refused as refused:
            seen.append(refused.reason)
    return seen[-2:] == [1, 1] and all(isinstance(s, str) for s in seen[:-2]), seen


@scene("REPORT and KEYS outside of an exchange: every flipped bit", "§10")
def _():
    c = controller()
    good = a_report(c)
    seen = {str(answered(c, edits.flipped(good, bit))) for bit in range(8 * len(good))}
    keys, held = answered(c, good), 0
    for bit in range(8 * len(keys)):
        try:
            report.take_keys(edits.flipped(keys, bit), R, c.group.csb_id, c.group.encr, good)
            held += 1
        except Refused:
            pass
    return isinstance(keys, bytes) and held == 0 and not any(s.startswith("b'") for s in seen), seen
