# SPDX-License-Identifier: Apache-2.0
"""A as a step machine: octets and time in, actions out (§7). It keeps what it sent, and no timers."""
from dataclasses import dataclass

from . import cap_check, content, fragments, message, schedule, seal
from .answer_build import build_answer
from .guard import Cookies, Fresh, Rate
from .capabilities import retry_capabilities
from .octets import Refused, require, u32
from .party import Event, Party, Send, raw, untwisted
from .payloads import *
from .prf import H, ZERO, equal
from .srtp import chosen_policies, keys_of_sessions
from .tables import *
from .tickets import LIFETIME, Resumption

CACHE, PER_ADDRESS, FINISHED = 64, 16, 16


@dataclass
class Entry:
    """An exchange: what a CAP and the choice left."""
    address: object
    cap: message.Message
    th: bytes
    mode: int
    choice: dict
    rand_r: bytes
    x: bytes = None
    psk: bytes = None
    dh: object = None
    chain: tuple = None  # O's certificate
    group: object = None  # of a join
    dh_kind: bool = False
    once: bool = False  # answered to whoever brings the CAP again, from any address
    keys_due: bool = False  # the group's keys are in KEYS
    proved: bool = False
    copied: bool = False  # the answer went to another address too
    answer: bytes = None
    answer_message: message.Message = None
    ah: bytes = None
    f: bytes = None
    tgk: bytes = None
    finish: bytes = None
    reply: bytes = None  # KEYS, or ERROR 7
    sessions: list = None
    began: float = 0
    verified: float = None  # when its finish did
    sent: float = 0

    @property
    def member(self):
        return self.cap.identity(ROLE_O)


