# SPDX-License-Identifier: Apache-2.0
"""REPORT at our controller, KEYS outside of exchanges at our member (§10)."""
import copy
from dataclasses import replace

from mikeyv2 import edits, message, report, schedule
from mikeyv2.lab import ALICE, GROUP_URI, MALLORY, PSK_AB, make_group
from mikeyv2.octets import u32
from mikeyv2.payloads import *
from mikeyv2.randomness import Seeded
from mikeyv2.report import LEAVE, MISSING
from mikeyv2.tables import *

from .group_target import OurController, OurReporter
from .labs import OurO
from .offerer_scenes import ended
from .rekey_scenes import group_scene
from .rows import expect

R = schedule.report_key(schedule.psk_v2(PSK_AB, ALICE, GROUP_URI))
TICKET, R_OF_TICKET = bytes(range(200)), bytes((7,)) * 32


# REPORT

def controller(**more):
    return OurController(make_group(1), {ALICE: R}, **more)


def a_report(c, t=1, kind=MISSING, r=R, member=ALICE, uri=GROUP_URI, seed=None, **more):
    g = c.group
    names = more.pop("names", (g.key_domain, g.msk_id()))
    return report.build_report(Seeded(seed or t), r, member, uri, names, more.pop("csb_id", g.csb_id), t, kind, g.tree_id, g.epoch, g.t,
                               g.msk_id(), 0, **more)


def _is_no_report(c, *wrong):
    """Each is dropped, and then one that is right is taken."""
    seen = {c.is_dropped(octets) for octets in wrong}
    c.takes(a_report(c, 9), R)
    return "; ".join(sorted(seen))


@group_scene("REPORT replayed, or older")
def _(_mode):
    c = controller()
    good = a_report(c, 2)
    c.takes(good, R)
    return _is_no_report(c, good, a_report(c, 1), a_report(c, 2, seed=5))


@group_scene("REPORT in a member's name", "stranger")
def _(_mode):
    c = controller()
    return _is_no_report(c, a_report(c, r=bytes(32)), a_report(c, r=R_OF_TICKET))


@group_scene("REPORT of who is no member", "stranger")
def _(_mode):
    c = controller()
    return _is_no_report(c, a_report(c, member=MALLORY), a_report(c, member=MALLORY, r=bytes(32)))


@group_scene("REPORT to another group", "member")
def _(_mode):
    c = controller()
    g = c.group
    return _is_no_report(c, a_report(c, csb_id=g.csb_id ^ 1), a_report(c, uri=replace(GROUP_URI, value=GROUP_URI.value + b"2")),
                         a_report(c, names=(b"\1\2\3", g.msk_id())), a_report(c, names=(g.key_domain, b"\0\x08\0\1")))


@group_scene("REPORT after a leave", "member")
def _(_mode):
    c = controller()
    c.takes(a_report(c, 1, LEAVE), R)
    return c.is_dropped(a_report(c, 2))


@group_scene("REPORT by a ticket that is void", "member")
def _(_mode):
    c = controller(tickets={TICKET: R_OF_TICKET}, void=[TICKET])
    return _is_no_report(c, a_report(c, r=R_OF_TICKET, ticket=TICKET))


@group_scene("REPORT by a ticket that nobody gave, or under another key than its own", "member")
def _(_mode):
    c = controller(tickets={TICKET: R_OF_TICKET})
    seen = _is_no_report(c, a_report(c, r=R, ticket=TICKET), a_report(c, r=R, ticket=TICKET[::-1]))
    c.takes(a_report(c, 10, r=R_OF_TICKET, ticket=TICKET), R_OF_TICKET)
    return seen


@group_scene("REPORT with an empty ticket, or one of 1,025 octets", "member")
def _(_mode):
    long = bytes(1025)
    c = controller(tickets={b"": R_OF_TICKET, long: R_OF_TICKET})
    return _is_no_report(c, a_report(c, r=R, ticket=b""), a_report(c, r=R_OF_TICKET, ticket=long))


@group_scene("HMAC-SHA-1 in a REPORT's V", "member")
def _(_mode):
    c = controller()
    return _is_no_report(c, a_report(c, mac_alg=HMAC_SHA1))


@group_scene("MTK ID in a REPORT", "member")
def _(_mode):
    c = controller()
    return _is_no_report(c, a_report(c, names=(c.group.key_domain, c.group.msk_id(), b"\0\1")))


@group_scene("REPORT of a kind that there is not", "member")
def _(_mode):
    c = controller()
    return _is_no_report(c, a_report(c, kind=0), a_report(c, kind=4))


@group_scene("REPORT: bits flipped on the way")
def _(_mode):
    c = controller()
    octets = a_report(c)
    _is_no_report(c, *(edits.flipped(octets, bit) for bit in range(0, 8 * len(octets), 7)))
    return "dropped"


# KEYS

def member(features=0x41):
    lab = OurO((PSK,), True, o={"features": features})
    ended(lab)
    return OurReporter(lab, R)


def pushed(m, change=None, point="keys.content", seed=8):
    return m.controller.push(ALICE, Seeded(seed), _twist(point, change))


def _twist(point, change):
    return lambda at, value: change(copy.deepcopy(value)) if change and at == point else value


def _is_not_taken(change, point="keys.content"):
    """KEYS to a REPORT, and unasked ones, that are so; then such that are right."""
    m = member()
    asked = m.ask()
    seen = {m.is_dropped(m.controller.receive(asked, Seeded(9), twist=_twist(point, change)))}
    m.takes(pushed(m))
    seen.add(m.is_dropped(pushed(m, change, point)))
    m.takes(pushed(m))
    return "; ".join(sorted(seen))


