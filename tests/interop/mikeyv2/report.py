# SPDX-License-Identifier: Apache-2.0
"""§10: REPORT, and KEYS outside of an exchange."""
from dataclasses import dataclass, field

from . import content, message, schedule, seal
from .octets import Refused, require, u32
from .offerer import check_group_map
from .party import untwisted
from .payloads import *
from .prf import H, ZERO
from .tables import *

ACKNOWLEDGE, MISSING, LEAVE = 1, 2, 3
ANSWER_TIME = 4  # seconds


def report_keys(r, csb_id, rand):
    return schedule.MessageKeys(r, PRF_SHA256, csb_id, DT_REPORT, rand, b"")


def answer_keys(r, csb_id, rand, rand_r, report):
    h = H(report)
    return schedule.MessageKeys(r, PRF_SHA256, csb_id, DT_KEYS, rand, rand_r, h, h, ZERO)


def unasked_keys(r, csb_id, rand_r, t):
    return schedule.MessageKeys(r, PRF_SHA256, csb_id, DT_KEYS, b"", rand_r, ZERO, ZERO, ZERO, t)


def build_report(random, r, member, group_uri, names, csb_id, t, kind, tree_id, epoch, last_t, msk_id, held, ticket=None, told_by=None,
                 change=list, mac_alg=HMAC_SHA256):
    """names: (Key Domain ID, MSK ID, or an MTK ID too); told_by: the KEYS that it acknowledges; change: a twist of the payloads before V."""
    rand = random.octets(32) if told_by is None else H(told_by)
    data = bytes((kind,)) + tree_id + u32(epoch) + u32(last_t) + msk_id + u32(held)
    payloads = [Randr(ROLE_O, rand), T(t), Idr(ROLE_O, member), Idr(ROLE_A, group_uri), Ext(E_KEY_ID, message.encode_key_id(*names)),
                Ext(E_REPORT, data)]
    payloads += [Ext(E_TICKET, ticket)] if ticket is not None else []
    header = message.Header(DT_REPORT, csb_id)
    size = len(message.encode(header, payloads + [seal.v(mac_alg)])[0])
    payloads += [Padding(PADDED_CAP - size - 3)] if size <= PADDED_CAP - 3 else []  # §3.4: makes it 411 octets
    return seal.build(header, change(payloads) + [seal.v(mac_alg)], report_keys(r, csb_id, rand))


@dataclass
class Controller:
    """A's side of REPORT, for one group."""
    group: object
    members: dict  # identity: R
    last_t: dict  # identity: T of its last REPORT, durable
    left: set
    t: dict  # identity: T of the last unasked KEYS
    proved: dict = field(default_factory=dict)  # identity: its address, where unasked KEYS go
    told: dict = field(default_factory=dict)  # identity: (address, H of the KEYS to a REPORT that went there)
    unmarked: set = field(default_factory=set)  # members that were given no keys
    joined: set = field(default_factory=set)  # §7: by a finish, or by a REPORT of who was given keys

    def receive(self, octets, random, source=None, twist=untwisted):
        """The KEYS that answers it, or None; what is refused raises."""
        m = message.decode(octets)
        require(m.header.data_type == DT_REPORT and m.header.csb_id == self.group.csb_id, "REPORT", "§10")
        member = m.identity(ROLE_O)
        require(m.identity(ROLE_A) == self.group.uri, "group", "§10")
        r = self.members.get(member, bytes(32))
        seal.check_mac(m, V, report_keys(r, m.header.csb_id, m.rand(ROLE_O)))
        require(member in self.members, "member", "§10")
        require(m.one(T).value > self.last_t.get(member, 0), "T of REPORT", "§10")
        require(member not in self.left | self.unmarked and self.group.entitled(member), "not joined", "§10")
        self.last_t[member] = m.one(T).value
        self.joined.add(member)
        kind = m.ext(E_REPORT)[0]
        if kind == ACKNOWLEDGE and self.told.get(member) == (source, m.rand(ROLE_O)):
            self.proved[member] = source
        if kind == LEAVE:
            self.left.add(member)
            self.joined.discard(member)
        if kind == ACKNOWLEDGE and int.from_bytes(m.ext(E_REPORT)[9:13], "big") >= self.group.epoch:
            return None
        got, entries, sps = self.group.content(member) if kind != LEAVE else (content.Content(), None, [])
        rand_r = random.octets(32)
        keys = answer_keys(r, m.header.csb_id, m.rand(ROLE_O), rand_r, octets)
        answer = self._keys(keys, [Randr(ROLE_O, m.rand(ROLE_O)), Randr(ROLE_A, rand_r)], got, entries, sps, twist)
        if len(answer) > 3 * len(octets):
            return None
        self.told[member] = (source, H(answer))
        return answer

    def push(self, member, random, twist=untwisted):
        """Unasked KEYS."""
        self.t[member] = t = self.t.get(member, 0) + 1
        rand_r = random.octets(32)
        keys = unasked_keys(self.members[member], self.group.csb_id, rand_r, t)
        return self._keys(keys, [Randr(ROLE_A, rand_r), T(t)], *self.group.content(member), twist)

    def _keys(self, keys, payloads, got, entries, sps, twist):
        plain = twist("keys.content", got).encode()
        payloads = payloads + [*sps, seal.kemac(keys, self.group.encr, HMAC_SHA256, plain)]
        header = twist("keys.header", message.Header(DT_KEYS, self.group.csb_id, map=entries))
        return seal.build(header, twist("keys.payloads", payloads), keys)


def take_keys(octets, r, csb_id, encr, report=None, last_t=0, ago=0):
    """O's side: content of the KEYS that answers `report`, sent so many seconds `ago`, or of unasked KEYS with a T above last_t."""
    m = message.decode(octets)
    require(m.header.data_type == DT_KEYS and m.header.csb_id == csb_id and m.header.prf == PRF_SHA256, "KEYS", "§10")
    kemac, t = m.one(Kemac), m.one(T)
    require((kemac.encr, kemac.mac_alg) == (encr, HMAC_SHA256), "algorithms of KEYS", "§4.4")
    if t:
        require(t.value > last_t, "T of KEYS", "§10")
        keys = unasked_keys(r, csb_id, m.rand(ROLE_A), t.value)
    else:
        require(report is not None and ago < ANSWER_TIME, "KEYS to no REPORT", "§10")
        rand = message.decode(report).rand(ROLE_O)
        require(m.rand(ROLE_O) == rand, "RANDR(1)", "§7")
        keys = answer_keys(r, csb_id, rand, m.rand(ROLE_A), report)
    seal.check_mac(m, Kemac, keys)
    got = content.decode(keys.decrypt(kemac.encr, kemac.data), False)
    require(not got.of(K_TICKET), "ticket", "§11")
    if got.msks():
        check_group_map(m, got)
    return got
