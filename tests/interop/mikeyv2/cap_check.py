# SPDX-License-Identifier: Apache-2.0
"""§7: what A checks of a CAP once it may cost something; strikes modes, then chooses. Nothing of A changes here."""
from types import SimpleNamespace

from . import certificates, schedule, seal, signatures
from .capabilities import Capabilities
from .message import decode_key_id
from .octets import Refused, require, u32
from .payloads import *
from .prf import H, ZERO, kdf, mac
from .tables import *
from .tickets import may_resume


def check(a, now, m):
    """mode, choice and who O is; or `retry`, or `error`."""
    found = SimpleNamespace(retry=False, error=None, mode=None, choice=None, group=None, psk=None, chain=None, resumed=None,
                            v_good=False, sign_good=False, proved=False, dh_kind=False, may_encrypt=True, lacks_certificate=False, now=now)
    join, named = m.ext(E_KEY_ID) is not None, m.identity(ROLE_A)
    if join:
        found.group = a.groups.get(named)
    require(found.group if join else named is None or named == a.party.identity, "IDR(2) is not served here", "§7")
    if a.awaited is not None:
        require(m.caps.get(T_SESSION) in a.awaited, "session", "§12")
    offered = set(m.caps.list(T_MODES))
    struck = _check_v(a, now, m, offered, found) | _check_sign(a, now, m, offered, found)
    eligible = {mode for mode in offered - struck if mode in a.party.policy.modes and _eligible(a, m, mode, found)}
    modes, found.retry = _held_to_fresh(a, now, m, [mode for mode in m.caps.list(T_MODES) if mode in eligible], found)
    if found.retry:
        return found
    found.choice = _choose(a, m, modes, found)
    if found.choice is None:
        if struck:
            raise Refused("no proof", "§7")
        else:
            found.error = ERR_CERTIFICATE if found.lacks_certificate else ERR_NO_MODE
        return found
    found.mode = found.choice.list(T_MODES)[0]
    found.proved = found.v_good if found.mode in PSK_TYPE else found.sign_good
    _resumption(found)
    if join and found.mode not in LATE and found.proved and not entitled(found.group, m):
        found.error = ERR_NOT_ENTITLED  # who has proved nothing yet hears it after the finish
    return found


def entitled(group, cap):
    """And EXT 3 is the group's (§3.4)."""
    domain, msk_id = decode_key_id(cap.ext(E_KEY_ID), (0, 1))
    return group.entitled(cap.identity(ROLE_O)) and group.is_named(domain, msk_id[:2])


def comes_back(a, member, mode, found):
    """§8: by the answer alone, for which a recorded CAP would do."""
    return member in a.left and mode not in LATE and (found.v_good if mode in PSK_TYPE else found.sign_good)


def _held_to_fresh(a, now, m, modes, found):
    """§8: (the modes that remain, in order; FRESH is wanted by RETRY?)."""
    given, member = m.caps.get(T_FRESH), m.identity(ROLE_O)
    held = [mode for mode in modes if mode == EARLY_DH or comes_back(a, member, mode, found)]
    is_told = member in a.left and (found.v_good or found.sign_good)
    if not held or a.fresh.good(given, now, *([member.encode() + u32(a.left[member])] if is_told else [])):
        return modes, False
    before = modes[: modes.index(held[0])]
    if before or held[0] != EARLY_DH:
        return before, not before
    return ([DH], False) if DH in a.party.policy.modes else ([], True)  # never in a mode further down


def _resumption(found):
    if found.mode not in PSK_TYPE:
        found.resumed = None
    found.dh_kind = found.mode in WITH_DH or bool(found.resumed and found.resumed.dh_kind)


def _user_key(a, now, m, found):
    """PSKv2, or None where O is unknown or its ticket does not serve."""
    id_o, id_a = m.identity(ROLE_O), m.identity(ROLE_A)
    if T_TICKET in m.caps or T_TICKET_ID in m.caps:
        found.resumed = _resumed(a, now, m, id_o, id_a)
        return found.resumed and schedule.psk_v2_of_ticket(found.resumed.secret, id_o, id_a)
    psk = a.party.psks.get(id_o)
    return psk and schedule.psk_v2(psk, id_o, id_a)


def _resumed(a, now, m, id_o, id_a):
    """§11: what the ticket or ticket id of CAP stands for."""
    if T_TICKET_ID in m.caps:
        found = a.party.peers.held.get(m.caps[T_TICKET_ID])
        identities = (id_a, id_o) if found and found.id_o == id_a else (id_o, id_a)  # who gave it opens, or both keep it
    else:
        found = a.party.peers.held.get(H(m.caps[T_TICKET])[:16])
        identities = (id_o, id_a)
        if found is None and a.party.sealer:
            try:
                found = a.party.sealer.open(m.caps[T_TICKET])
            except Refused:
                return None
    if found is None or found.expiry <= now or (found.id_o, found.id_a) != identities:
        return None
    if a.party.sealer and found.id in a.party.sealer.spent:
        return None  # another TH never; the same one from the cache alone
    return found


