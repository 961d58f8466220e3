# SPDX-License-Identifier: Apache-2.0
"""At our whole member: when it asks for keys, which it takes and for how long, and what it keeps (§7, §10, §11)."""
from dataclasses import replace

from mikeyv2 import fragments, message, mtk
from mikeyv2.lab import ALICE
from mikeyv2.octets import u16, u32
from mikeyv2.payloads import Cert, Err, KeyData, Randr
from mikeyv2.randomness import Seeded
from mikeyv2.report import LEAVE
from mikeyv2.tables import *
from mikeyv2.tickets import Sealer

from .member_target import WholeMember
from .rows import expect
from .scenes import ELSEWHERE, scene

ENDS = 7.5 * 1.25  # seconds, the longest that a finish is sent again


def member_scene(name, clause="§10", by="network"):
    return scene(name, clause, (), by)


def reports(m):
    """When it reported."""
    return [at for at, kind, _ in m.heard() if kind == DT_REPORT]


def kinds_of(said):
    return [message.decode(octets).ext(E_REPORT)[0] for _, kind, octets in said if kind == DT_REPORT]


def an_mtk_message(m, number, counter=9, msk=b"?" * 16, mtk_id=1):
    """Under an MSK of that Key Number, which the forger has made up."""
    g = m.group
    of = mtk.Mtk(g.key_domain, g.key_group + u16(number), mtk_id, g.csb_id, counter, b"k" * 16, b"s" * 12)
    return mtk.build([(of, mtk.Under(msk, g.rand, encr=g.encr))], None)[0]


def window(m):
    return m.group.report_window / 1000


# when it asks

@member_scene("KEYS of a join that never come: it asks, at a random moment of the repair window", "§7")
def _(_mode):
    moments = set()
    for seed in range(1, 7):
        m = WholeMember(seed).goes_on(loses=lambda octets: octets[1] == DT_KEYS)
        expect(m.told["is_joined"], f"it has no keys: {m.told}")
        while (left := m.waits(0.25)) and not any(kind == DT_REPORT for _, kind, _ in m.said):
            expect(m.now < m.lab.now + ENDS + window(m) + 1, f"it does not ask: {left}")
        said = m.heard()
        finished = max(at for at, kind, _ in said if kind == DT_PSK_FIN)
        asked = min(at for at, kind, _ in said if kind == DT_REPORT)
        expect(asked - finished < 4 * 1.25 + window(m), "beyond its window")
        moments.add(round(asked - finished, 3))
        m.said = said
        m.goes_on()
        expect(m.told["taken"] and m.controller.joined == {ALICE}, f"it asks for nothing: {m.told}")
    expect(len(moments) == 6 and max(moments) > 4 * 1.25, f"not at random: {moments}")
    return "it is in by its REPORT"


@member_scene("one forged message of an unknown MSK: nothing is asked before the repair window is past", "§10", "stranger")
def _(_mode):
    m = WholeMember().joins()
    m.is_dropped(an_mtk_message(m, 2), "multicast")
    m.waits(20)
    expect(not reports(m), "one is enough")
    for _ in range(2):
        m.is_dropped(an_mtk_message(m, 2), "multicast")
        m.waits(1.5 * window(m))
    expect(reports(m), "it never asks")
    return "nothing"


def _forged(m, seconds, number=2, beside=None):
    """Messages of an unknown MSK, ten a second; how often it reports."""
    count = 0
    for _ in range(10 * seconds):
        m.is_dropped(an_mtk_message(m, number), "multicast")
        if beside:
            beside()
        m.waits(0.1)
        count += sum(kind == DT_REPORT for _, kind, _ in m.said)
        m.goes_on()
    return count


@member_scene("forged messages of an unknown MSK without end: it asks ever more rarely", "§10", "stranger")
def _(_mode):
    m = WholeMember().joins()
    count = _forged(m, 60)
    asked = count // 2  # each time it acknowledges what it gets
    expect(1 <= asked <= 12, f"it asked {asked} times in a minute")
    return "ever more rarely"


@member_scene("packets under an older MSK, beside what tells of a newer one: it asks all the same")
def _(_mode):
    m = WholeMember().joins()
    count = _forged(m, 40, beside=lambda: m.opens(m.packet()))
    expect(count, "it never asks")
    return "it asks"


