# SPDX-License-Identifier: Apache-2.0
"""§7: what O checks of an answer, in that order; nothing of O changes here."""
from types import SimpleNamespace

from . import certificates, content, schedule, seal, srtp, signatures
from .capabilities import check_choice
from .dh import Private
from .octets import Refused, require
from .payloads import *
from .prf import H, ZERO
from .tables import *


def check_answer(o, now, m):
    """What O then knows: mode, proved, th, x, content and its DH value."""
    plan, mode = o.plan, m.choice_mode
    require(mode in o.modes or mode == DH and EARLY_DH in o.modes, "mode that was not offered", "§7")
    check_choice(o.offer, m.caps, bool(plan.join))
    _agrees(m)
    require(m.caps.get(T_SESSION) == plan.session, "session", "§12")
    proved, key = _identity(o, now, m, mode)
    th = _signature(o, m, key) if mode in SIGNED else None
    taken = SimpleNamespace(mode=mode, proved=proved, dh=o.dh)
    z = envelope = None
    if mode in WITH_DH:
        if mode in LATE and (o.dh is None or o.dh.group != m.one(Dh).group):
            taken.dh = Private(m.one(Dh).group, o.random)
        z = taken.dh.secret(m.one(Dh).group, m.one(Dh).value)
    if mode == RSA:
        envelope = signatures.open_(o.signer.private, m.one(Pke).data, o.random)
    for taken.th in [th] if th else [H(cap) for cap in o.caps_sent]:
        taken.x = schedule.secret_x(mode, o.psk, envelope, z, taken.th)
        try:
            taken.content = _content(o, m, mode, taken)
            break
        except Refused as refused:
            failure = refused
    else:
        raise failure
    require(mode != RSA or taken.content.identity == proved, "identity inside KEMAC", "§6")
    _check_content(o, m, mode, taken)
    return taken


def _agrees(m):
    """§3.3: header, KEMAC, DH and SIGN agree with the choice."""
    kemac, dh, sign = m.one(Kemac), m.one(Dh), m.one(Sign)
    require(m.header.prf == m.caps.list(T_PRF)[0], "PRF of the header", "§3.3")
    if kemac:
        require((kemac.encr, kemac.mac_alg) == (m.caps.list(T_ENCR)[0], m.caps.list(T_MAC)[0]), "KEMAC's algorithms", "§3.3")
    require(not dh or dh.group == m.caps.list(T_GROUPS)[0], "group of DH", "§3.3")
    require(not sign or sign.s_type == m.caps.list(T_SIGNATURES)[0], "type of SIGN", "§3.3")


def answering_key(o, m, now, provisional):
    """§6 rules 2 to 4: the public key of who may answer; provisional: §12."""
    party, plan = o.party, o.plan
    if provisional:
        chain = tuple(c.der for c in m.all(Cert))
        require(chain, "certificate not in the answer", "§12")
        certificates.check_leaf(chain[0], now)
        return certificates.public_key(chain)
    if m.one(Cert):
        chain = tuple(c.der for c in m.all(Cert))
    elif m.one(Chash):
        chain = party.trust.by_hash(m.one(Chash).hash)
    else:
        chain = party.trust.known.get(m.identity(ROLE_A))
    if not chain:
        raise Refused("certificate unknown", "§6")
    certificates.check_identity(party.trust, chain, plan.peer, now, fingerprint=plan.fingerprint, group=bool(plan.join))
    return certificates.public_key(chain)


def _identity(o, now, m, mode):
    named = m.identity(ROLE_A)
    require(not o.party.is_own(named), "reflection", "§6")
    require(named is None or o.plan.peer is None or named == o.plan.peer, "IDR(2)", "§6")
    if mode not in SIGNED:
        return o.plan.peer, None
    key = answering_key(o, m, now, o.plan.provisional)
    require(signatures.type_of(key) == m.one(Sign).s_type, "type of the signer's key", "§5")
    return o.plan.peer or named, key


def _keys(o, m, mode, th, x):
    inkey = o.psk if mode == DHHMAC else x  # §4.4
    return schedule.MessageKeys(inkey, m.header.prf, o.csb_id, m.header.data_type, o.rand_i, m.rand(ROLE_A), th, th, ZERO)


def _signature(o, m, key):
    """The TH under which SIGN verifies."""
    for cap in o.caps_sent:
        try:
            seal.check_signature(m, _keys(o, m, None, H(cap), b"?"), key)
            return H(cap)
        except Refused as refused:
            failure = refused
    raise failure


def _content(o, m, mode, taken):
    if mode == DH:
        return content.Content()
    keys = _keys(o, m, mode, taken.th, taken.x)
    seal.check_mac(m, Kemac, keys)
    kemac = m.one(Kemac)
    require(mode != DHHMAC or not kemac.data, "data in KEMAC of mode 4", "§3.5")
    return content.decode(keys.decrypt(kemac.encr, kemac.data), mode == RSA)


def _check_content(o, m, mode, taken):
    from .offerer import check_group_map
    got = taken.content
    require(not got.of(K_TICKET), "ticket in an answer", "§11")
    if not o.plan.join:
        content.check_unicast(got, mode)
        policies = srtp.check_map(m.header.map, o.plan.streams, m.all(Sp), m.caps.list(T_PROFILES))
        require(set(policies.values()) == set(m.caps.list(T_PROFILES)), "profiles of the choice", "§3.3")
    elif got.msks():
        require(mode not in LATE, "group keys too early", "§1")
        check_group_map(m, got, *o.plan.join)
    else:
        require(m.header.map is None and not m.all(Sp) and not got.keys, "map without keys", "§3.1")
