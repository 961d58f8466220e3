# SPDX-License-Identifier: Apache-2.0
"""O as a step machine: octets and time in, actions out (§7)."""
from dataclasses import dataclass

from . import content, fragments, message, schedule, seal, signatures, srtp
from .answer_check import check_answer

from .dh import Private
from .octets import Refused, u32
from .party import Event, Party, Send, offered, raw, untwisted
from .payloads import *
from .prf import H, ZERO
from .tables import *
from .tickets import Resumption, may_resume

WAITS = (0.5, 1, 2, 4)  # §2
RETRIES = 3  # that are followed at once


@dataclass
class Plan:
    """One exchange that O wants."""
    to: object  # address
    peer: Identity = None  # IDR(2): the peer, or the group's URI in a join
    modes: tuple = None
    streams: tuple = ((3, 0),)
    join: tuple = None  # (Key Domain ID, Key Group) or None
    session: bytes = None
    fresh: bytes = None
    fingerprint: bytes = None  # the SDP's
    provisional: bool = False  # before that has come: of any valid certificate (§12)
    resume: Resumption = None
    as_id: bool = False  # by ticket id
    big_cap: bool = False  # the peer is configured to take a fragmented CAP
    use_v: bool = True
    rand_size: int = 32


class Offerer:
    def __init__(self, party: Party, plan: Plan, random, twist=untwisted):
        self.party, self.plan, self.random, self.twist = party, plan, random, twist
        self.state = "idle"
        self.caps_sent = []  # every CAP of this exchange: its TH counts (§2)
        self.answer = self.finish = None
        self.sessions = self.content = None
        self.retries = []
        self.retried = None  # the wait of the last RETRY beyond three
        self.next_timer = None
        self.tries = 0
        self.buffers = fragments.Buffers()
        self.hints = []
        self.authenticated = False  # A's media has authenticated: the driver says so

    # opening

    def open(self, now):
        plan, policy = self.plan, self.party.policy
        self.opened, self.done_at = now, None
        modes = plan.modes or policy.modes
        if plan.resume:
            modes = tuple(m for m in modes if m in PSK_TYPE and (plan.as_id or may_resume(plan.resume, m)))
        self.modes = modes
        self.csb_id = self._csb_id()
        self.rand_i = self.random.octets(plan.rand_size)
        self.signer = self._signer(modes)
        self.dh = Private(policy.groups[0], self.random) if set(modes) & EARLY else None
        self.psk = self._psk() if plan.peer else None
        self.offer = self._capabilities()
        self.padding = None
        self.state = "offered"
        return self._send_cap(now)

    def _csb_id(self):
        while (drawn := self.random.number(32)) in (STUN_MAGIC, ZRTP_MAGIC):
            pass
        return drawn

    def _signer(self, modes):
        if not set(modes) & SIGNED or not self.party.credentials:
            return None
        if RSA in modes:  # §3.3: offered only with an RSA certificate
            return next((c for c in self.party.credentials if signatures.type_of(c.private) == S_RSA_PSS), None)
        return self.party.credentials[0]

    def _psk(self):
        if self.plan.resume:
            return schedule.psk_v2_of_ticket(self.plan.resume.secret, self.party.identity, self.plan.peer)
        psk = self.party.psks.get(self.plan.peer)
        return psk and schedule.psk_v2(psk, self.party.identity, self.plan.peer)

    def _capabilities(self):
        plan, caps = self.plan, offered(self.party.policy, self.modes, self.plan.join)
        if not plan.join:
            caps[T_STREAMS] = b"".join(bytes((d,)) + u32(ssrc) for d, ssrc in plan.streams)
        if plan.session:
            caps[T_SESSION] = plan.session
        if plan.fresh:
            caps[T_FRESH] = plan.fresh
        if plan.resume:
            caps[T_TICKET_ID if plan.as_id else T_TICKET] = plan.resume.id if plan.as_id else plan.resume.ticket
        return caps

    def _cap_payloads(self):
        plan, modes = self.plan, set(self.modes)
        payloads = [Randr(ROLE_O, self.rand_i), Cap(self.twist("cap.tlvs", self.offer.encode())), Idr(ROLE_O, self.party.identity)]
        if modes & SIGNED and self.signer:
            payloads += shown(self.party.policy.show, self.signer.chain)
        if plan.peer:
            payloads.append(Idr(ROLE_A, plan.peer))
        if plan.join:
            domain, group = plan.join
            payloads.append(Ext(E_KEY_ID, message.encode_key_id(domain, group + b"\0\0")))
        if self.dh:
            payloads.append(Dh(self.dh.group, self.dh.public))
        proofs = [seal.v(HMAC_SHA256)] if modes & PSK_TYPE and plan.use_v else []
        if modes & SIGNED and self.signer:
            proofs.append(seal.sign(self.signer.private))
        header = message.Header(DT_CAP, self.csb_id)
        if self.padding is None:  # §2, of the first CAP; a later one changes nothing else than its TLVs
            size = len(message.encode(header, payloads + proofs)[0])
            self.padding = max(0, PADDED_CAP - size - 3) if size < PADDED_CAP else None
            self.padding = -1 if self.padding is None else self.padding
        if self.padding >= 0:
            payloads.append(Padding(self.padding))
        return header, payloads + proofs

    def _send_cap(self, now):
        header, payloads = self._cap_payloads()
        keys = schedule.MessageKeys(self.psk or b"?", PRF_SHA256, self.csb_id, DT_CAP, self.rand_i, b"")
        payloads = self.twist("cap.payloads", payloads)
        cap = seal.build(header, payloads, keys, self.signer and self.signer.private, raw(self.twist, "cap"))
        self.caps_sent.append(self.twist("cap.octets", cap))
        self.tries = 0
        return self._again(now)

    def _datagrams(self):
        if self.state == "answered":
            return [self.finish]
        cap = self.caps_sent[-1]
        if not self._is_fragmented():
            return [cap]
        return fragments.split(cap, self.csb_id, DATAGRAM, self.retries[-1][0] if self.retries else None)

    def _is_fragmented(self):
        """Decided by the first CAP (§2): above 1,146 octets the longer one would not fit."""
        return self.plan.big_cap and len(self.caps_sent[0]) > DATAGRAM - 86

    def _again(self, now):
        wait = WAITS[self.tries] * (1 + self.random.fraction() / 4)
        self.tries += 1
        self.next_timer = now + wait
        return [Send(self.plan.to, d) for d in self._datagrams()]

    def timer(self, now):
        if self.next_timer is None or now < self.next_timer:
            return []
        if self.tries < len(WAITS):
            return self._again(now)
        self.next_timer = None
        if self.state == "offered":
            self.state = "failed"
            return [Event("failed", "no answer")]
        if self.authenticated or self.plan.join and self.content.msks():
            self.state = "done"
            return [Event("done", "unconfirmed")]
        self.state, self.sessions = "failed", None
        return [Event("unconfirmed")]

    # receiving

    def receive(self, now, address, octets):
        self.now = now
        try:
            if address != self.plan.to:
                raise Refused("address", "§3.6")
            return self._receive(now, octets)
        except Refused as refused:
            return [Event("dropped", refused)]

    def _receive(self, now, octets):
        if len(octets) > MESSAGE_MAX:
            raise Refused("length", "§14")
        if self.answer == octets:
            return [Send(self.plan.to, self.finish)]
        m = message.decode(octets)
        kind = m.header.data_type
        if m.header.csb_id != self.csb_id or self.state == "idle":
            raise Refused("CSB ID", "§7")
        if kind == DT_FRAGMENT:
            return self._on_fragment(now, m)
        if kind == DT_RETRY:
            return self._on_retry(now, m)
        if m.rand(ROLE_O) != self.rand_i:
            raise Refused("RANDi", "§7")
        if kind in ANSWERS:
            return self._on_answer(now, m)
        if kind == DT_KEYS:
            return self._on_keys(now, m)
        if kind == DT_ERROR:
            return self._on_error(m)
        raise Refused("data type", "§7")

    def _on_fragment(self, now, m):
        if m.caps is not None:
            raise Refused("cookie to O", "§3.6")
        whole = self.buffers.add(now, self.plan.to, m.one(Fragment))
        if whole is None:
            return []
        if whole[1] == DT_FRAGMENT:
            raise Refused("FRAGMENT in FRAGMENTs", "§3.6")
        return self._receive(now, whole)

    def _on_retry(self, now, m):
        beyond = len(self.retries) >= RETRIES
        if self.state != "offered" or beyond and (self.retried == self.tries or len(self.retries) >= RETRIES + len(WAITS)):
            raise Refused("RETRY not awaited", "§2")
        fragment, cap = m.one(Fragment), self.caps_sent[-1]
        sent = self._is_fragmented()
        if fragment and not (sent and fragment.hash == H(cap)[:16]) or not fragment and m.rand(ROLE_O) != self.rand_i:
            raise Refused("RETRY matches nothing", "§2")
        given = (m.caps[T_COOKIE], m.caps.get(T_FRESH))
        if given in self.retries:
            raise Refused("RETRY that gives nothing new", "§2")
        if self.retries and given == (self.retries[-1][0], None):
            raise Refused("RETRY that gives nothing new", "§2")
        self.retries.append(given)
        if not sent:  # §3.6: a fragmented CAP has its cookie in the FRAGMENTs only
            self.offer[T_COOKIE] = m.caps[T_COOKIE]
        self._set_fresh(m.caps.get(T_FRESH, self.plan.fresh))
        if not beyond:
            return self._send_cap(now)
        waits = self.tries, self.next_timer
        sending = self._send_cap(now)
        self.tries, self.next_timer = waits  # they do not begin anew
        self.retried = self.tries
        return sending

    def _set_fresh(self, fresh):
        """What a forged RETRY gave goes with the next."""
        self.offer.pop(T_FRESH, None)
        if fresh:
            self.offer[T_FRESH] = fresh

    def _on_answer(self, now, m):
        if self.state != "offered":
            raise Refused("answer not awaited", "§7")
        taken = check_answer(self, now, m)  # nothing changes before it is good
        self.__dict__.update(vars(taken))
        self.answer, self.ah = m.octets, H(m.octets)
        self.f = H(self.th + self.ah)
        self.choice, self.prf, self.answer_rand = m.caps, m.header.prf, m.rand(ROLE_A)
        self.answer_map, self.answer_sps = m.header.map, m.all(Sp)
        self.state = "answered"
        self.finish = self._finish()
        self.tries = 0
        return self._keys_of_answer() + self._again(now)

    def keys_for(self, data_type, rand_r, inkey=None, before_finish=False):
        """Keys of a finish, of KEYS and of an ERROR after a finish (§4.4)."""
        return schedule.MessageKeys(inkey or self.x, self.prf, self.csb_id, data_type, self.rand_i, rand_r, self.f, self.th, self.ah)

    def _finish(self):
        mode, kind = self.mode, FINISH_OF[self.mode]
        keys = self.keys_for(kind, self.answer_rand)
        payloads = [Randr(ROLE_O, self.rand_i), Randr(ROLE_A, self.answer_rand)]
        if not self.plan.join and len(self.answer_sps) > 1:
            self.finish_sps = [self._preferred()]
            payloads += self.finish_sps
        if mode in LATE:
            payloads.append(Dh(self.dh.group, self.dh.public))
        encr, mac_alg = self.choice.list(T_ENCR)[0], self.choice.list(T_MAC)[0]
        if mode == DH:
            payloads.append(seal.sign(self.signer.private))
        else:
            payloads.append(seal.kemac(keys, encr, mac_alg, b"") if mode == DHHMAC else seal.v(mac_alg))
        payloads = self.twist("finish.payloads", payloads)
        header = message.Header(kind, self.csb_id, self.prf)
        return self.twist("finish.octets", seal.build(header, payloads, self.twist("finish.keys", keys),
                                                      self.signer and self.signer.private, raw(self.twist, "finish")))

    def _preferred(self):
        """The answer's policy that is first in O's own order and that every crypto session has."""
        common = set.intersection(*(set(e.policies) for e in self.answer_map))
        order = self.offer.list(T_PROFILES)
        usable = [sp for sp in self.answer_sps if sp.number in common]
        return min(usable, key=lambda sp: order.index(srtp.profile_of(sp)))

    def _keys_of_answer(self):
        if self.plan.join:
            return [Event("keys", self.content)] if self.content.msks() else []
        tgk = self.content.of(K_TGK)[0].key if self.mode in (PSK, RSA) else self.x
        chosen = srtp.chosen_policies(self.answer_map, self.answer_sps, getattr(self, "finish_sps", []))
        self.sessions = srtp.keys_of_sessions(self.answer_map, chosen, self.answer_sps, self.prf, tgk, self.csb_id, self.rand_i,
                                              self.answer_rand, self.f)
        return [Event("keys", self.sessions)]

    def _on_keys(self, now, m):
        if self.state != "answered":
            raise Refused("KEYS not awaited", "§7")
        rand_r, kemac = m.rand(ROLE_A), m.one(Kemac)
        if rand_r == self.answer_rand or m.header.prf != self.prf:
            raise Refused("RANDr or PRF of KEYS", "§7")
        if (kemac.encr, kemac.mac_alg) != (self.choice.list(T_ENCR)[0], self.choice.list(T_MAC)[0]):
            raise Refused("algorithms of KEYS", "§3.3")
        keys = self.keys_for(DT_KEYS, rand_r)
        seal.check_mac(m, Kemac, keys)
        got = content.decode(keys.decrypt(kemac.encr, kemac.data), False)
        self._check_keys_content(m, got)
        actions = []
        if self.plan.join and got.msks():
            self.content = got
            actions.append(Event("keys", got))
        self._keep_ticket(now, got)
        self.fresh = m.caps[T_FRESH] if m.caps else None
        self.state, self.next_timer, self.done_at = "done", None, now
        return actions + [Event("done")]

    def _check_keys_content(self, m, got):
        if not self.plan.join:
            content.check_unicast(got, DH)  # KEYS of a session have no TGK
            if m.header.map is not None or m.all(Sp):
                raise Refused("map in KEYS of a session", "§3.1")
        elif got.msks():
            check_group_map(m, got, *self.plan.join)
        elif not self.content.msks() or m.header.map is not None:
            raise Refused("no keys for a join", "§7")

    def _keep_ticket(self, now, got):
        if self.plan.resume:
            self.party.peers.wipe(self.plan.resume.id)
        for key in got.of(K_TICKET):
            secret = schedule.resumption_secret(self.x, self.th, self.ah)
            expiry = int(now) + min(int.from_bytes(key.spi, "big"), 24 * 3600)
            # what O holds is unsealed at O, but whether A sealed it O cannot know (§11): the narrower rule
            self.party.peers.keep(Resumption(key.key, secret, self.party.identity, self.proved, expiry, self.dh_kind(), True))

    def dh_kind(self):
        resumed = self.plan.resume
        return self.mode in WITH_DH or bool(resumed and resumed.dh_kind)

    def _on_error(self, m):
        after = self.state == "answered"
        if self.state not in ("offered", "answered"):
            raise Refused("ERROR not awaited", "§7")
        if not m.one(V) and not m.one(Sign):
            self.hints.append(m.one(Err).number)
            return [Event("hint", m.one(Err).number)]  # §2: counted and shown, ends nothing
        if after:
            if m.header.prf != self.prf or m.rand(ROLE_A) == self.answer_rand:
                raise Refused("ERROR", "§4.4")
            seal.check_mac(m, V, self.keys_for(DT_ERROR, m.rand(ROLE_A)))
        else:
            check_early_error(self, m)
        self.state, self.next_timer, self.sessions, self.content = "failed", None, None, None
        return [Event("failed", m.one(Err).number)]