def _set(**fields):
    def change(got):
        got.__dict__.update(fields)
        return got
    return change


@group_scene("KEYS to a REPORT, replayed")
def _(_mode):
    m = member()
    keys = m.answer(m.ask())
    m.takes(keys)
    return m.is_dropped(keys)


@group_scene("KEYS to a REPORT, held back for 4 s")
def _(_mode):
    m = member()
    keys = m.answer(m.ask())
    m.lab.now += 4
    seen = m.is_dropped(keys)
    m.takes(m.answer(m.ask()))
    return seen


@group_scene("KEYS to a REPORT `missing` that is cured")
def _(_mode):
    m = member()
    keys = m.answer(m.ask())
    m.cure()
    seen = m.is_dropped(keys)
    m.takes(m.answer(m.ask()))
    return seen


@group_scene("KEYS to a REPORT of another member's")
def _(_mode):
    m = member()
    other = report.build_report(Seeded(77), R, ALICE, GROUP_URI, (m.group.key_domain, m.group.msk_id()), m.group.csb_id, 1, MISSING,
                                m.group.tree_id, m.group.epoch, m.group.t, m.group.msk_id(), 0)
    mine = m.ask()
    foreign = report.Controller(m.group, {ALICE: R}, {}, set(), {}).receive(other, Seeded(9))
    seen = {m.is_dropped(foreign)}
    moved = foreign.replace(message.decode(other).rand(ROLE_O), message.decode(mine).rand(ROLE_O))
    seen.add(m.is_dropped(moved))
    m.takes(m.answer(mine))
    return "; ".join(sorted(seen))


@group_scene("unasked KEYS replayed")
def _(_mode):
    m = member()
    first, second = pushed(m), pushed(m)
    m.takes(first)
    m.is_dropped(first, "replayed")
    m.takes(second)
    return m.is_dropped(first, "replayed")


@group_scene("KEYS of who has not R", "stranger")
def _(_mode):
    m = member()
    forger = report.Controller(m.group, {ALICE: bytes(32)}, {}, set(), {})
    seen = m.is_dropped(forger.push(ALICE, Seeded(8)))
    m.takes(pushed(m))
    return seen


@group_scene("KEYS outside of an exchange: bits flipped on the way")
def _(_mode):
    m = member()
    for keys in (m.answer(m.ask()), pushed(m)):
        for bit in range(0, 8 * len(keys), 7):
            m.is_dropped(edits.flipped(keys, bit))
        m.takes(keys)
    return "dropped"


@group_scene("KEYS outside of an exchange whose MAC is wrong")
def _(_mode):
    m = member()
    for keys in (m.answer(m.ask()), pushed(m)):
        seen = m.is_dropped(edits.flipped(keys, 8 * len(keys) - 1), "authentication_failed")
        m.takes(keys)
    return seen


@group_scene("KEYS of another CSB ID than the group's")
def _(_mode):
    return _is_not_taken(lambda header: replace(header, csb_id=header.csb_id ^ 1), "keys.header")


@group_scene("KEYS to who did not choose REPORT")
def _(_mode):
    m = member(features=1)
    return m.is_dropped(pushed(m))


@group_scene("a ticket in KEYS outside of an exchange", "controller")
def _(_mode):
    def change(got):
        got.keys.append(KeyData(K_TICKET, bytes(100), spi=u32(60)))
        return got
    return _is_not_taken(change)


@group_scene("PRF 0 in KEYS outside of an exchange", "controller")
def _(_mode):
    return _is_not_taken(lambda header: replace(header, prf=PRF_MIKEY1), "keys.header")


@group_scene("KEYS outside of an exchange whose KEMAC names another encryption than the group's", "controller")
def _(_mode):
    return _is_not_taken(edits.changed(Kemac, encr=AES_CM_128), "keys.payloads")


@group_scene("capabilities in KEYS outside of an exchange", "controller")
def _(_mode):
    def change(payloads):
        at = next(i for i, p in enumerate(payloads) if isinstance(p, Randr) and p.role == ROLE_A) + 1
        return payloads[:at] + [Cap(edits.join([(T_PRF, bytes((PRF_SHA256,)))]))] + payloads[at:]
    return _is_not_taken(change, "keys.payloads")


@group_scene("KEYS outside of an exchange with keys of another group", "controller of another group")
def _(_mode):
    def of(state):
        return lambda got: _set(msk_states=[state(got.msk_states[0])])(got)
    seen = {_is_not_taken(of(lambda state: b"\1\2\3" + state[3:])), _is_not_taken(of(lambda state: state[:3] + b"\0\x08" + state[5:])),
            _is_not_taken(_set(csb_id=5))}
    return "; ".join(sorted(seen))


def _of_another_tree(got):
    got.member_state = b"another!" + got.member_state[8:]
    return got


def _held_back(advance):
    """What a member says of KEYS that come behind those of a group that went on."""
    m = member()
    old = m.answer(m.ask())
    advance(m.group)
    m.takes(pushed(m))
    seen = m.is_dropped(old)
    m.takes(m.answer(m.ask()))
    return seen


@group_scene("KEYS of a lower epoch, held back until newer ones were taken")
def _(_mode):
    def advance(group):
        group.epoch += 1
    return _held_back(advance)


@group_scene("KEYS with an older MSK, held back until newer ones were taken")
def _(_mode):
    def advance(group):
        group.key_number += 1
    return _held_back(advance)


@group_scene("unasked KEYS of a new tree", "controller")
def _(_mode):
    m = member()
    seen = m.is_dropped(pushed(m, _of_another_tree), moves_t=True)
    m.takes(m.controller.receive(m.ask(), Seeded(9), twist=_twist("keys.content", _of_another_tree)))
    return seen