@member_scene("no answer to a leave: four REPORTs, and it is gone")
def _(_mode):
    m = WholeMember().joins()
    m.leaves()
    m.waits(60)
    said = m.heard()
    expect(kinds_of(said) == [LEAVE] * 4 and m.told["has_left"], f"it says {kinds_of(said)}: {m.told}")
    expect(len({octets for _, _, octets in said}) == 4, "the same one again")
    return "it is gone"


# what it takes

def _rolls(m):
    """The group's next MSK, which the member gets."""
    g = m.group
    old = replace(g)
    g.msk, g.key_number, g.rand, g.mtk, g.counter = b"2" * 16, 2, b"r" * 16, (b"K" * 16, b"S" * 12), 1
    told = m.hears(m.controller.push(ALICE, Seeded("push")))
    expect(told["keys"] == "ok", f"it does not take them: {told}")
    m.waits(0)
    m.heard()
    return old


@member_scene("MTK message under an MSK that has retired", by="member")
def _(_mode):
    m = WholeMember().joins()
    old = _rolls(m)
    m.opens(m.packet())
    late = mtk.Mtk(old.key_domain, old.msk_id(), 7, old.csb_id, 99, b"k" * 16, b"s" * 12)
    return m.is_dropped(mtk.build([(late, mtk.Under(old.msk, old.rand, encr=old.encr))], None)[0], "multicast")


@member_scene("media under an MSK that has retired, 2 s later", by="member")
def _(_mode):
    m = WholeMember().joins()
    old = _rolls(m)
    m.opens(m.packet())
    m.now += 1
    m.opens(m.packet(old.mtk, old.mki()))
    m.now += 1.1
    told = m.hears(m.packet(old.mtk, old.mki()), "media")
    expect(told["status"] != "ok", f"it opens: {told}")
    m.opens(m.packet())
    return "dropped: " + told["status"]


@member_scene("media under an MSK that has retired, played again: nothing is missing")
def _(_mode):
    m = WholeMember().joins()
    old = _rolls(m)
    m.opens(m.packet())
    m.waits(3)
    for _ in range(40):
        told = m.hears(m.packet(old.mtk, old.mki()), "media")
        expect(told["status"] == "replayed", f"it is {told}")
        m.waits(0.1)
    m.waits(5)
    expect(not reports(m), "it asks")
    return "nothing"


@member_scene("media under an older MSK, far ahead: the stream goes on where it is", by="member")
def _(_mode):
    m = WholeMember().joins()
    old = _rolls(m)
    m.opens(m.packet())
    m.seq, here = 40000, m.seq
    m.opens(m.packet(old.mtk, old.mki()))
    m.seq = here
    m.opens(m.packet())
    return "it goes on"


def _by_hash(known=True):
    """A member that names its certificate by hash, and its first CAP."""
    m = WholeMember(by_hash=True)
    if known:
        m.lab.bob.trust.known = {ALICE: m.lab.alice.credentials[0].chain}
    return m, m.heard()[0][2]


@member_scene("FRAGMENT from another address than that of the controller", "§3.6", "stranger")
def _(_mode):
    m, cap = _by_hash()
    answer, = m.answers_of(cap)
    parts = fragments.split(answer, int.from_bytes(cap[4:8], "big"), 400)
    for part in parts:
        seen = m.is_dropped(part, address=ELSEWHERE)
    for part in parts:
        m.hears(part)
    m.joins()
    return seen


def _hint(cap):
    """ERROR 8 without proof."""
    asked = message.decode(cap)
    return bytes(message.encode(message.Header(DT_ERROR, asked.header.csb_id), [Randr(ROLE_O, asked.rand(ROLE_O)), Err(8)])[0])


@member_scene("forged ERRORs 8 without end: one more exchange, and the first goes on", "§6", "stranger")
def _(_mode):
    m, cap = _by_hash()
    others = []
    for _ in range(5):
        for forged in (cap, *others):
            m.hears(_hint(forged))
        others += [octets for _, kind, octets in m.heard() if kind == DT_CAP]
    expect(len(others) == 1 and message.decode(others[0]).one(Cert), f"{len(others)} more")
    answer, = m.answers_of(cap)
    m.hears(answer)
    m.joins()
    return "one more"