def _check_v(a, now, m, offered, found):
    """The modes that V strikes."""
    if not offered & PSK_TYPE:
        return set()
    known = _user_key(a, now, m, found)
    if m.one(V) is None:
        found.psk = known or mac(a.nobody, H(m.octets))  # §7: a decoy
        return set() if not a.party.policy.check_v else PSK_TYPE
    psk = known or schedule.psk_v2(a.nobody, m.identity(ROLE_O), m.identity(ROLE_A))
    keys = schedule.MessageKeys(psk, PRF_SHA256, m.header.csb_id, DT_CAP, m.rand(ROLE_O), b"")
    try:
        seal.check_mac(m, V, keys)
    except Refused:
        return PSK_TYPE
    if known is None:
        return PSK_TYPE
    found.psk, found.v_good = psk, True
    return set()


def _check_sign(a, now, m, offered, found):
    """The modes that SIGN, and the certificate, strike."""
    if not offered & SIGNED:
        return set()
    trust, identity = a.party.trust, m.identity(ROLE_O)
    if m.one(Cert):
        chain = tuple(c.der for c in m.all(Cert))
    elif m.one(Sign):
        chain = trust.by_hash(m.one(Chash).hash) if m.one(Chash) else trust.known.get(identity)
    else:
        chain = None
    if not chain:
        found.lacks_certificate = True  # §6 rule 4: strikes nothing
        return set()
    try:
        found.may_encrypt = certificates.check_identity(trust, chain, identity, now)
        if m.one(Sign):
            keys = schedule.MessageKeys(b"?", PRF_SHA256, m.header.csb_id, DT_CAP, m.rand(ROLE_O), b"", ZERO, ZERO, ZERO)
            seal.check_signature(m, keys, certificates.public_key(chain))
            found.sign_good = True
    except Refused:
        found.sign_good, found.lacks_certificate = False, not m.one(Cert)  # whose certificate A has is told to its owner alone
        return SIGNED if m.one(Cert) else set()
    found.chain = chain
    return set()


def _eligible(a, m, mode, found):
    """A's knowledge of O; its policy is looked at in _choose."""
    if mode in SIGNED:
        if found.chain is None:
            return False
        kind = signatures.type_of(certificates.public_key(found.chain))
        if kind not in a.party.policy.signatures or a.party.signer(m.caps.list(T_SIGNATURES)) is None:
            return False
        return mode != RSA or kind == S_RSA_PSS and found.may_encrypt
    return found.resumed is None or may_resume(found.resumed, mode) or T_TICKET_ID in m.caps \
        or found.resumed.id in a.party.peers.held


def _choose(a, m, eligible, found):
    """§3.3: among what both take, O's order."""
    policy, offer, choice = a.party.policy, m.caps, Capabilities()
    mode = next((mode for mode in eligible if _group(policy, offer, mode) is not None), None)
    if mode is None:
        return None
    wanted = found.group.algorithms() if found.group else {}
    for kind, own in ((T_PRF, policy.prf), (T_ENCR, policy.encr), (T_MAC, policy.mac)):
        taken = [v for v in offer.list(kind) if v in own and v in wanted.get(kind, own)]
        if not taken:
            return None
        choice.with_list(kind, taken[:1])
    profiles = [p for p in offer.list(T_PROFILES) if p in (found.group.profiles() if found.group else policy.profiles)]
    if not profiles or found.group and set(found.group.profiles()) - set(profiles):
        return None
    choice.with_list(T_MODES, [mode]).with_list(T_PROFILES, profiles if found.group else profiles[: policy.policies])
    if mode in WITH_DH:
        choice.with_list(T_GROUPS, [_group(policy, offer, mode)])
    if mode in SIGNED:
        choice.with_list(T_SIGNATURES, [signatures.type_of(a.party.signer(offer.list(T_SIGNATURES)).private)])
    if found.group:
        choice[T_FEATURES] = (offer.number(T_FEATURES, 0) & policy.features).to_bytes(4, "big")
    if T_SESSION in offer:
        choice[T_SESSION] = offer[T_SESSION]
    if policy.fragments:
        choice[T_FRAGMENTS] = bytes((policy.fragments,))
    return choice


def _group(policy, offer, mode):
    """The DH group; 0 of RFC 3830 is one, so None says that there is none."""
    if mode not in WITH_DH:
        return -1
    listed = offer.list(T_GROUPS)
    return next((g for g in (listed[:1] if mode in EARLY else listed) if g in policy.groups), None)