def shown(how, chain):
    """§6 rule 4: the ways to say who signs."""
    return {"cert": [Cert(der) for der in chain], "chash": [Chash(H(chain[0]))], "none": []}[how]


def check_group_map(m, got, domain=bytes(3), group=bytes(2)):
    """§10: map of every stream, S set, SPI the current MKI, and their SPs; of the join's Key Domain ID and Key Group."""
    content.check_group(got)
    for state in got.msk_states:
        if domain not in (bytes(3), state[:3]) or group not in (bytes(2), state[3:5]) or state[3:5] != got.of(K_MTK)[0].spi[:2]:
            raise Refused("another group", "§10")
    if m.header.map is None or not all(e.roc_seq and len(e.spi) == 6 for e in m.header.map):
        raise Refused("map of a group", "§10")
    entries = m.header.map
    if [e.cs_id for e in entries] != list(range(1, len(entries) + 1)) or len({e.ssrc for e in entries}) != len(entries):
        raise Refused("streams of a group", "§10")
    numbers = srtp.policies_of(m.all(Sp), srtp.PROFILES)
    if any(not e.policies or not set(e.policies) <= numbers.keys() for e in m.header.map) or len(m.header.map) > 16:
        raise Refused("policy of a stream", "§10")
    if any(e.spi not in {k.spi for k in got.of(K_MTK)} for e in m.header.map):
        raise Refused("MKI without MTK", "§10")


def check_early_error(o, m):
    """ERROR in place of an answer: V under PSKv2, or SIGN by who may answer."""
    from .answer_check import answering_key
    if m.header.prf != PRF_SHA256:
        raise Refused("PRF of ERROR", "§3.1")
    if m.one(Sign):
        key = answering_key(o, m, o.now, provisional=False)
    for cap in o.caps_sent:
        th = H(cap)
        keys = schedule.MessageKeys(o.psk or b"?", PRF_SHA256, o.csb_id, DT_ERROR, o.rand_i, m.rand(ROLE_A), th, th, ZERO)
        try:
            if m.one(Sign):
                seal.check_signature(m, keys, key)
            elif not o.psk or m.one(V).mac_alg != HMAC_SHA256:
                raise Refused("V", "§4.4")
            else:
                seal.check_mac(m, V, keys)
            return
        except Refused:
            continue
    raise Refused("ERROR's proof", "§13")