class Answerer:
    def __init__(self, party: Party, random, groups=(), twist=untwisted):
        self.party, self.random, self.twist = party, random, twist
        self.groups = {g.uri: g for g in groups}
        self.cookies = Cookies(random.octets(32))
        self.fresh = Fresh(random.octets(32))
        self.nobody = random.octets(32)
        self.errors = Rate()
        self.entries = {}  # (TH, address): Entry
        self.buffers = fragments.Buffers()
        self.load = False
        self.awaited = None  # `session` of open offers (§12), None where there is no SDP
        self.left = {}  # member: how often it left (§8)

    def receive(self, now, address, octets):
        self.entries = {k: e for k, e in self.entries.items() if now - e.sent < 10 and now - e.began < 30}
        try:
            require(len(octets) <= MESSAGE_MAX, "length", "§14")
            m = message.decode(octets)
            kind = m.header.data_type
            if kind == DT_FRAGMENT:
                return self._on_fragment(now, address, m)
            if kind == DT_CAP:
                return self._on_cap(now, address, m, len(octets), None)
            if kind in FINISHES:
                return self._on_finish(now, address, m)
            raise Refused("data type", "§7")
        except Refused as refused:
            return [Event("dropped", refused)]

    # RETRY and FRAGMENTs

    def retry(self, now, address, m, size, fresh=False):
        fragment = m.one(Fragment)
        first = Fragment(fragment.hash, 0, fragment.count, b"") if fragment else Randr(ROLE_O, m.rand(ROLE_O))
        wanted = fresh or fragment is not None and EARLY_DH in self.party.policy.modes
        member = None if fragment else m.identity(ROLE_O)
        given = self._fresh_of(now, member) if wanted else None
        caps = retry_capabilities(self.cookies.make(now, address, m.header.csb_id), given)
        octets, _ = message.encode(message.Header(DT_RETRY, m.header.csb_id), [first, Cap(caps.encode())])
        if len(octets) > size:
            raise Refused("RETRY would be longer than its cause", "§2")
        return [Send(address, self.twist("retry.octets", bytes(octets)))]

    def _fresh_of(self, now, member):
        return self.fresh.of_member(now, member, self.left[member]) if member in self.left else self.fresh.now(now)

    def _good_cookie(self, now, address, m):
        return self.cookies.good(m.caps.get(T_COOKIE) if m.caps else None, now, address, m.header.csb_id)

    def _on_fragment(self, now, address, m):
        if not self._good_cookie(now, address, m):
            if m.one(Fragment).index == 0:
                return self.retry(now, address, m, len(m.octets))
            raise Refused("FRAGMENT without cookie", "§3.6")
        whole = self.buffers.add(now, address, m.one(Fragment))
        if whole is None:
            return []
        inner = message.decode(whole)
        require(inner.header.data_type == DT_CAP and inner.header.csb_id == m.header.csb_id, "fragmented", "§3.6")
        require(T_COOKIE not in inner.caps, "cookie in a fragmented CAP", "§3.6")
        return self._on_cap(now, address, inner, len(whole), True)

    # CAP

    def _on_cap(self, now, address, m, size, cookie):
        if self.party.is_own(m.identity(ROLE_O)):
            raise Refused("reflection", "§6")
        th = H(m.octets)
        cookie = cookie or self._good_cookie(now, address, m)
        entry = self.entries.get((th, address))
        if entry is None:  # §8, §11: found by TH alone, a copy from any address gets the same octets
            entry = next((e for e in self.entries.values() if e.th == th and e.once), None)
        if entry:
            sending = self._send(address, entry.answer, entry.cap)
            if not cookie and address != entry.address:
                require(sum(len(s.octets) for s in sending) <= 3 * size, "amplification", "§2")
            entry.copied |= address != entry.address
            entry.sent = now
            return sending
        if not cookie and (self.load or len(self.entries) >= CACHE * 3 // 4 or self._has_its_share(address)):
            return self.retry(now, address, m, size)
        found = cap_check.check(self, now, m)
        if found.retry:
            return self.retry(now, address, m, size, fresh=True)
        if found.error:
            return self._error(now, address, m, found)
        entry = Entry(address, m, th, found.mode, self.twist("answer.choice", found.choice), self.random.octets(32), psk=found.psk,
                      chain=found.chain, group=found.group, dh_kind=found.dh_kind, proved=cookie, began=now, sent=now)
        build_answer(self, entry, found.proved)
        sending = self._send(address, entry.answer, m)
        if not cookie and sum(len(s.octets) for s in sending) > 3 * size:  # §2, amplification
            return self.retry(now, address, m, size)
        self._make_room(address)
        before = self._spend(now, entry, found)
        self.entries[(entry.th, address)] = entry
        if entry.group and not entry.keys_due and entry.mode not in LATE:
            before.append(Event("marked", entry.member))
        return before + sending

    def _make_room(self, address):
        """§2: in a full cache the oldest entry without good finish goes, of an unproved address first; of a full address its own."""
        is_full = self._has_its_share(address)
        if len(self.entries) < CACHE and not is_full:
            return
        open_ones = [(e.proved, e.began, key) for key, e in self.entries.items()
                     if e.finish is None and (e.address == address or not is_full)]
        require(open_ones, "cache full", "§2")
        del self.entries[min(open_ones, key=lambda o: o[:2])[2]]

    def _has_its_share(self, address):
        return sum(e.address == address for e in self.entries.values()) >= PER_ADDRESS

    def _spend(self, now, entry, found):
        """What must be durable before the answer leaves (§8, §11)."""
        if entry.mode == EARLY_DH or cap_check.comes_back(self, entry.member, entry.mode, found):
            entry.once = True
            if not self.fresh.take(entry.th, now):
                raise Refused("early DH CAP answered before", "§8")
        if found.resumed is None:
            return []
        entry.once |= entry.mode not in LATE
        self.party.peers.wipe(found.resumed.id)
        if self.party.sealer:
            self.party.sealer.spent[found.resumed.id] = entry.th
        return [Event("spent", found.resumed.id)]

    def _send(self, address, octets, cap):
        limit = cap.caps.number(T_DATAGRAM, DATAGRAM)
        if len(octets) <= limit:
            return [Send(address, octets)]
        parts = fragments.split(octets, cap.header.csb_id, limit)
        if len(parts) > cap.caps.number(T_FRAGMENTS, 0):
            raise Refused("too long for that peer", "§2")
        return [Send(address, part) for part in parts]

    # errors

    def _error(self, now, address, m, found):
        if not self.errors.allows(now, address):
            raise Refused(f"ERROR {found.error} not sent", "§13")
        th = H(m.octets)
        payloads, rand_r = [Randr(ROLE_O, m.rand(ROLE_O))], self.random.octets(32)
        keys = schedule.MessageKeys(found.psk or b"?", PRF_SHA256, m.header.csb_id, DT_ERROR, m.rand(ROLE_O), rand_r, th, th, ZERO)
        signer = self.party.signer(m.caps.list(T_SIGNATURES)) if found.sign_good and not found.v_good else None
        if found.v_good:
            payloads += [Randr(ROLE_A, rand_r), Err(found.error), seal.v(HMAC_SHA256)]
        elif signer:
            from .offerer import shown
            payloads += [Randr(ROLE_A, rand_r), *shown("cert", signer.chain), Err(found.error), seal.sign(signer.private)]
        else:
            payloads += [Err(found.error)]
        octets = seal.build(message.Header(DT_ERROR, m.header.csb_id), payloads, keys, signer and signer.private)
        return [Event("dropped", Refused(f"ERROR {found.error}", "§13")), Send(address, octets)]

    # the finish

    def _entry_of(self, m):
        return next((e for e in self.entries.values() if e.cap.header.csb_id == m.header.csb_id
                     and e.cap.rand(ROLE_O) == m.rand(ROLE_O) and e.rand_r == m.rand(ROLE_A)), None)

    def _on_finish(self, now, address, m):
        entry = self._entry_of(m)
        if entry is None:
            raise Refused("no such exchange", "§7")
        if entry.finish is not None:
            return self._repeat(now, address, entry, m)
        proves = address == entry.address and (entry.proved or not entry.copied)
        require(proves or not (entry.group and entry.keys_due), "group keys for another address than the answer's", "§2")
        require(entry.mode in m.modes and m.header.data_type == FINISH_OF[entry.mode], "finish of another mode", "§7")
        require(m.header.prf == entry.choice.list(T_PRF)[0], "PRF of the header", "§3.3")
        x = self._verify(entry, m)
        sps = m.all(Sp)
        if entry.group:
            require(not sps, "policy in a join's finish", "§9")
            sessions = None
        else:
            answer = entry.answer_message
            chosen = chosen_policies(answer.header.map, answer.all(Sp), sps)
            sessions = keys_of_sessions(answer.header.map, chosen, answer.all(Sp), entry.choice.list(T_PRF)[0],
                                        entry.tgk or x, m.header.csb_id, m.rand(ROLE_O), entry.rand_r, entry.f)
        if entry.group and not cap_check.entitled(entry.group, entry.cap):
            return self._refuse(now, address, entry, x)
        entry.x, entry.sessions = x, sessions
        reply, events = self._reply(now, entry)
        require(proves or len(reply) <= 3 * len(m.octets), "KEYS for an address that is not proved", "§2")
        entry.reply, entry.finish, entry.sent, entry.verified = reply, m.octets, now, now
        entry.proved |= proves
        finished = [(e.verified, key) for key, e in self.entries.items() if e.member == entry.member and e.verified is not None]
        if len(finished) > FINISHED:  # §2
            del self.entries[min(finished, key=lambda f: f[0])[1]]
        return events + self._send(address, entry.reply, entry.cap)

    def _repeat(self, now, address, entry, m):
        if entry.finish != m.octets:
            raise Refused("another finish", "§7")
        if (address != entry.address or not entry.proved) and len(entry.reply) > 3 * len(m.octets):
            raise Refused("repetition from another address", "§2")
        entry.sent = now
        return self._send(address, entry.reply, entry.cap)

    def _verify(self, entry, m):
        """X, when the proof of the finish is good. What costs nothing comes first (§7)."""
        x, choice = entry.x, entry.choice
        proof = {DH: Sign, DHHMAC: Kemac}.get(entry.mode, V)
        if proof is not Sign:
            require(m.one(proof).mac_alg == choice.list(T_MAC)[0], "MAC algorithm", "§3.3")
        if proof is Kemac:
            require(m.one(Kemac).encr == choice.list(T_ENCR)[0] and not m.one(Kemac).data, "KEMAC of mode 4", "§3.4")
        if entry.mode in LATE:
            dh = m.one(Dh)
            require(dh.group == choice.list(T_GROUPS)[0], "group of DH", "§3.3")
            x = schedule.secret_x(entry.mode, entry.psk, None, entry.dh.secret(dh.group, dh.value), entry.th)
        keys = self.keys_for(entry, m.header.data_type, entry.rand_r, x)
        if proof is Sign:
            from .certificates import public_key
            seal.check_signature(m, keys, public_key(entry.chain))
        else:
            seal.check_mac(m, proof, keys)
        return x

    def keys_for(self, entry, data_type, rand_r, x):
        return schedule.MessageKeys(x, entry.choice.list(T_PRF)[0], entry.cap.header.csb_id, data_type,
                                    entry.cap.rand(ROLE_O), rand_r, entry.f, entry.th, entry.ah)

    def _reply(self, now, entry):
        events = [Event("verified", entry.sessions if entry.sessions else entry.member)]
        got, entries, sps = content.Content(), None, []
        if entry.group and entry.keys_due:
            got, entries, sps = entry.group.content(entry.member)
            events.append(Event("marked", entry.member))
        self._give_ticket(now, entry, got)
        rand_r = self.twist("keys.rand", self.random.octets(32))
        keys = self.keys_for(entry, DT_KEYS, rand_r, entry.x)
        caps = [Cap(retry_capabilities(fresh=self._fresh_of(now, entry.member)).encode())] if self.party.policy.give_fresh else []
        kemac = seal.kemac(keys, entry.choice.list(T_ENCR)[0], entry.choice.list(T_MAC)[0], self.twist("keys.plain", got.encode()))
        payloads = [Randr(ROLE_O, entry.cap.rand(ROLE_O)), Randr(ROLE_A, rand_r), *caps, *sps, kemac]
        header = self.twist("keys.header", message.Header(DT_KEYS, entry.cap.header.csb_id, entry.choice.list(T_PRF)[0], entries))
        return self.twist("keys.octets", seal.build(header, self.twist("keys.payloads", payloads), keys, None, raw(self.twist, "keys"))), events

    def _refuse(self, now, address, entry, x):
        """§13: the entry stays as it was."""
        if not self.errors.allows(now, address):
            raise Refused("ERROR 7 not sent", "§13")
        return [Event("dropped", Refused("ERROR 7", "§13")), Send(address, self._late_error(entry, x))]

    def _late_error(self, entry, x):
        rand_r = self.random.octets(32)
        keys = self.keys_for(entry, DT_ERROR, rand_r, x)
        payloads = [Randr(ROLE_O, entry.cap.rand(ROLE_O)), Randr(ROLE_A, rand_r), Err(ERR_NOT_ENTITLED),
                    seal.v(entry.choice.list(T_MAC)[0])]
        return seal.build(message.Header(DT_ERROR, entry.cap.header.csb_id, entry.choice.list(T_PRF)[0]), payloads, keys)

    def _give_ticket(self, now, entry, got):
        if not self.party.policy.give_tickets:
            return
        secret = schedule.resumption_secret(entry.x, entry.th, entry.ah)
        id_a = entry.cap.identity(ROLE_A) or self.party.identity
        expiry = int(now) + LIFETIME
        if self.party.sealer:
            ticket = self.party.sealer.make(self.random, secret, entry.member, id_a, expiry, entry.dh_kind)
        else:
            ticket = Resumption(self.random.octets(32), secret, entry.member, id_a, expiry, entry.dh_kind, False)
            self.party.peers.keep(ticket)
        got.keys.append(KeyData(K_TICKET, ticket.ticket, spi=u32(LIFETIME)))
