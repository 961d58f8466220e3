# SPDX-License-Identifier: Apache-2.0
"""A's answer, by mode (§3.4); fills the entry in."""
from . import certificates, content, message, schedule, seal, signatures, srtp
from .dh import Private
from .octets import Refused
from .party import raw
from .payloads import *
from .prf import H, ZERO
from .tables import *


def build_answer(a, entry, proved):
    from .offerer import shown
    cap, mode, choice = entry.cap, entry.mode, entry.choice
    rand_i, id_a = cap.rand(ROLE_O), cap.identity(ROLE_A) or a.party.identity
    signer = a.party.signer(cap.caps.list(T_SIGNATURES)) if mode in SIGNED else None
    if mode in WITH_DH:
        entry.dh = Private(choice.list(T_GROUPS)[0], a.random)
    envelope = a.random.octets(32) if mode == RSA else None
    z = entry.dh.secret(cap.one(Dh).group, cap.one(Dh).value) if mode in EARLY else None
    if mode not in LATE:
        entry.x = schedule.secret_x(mode, entry.psk, envelope, z, entry.th)
    got, entries, sps = _content(a, entry, proved)
    if mode in (PSK, RSA) and not entry.group:
        entry.tgk = a.random.octets(32)
        got.keys.append(KeyData(K_TGK, entry.tgk))
    got.identity = id_a if mode == RSA else None
    kind = ANSWER_OF[mode]
    keys = schedule.MessageKeys(entry.psk if mode == DHHMAC else entry.x or b"?", choice.list(T_PRF)[0], cap.header.csb_id, kind,
                                rand_i, entry.rand_r, entry.th, entry.th, ZERO)
    payloads = [Randr(ROLE_O, rand_i), Randr(ROLE_A, entry.rand_r), Cap(a.twist("answer.tlvs", choice.encode()))]
    named = shown(a.party.policy.show, signer.chain) if signer else []
    if kind != DT_DH_RESP or not named:
        payloads.append(Idr(ROLE_A, id_a))
    payloads += named + sps
    if entry.dh:
        payloads.append(Dh(entry.dh.group, entry.dh.public))
    if mode != DH:
        plain = a.twist("answer.plain", b"" if mode == DHHMAC else got.encode())
        payloads.append(seal.kemac(a.twist("answer.keys", keys), choice.list(T_ENCR)[0], choice.list(T_MAC)[0], plain))
    if mode == RSA:
        payloads.append(Pke(signatures.seal(certificates.public_key(entry.chain), envelope, a.random)))
    if signer:
        payloads.append(seal.sign(signer.private))
    header = message.Header(kind, cap.header.csb_id, choice.list(T_PRF)[0], entries)
    octets = seal.build(a.twist("answer.header", header), a.twist("answer.payloads", payloads), a.twist("answer.keys", keys),
                        signer and signer.private, raw(a.twist, "answer"))
    entry.answer = a.twist("answer.octets", octets)
    if len(entry.answer) > MESSAGE_MAX:
        raise Refused("answer too long", "§14")
    entry.answer_message = _Own(entries, sps)
    entry.ah = H(entry.answer)
    entry.f = H(entry.th + entry.ah)


class _Own:
    """What the finish is held to, of the answer."""

    def __init__(self, entries, sps):
        self.header = message.Header(0, 0, map=entries)
        self._sps = sps

    def all(self, _cls):
        return self._sps


def _content(a, entry, proved):
    """(content, map, SPs): of the session, or of the group where its keys are in the answer."""
    if not entry.group:
        sps = [srtp.policy(i, p) for i, p in enumerate(entry.choice.list(T_PROFILES))]
        return content.Content(), srtp.make_map(entry.cap.caps.streams(), [sp.number for sp in sps], a.random), sps
    entry.keys_due = entry.mode in LATE or not proved  # §1
    if entry.keys_due:
        return content.Content(), None, []
    return entry.group.content(entry.member)