def _is_not_installed(change):
    """KEYS to a REPORT whose content is so."""
    m = WholeMember().joins()
    g = m.group
    g.msk, g.key_number = b"2" * 16, 2
    before = m.told["newest"]
    told = m.hears(m.controller.push(ALICE, Seeded("push"), twist=lambda point, v: change(v) if point == "keys.content" else v))
    expect(told["keys"] != "ok" and told["newest"] == before, f"took them: {told}")
    m.hears(m.controller.push(ALICE, Seeded("again")))
    expect(m.told["keys"] == "ok" and m.told["newest"] != before, f"honest ones get {m.told}")
    return "dropped: " + (told["keys"] if told["status"] == "ok" else told["status"])


def _with(kind, **fields):
    def change(got):
        got.keys = [replace(k, **fields) if k.type == kind else k for k in got.keys]
        return got
    return change


@member_scene("KEYS with an MTK outside of its MSK's interval", by="controller")
def _(_mode):
    return _is_not_installed(_with(K_TGK, interval=(b"\0\2", b"\xff\xfe")))


@member_scene("KEYS with an MTK of another length than the profile's", by="controller")
def _(_mode):
    return _is_not_installed(_with(K_MTK, key=bytes(32)))


@member_scene("KEYS with an MTK of an MSK that they have not", by="controller")
def _(_mode):
    def change(got):
        mki = got.of(K_MTK)[0].spi
        at = got.keys.index(got.of(K_MTK)[0]) + 1
        got.keys.insert(at, KeyData(K_MTK, bytes(16), bytes(12), spi=mki[:2] + b"\0\x09\0\1"))
        return got
    return _is_not_installed(change)


@member_scene("KEYS of a lower epoch, or of an older MSK, at a whole member", by="controller")
def _(_mode):
    m = WholeMember()
    m.group.epoch, m.group.key_number = 5, 3
    m.joins()

    def older(epoch, number):
        def change(point, got):
            if point == "keys.content":
                got.member_state = got.member_state[:8] + u32(epoch) + got.member_state[12:]
                got.msk_states = [s[:5] + u16(number) + s[7:] for s in got.msk_states]
                got.keys = [replace(k, spi=k.spi[:2] + u16(number) + k.spi[4:]) if k.type == K_MTK else k for k in got.keys]
            elif point == "keys.header":
                mki = m.group.key_group + u16(number) + u16(m.group.mtk_id)
                got = replace(got, map=tuple(replace(entry, spi=mki) for entry in got.map))
            return got
        return change
    seen = {m.is_dropped(m.controller.push(ALICE, Seeded(f"push-{n}"), twist=older(*n))) for n in ((4, 3), (4, 4), (5, 2))}
    told = m.hears(m.controller.push(ALICE, Seeded("push"), twist=older(5, 4)))
    expect(told["keys"] == "ok", f"newer ones get {told}")
    return "; ".join(sorted(seen))


# what it keeps

@member_scene("unasked KEYS played again to a member that has started anew")
def _(_mode):
    m = WholeMember().joins()
    keys = m.controller.push(ALICE, Seeded("push"))
    expect(m.hears(keys)["keys"] == "ok", f"it does not take them: {m.told}")
    m.restarts()
    m.joins()
    return m.is_dropped(keys)


@member_scene("a join that states a lower T than that of its REPORTs: they go on above", by="controller")
def _(_mode):
    m = WholeMember().joins()
    _forged(m, 4)
    before = m.controller.last_t[ALICE]
    m.restarts()
    m.joins()
    _forged(m, 4)
    expect(m.controller.last_t[ALICE] > before, f"its T is not above {before}")
    return "above"


@member_scene("a ticket that was shown is not shown again, by who has started anew either", "§11")
def _(_mode):
    m = WholeMember()
    m.lab.bob.policy.features, m.lab.bob.policy.give_tickets = 0x50, True
    m.lab.bob.sealer = Sealer(bytes(32))
    m.joins()
    shown = []
    for _ in range(2):
        m.restarts()
        shown.append(T_TICKET in message.decode(m.heard()[0][2]).caps)
    expect(shown == [True, False], f"shown: {shown}")
    return "once"
