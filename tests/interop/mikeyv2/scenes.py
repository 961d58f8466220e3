# SPDX-License-Identifier: Apache-2.0
"""Misbehaviours of more than one datagram: replays, reflections, other addresses, other sessions. Each gives (held?, what was seen)."""
from dataclasses import replace

from . import certificates, edits, fragments, message
from .capabilities import retry_capabilities
from .lab import *
from .lab import drive, x509
from .octets import u32
from .payloads import *
from .tables import *

SCENES = {}
ALL = tuple(MODE_NAMES)
ELSEWHERE = ("203.0.113.9", 2269)


def scene(name, clause):
    def add(f):
        SCENES[name] = (clause, f)
        return f
    return add


def _opened(modes=(PSK,), **options):
    """(lab, CAP, answer, finish, KEYS), all of them passed."""
    lab = Lab(modes, **options)
    cap, answer, finish, keys = (d[0] for d in lab.run()[:4])
    return lab, cap, answer, finish, keys


@scene("replay of CAP while the entry is there", "§2")
def _():
    lab, cap, answer, _, _ = _opened()
    return lab.to_a([cap]) == [answer] and len(lab.a.entries) == 1, lab.names()


@scene("replay of CAP later: another RANDr, and no finish for it", "§2")
def _():
    lab, cap, answer, finish, _ = _opened()
    lab.now += 11
    again = lab.to_a([cap])
    said = lab.to_o(again), lab.to_a([finish])
    return again != [answer] and said == ([], []) and lab.names().count("verified") == 1, lab.dropped()


@scene("replay of an early DH CAP: from the cache alone", "§8")
def _():
    lab, cap, answer, _, _ = _opened((EARLY_DH,))
    same = lab.to_a([cap], ELSEWHERE) == [answer]
    lab.now += 11
    return same and not lab.to_a([cap]) and not lab.a.entries, lab.dropped()


@scene("replay of an early DH CAP with FRESH of the period before the last", "§8")
def _():
    lab, cap, _, _, _ = _opened((EARLY_DH,), a={"modes": (EARLY_DH,)})
    lab.now += 2 * 3600
    said = lab.to_a([cap])
    return [d[1] for d in said] == [DT_RETRY] and not lab.a.entries, said


@scene("replay of an answer in another exchange", "§7")
def _():
    lab, _, answer, _, _ = _opened()
    lab.again()
    lab.open()
    return lab.to_o([answer]) == [] and lab.o.state == "offered", lab.dropped()


@scene("cross-session: answer with the CSB ID and RANDi of another exchange", "§4.4")
def _():
    lab, _, answer, _, _ = _opened()
    lab.again()
    lab.open()
    moved = answer.replace(message.decode(answer).rand(ROLE_O), lab.o.rand_i)
    moved = edits.put(4, u32(lab.o.csb_id))(moved)
    return lab.to_o([moved]) == [] and lab.o.state == "offered" and lab.dropped()[-1].reason == "MAC", lab.dropped()


@scene("cross-session: finish with the RANDs of another exchange", "§4.4")
def _():
    lab, _, _, finish, _ = _opened()
    lab.again()
    answer = lab.to_a(lab.open())[0]
    m, old = message.decode(answer), message.decode(finish)
    moved = finish.replace(old.rand(ROLE_O), m.rand(ROLE_O)).replace(old.rand(ROLE_A), m.rand(ROLE_A))
    moved = edits.put(4, u32(lab.o.csb_id))(moved)
    return lab.to_a([moved]) == [] and lab.dropped()[-1].reason == "MAC", lab.dropped()


@scene("reflection of CAP to O, of an answer to A", "§6")
def _():
    lab = Lab((PSK,))
    cap = lab.open()
    answer = lab.to_a(cap)
    return lab.to_o(cap) == [] and lab.to_a(answer) == [] and lab.o.state == "offered", lab.dropped()


@scene("reflection of A's own CAP to A", "§6")
def _():
    lab = Lab((PSK,))
    lab.a.party.identity = ALICE
    return lab.to_a(lab.open()) == [] and "reflection" in str(lab.dropped()[0]), lab.dropped()


@scene("finish replayed from another address gets no more than 3 times its size", "§2")
def _():
    lab = Lab((DH,), True)
    lab.group.tree_keys = tuple(bytes(16) for _ in range(24))
    finish, keys = (d[0] for d in lab.run()[2:4])
    entry = next(iter(lab.a.entries.values()))
    said, again = lab.to_a([finish], ELSEWHERE), lab.to_a([finish])
    return len(keys) > 3 * len(finish) and said == [] and again == [keys] and entry.address == O_ADDRESS, [len(finish), len(keys)]


@scene("another finish after the first", "§7")
def _():
    lab, _, _, finish, _ = _opened()
    return lab.to_a([edits.flipped(finish, 8 * len(finish) - 1)]) == [], lab.dropped()


@scene("finish before any CAP", "§7")
def _():
    lab, _, _, finish, _ = _opened()
    lab.a.entries.clear()
    return lab.to_a([finish]) == [], lab.dropped()


@scene("finish of a wrong proof leaves the entry", "§2")
def _():
    lab = Lab((PSK,))
    finish = lab.to_o(lab.to_a(lab.open()))[0]
    wrong = lab.to_a([edits.flipped(finish, 8 * len(finish) - 1)])
    keys = lab.to_a([finish])
    return wrong == [] and len(keys) == 1, lab.names()


@scene("second answer in one exchange", "§2")
def _():
    lab = Lab((PSK,))
    cap = lab.open()
    first = lab.to_a(cap)
    lab.a.entries.clear()
    second = lab.to_a(cap)
    finish = lab.to_o(first)
    return first != second and lab.to_o(second) == [] and lab.to_o(first) == finish, lab.dropped()


@scene("answer from another address", "§3.6")
def _():
    lab = Lab((PSK,))
    answer = lab.to_a(lab.open())
    return lab.to_o(answer, ELSEWHERE) == [] and lab.o.state == "offered", lab.dropped()


@scene("KEYS before the answer, KEYS twice, KEYS of another exchange", "§7")
def _():
    lab, _, _, _, keys = _opened()
    twice = lab.to_o([keys])
    lab.again()
    lab.open()
    return twice == [] and lab.to_o([keys]) == [] and lab.names().count("done") == 1, lab.dropped()


@scene("cookie from another address", "§2")
def _():
    lab = Lab((PSK,))
    lab.a.load = True
    with_cookie = lab.to_o(lab.to_a(lab.open()))
    said = lab.to_a(with_cookie, ELSEWHERE)
    good = lab.to_a(with_cookie)
    return [d[1] for d in said] == [DT_RETRY] and [d[1] for d in good] == [DT_PSK_RESP], lab.names()


@scene("cookie too old", "§2")
def _():
    lab = Lab((PSK,))
    lab.a.load = True
    with_cookie = lab.to_o(lab.to_a(lab.open()))
    lab.now += 61
    return [d[1] for d in lab.to_a(with_cookie)] == [DT_RETRY], lab.names()


@scene("RETRY is never longer than its cause, and keeps nothing", "§2")
def _():
    lab = Lab((PSK,))
    lab.a.load = True
    cap = lab.open()[0]
    retry = lab.to_a([cap])[0]
    return len(retry) <= len(cap) and not lab.a.entries, [len(retry)]


@scene("RETRY that gives nothing new; beyond three, one in a wait", "§2")
def _():
    lab = Lab((PSK,))
    lab.a.load = True
    retry = lab.to_a(lab.open())
    counts = [len(lab.to_o(retry)), len(lab.to_o(retry))]
    for i in range(20):
        if i % 5 == 4:
            lab.now = lab.o.next_timer
            lab.o.timer(lab.now)
        counts.append(len(lab.to_o([_retry_with(retry[0], bytes((i,)) * 17)])))
    return (counts[:6], sum(counts), lab.o.state) == ([1, 0, 1, 1, 1, 0], 7, "failed"), counts


def _retry_with(octets, cookie):
    m = message.decode(octets)
    return bytes(message.encode(m.header, [Randr(ROLE_O, m.rand(ROLE_O)), Cap(retry_capabilities(cookie).encode())])[0])


@scene("a RETRY of an attacker in the way does not end the exchange", "§2")
def _():
    lab = Lab((PSK,))
    lab.a.load = True
    retry = lab.to_a(lab.open())
    lab.to_o([_retry_with(retry[0], b"junk")])
    lab.to_o(lab.to_a(lab.to_o(lab.to_a(lab.to_o(retry)))))
    return lab.o.state == "done", lab.names()


@scene("ERROR without proof is a hint", "§2")
def _():
    lab = Lab((PSK,))
    answer = lab.to_a(lab.open())
    payloads = [Randr(ROLE_O, lab.o.rand_i), Err(ERR_OTHER)]
    lab.to_o([bytes(message.encode(message.Header(DT_ERROR, lab.o.csb_id), payloads)[0])])
    hinted = lab.o.state == "offered" and lab.o.hints == [ERR_OTHER]
    lab.to_o(lab.to_a(lab.to_o(answer)))
    return hinted and lab.o.state == "done", lab.names()


@scene("ERROR with the V of nobody", "§13")
def _():
    lab = Lab((PSK,))
    lab.open()
    payloads = [Randr(ROLE_O, lab.o.rand_i), Randr(ROLE_A, bytes(32)), Err(ERR_OTHER), V(HMAC_SHA256, bytes(32))]
    lab.to_o([bytes(message.encode(message.Header(DT_ERROR, lab.o.csb_id), payloads)[0])])
    return lab.o.state == "offered" and not lab.o.hints, lab.dropped()


@scene("errors are at most one a second to an address", "§13")
def _():
    lab = Lab((PSK,), a={"modes": (DHHMAC,)})
    cap = lab.open()
    counts = [len(lab.to_a(cap)), len(lab.to_a(cap))]
    lab.now += 1.5
    return counts + [len(lab.to_a(cap))] == [1, 0, 1], counts


@scene("member's certificate in the name of a group", "§6")
def _():
    lab = Lab((DH,), True)
    lab.a.party.credentials = (KEYS.alice[S_ED25519],)
    return lab.to_o(lab.to_a(lab.open())) == [], lab.dropped()


@scene("controller's certificate of another authority", "§6")
def _():
    lab = Lab((DH,), True)
    key = KEYS.root_key
    other = der(certificate("other", key, "root", key, [x509.DNSName("groups.example.net")], use=CONTROLLER_USE))
    lab.a.party.credentials = (Credentials(key, (other,)),)
    return lab.to_o(lab.to_a(lab.open())) == [] and "authority" in str(lab.dropped()[-1]), lab.dropped()


def _signed_by(why, **options):
    lab = Lab((DH,))
    key = KEYS.root_key
    issuer_key = options.pop("issuer_key", key)
    cert = certificate("bob", key, options.pop("issuer", "root"), issuer_key, [x509.RFC822Name(BOB.value.decode())], **options)
    lab.a.party.credentials = (Credentials(key, (der(cert),)),)
    said = lab.to_o(lab.to_a(lab.open()))
    return said == [] and lab.o.state == "offered" and why in str(lab.dropped()[-1]), lab.dropped()


@scene("certificate of an unknown authority", "§5")
def _():
    return _signed_by("anchor", issuer="nobody")


@scene("certificate with the authority's name but not its signature", "§5")
def _():
    return _signed_by("certificate signature", issuer_key=KEYS.mallory[S_ED25519].private)


@scene("certificate that has expired", "§5")
def _():
    return _signed_by("valid now", days=-0.5)


@scene("certificate whose key may not sign", "§5")
def _():
    return _signed_by("key usage", signs=False)


@scene("certificate issued by who is no authority", "§5")
def _():
    lab, mallory = Lab((DH,)), KEYS.mallory[S_ED25519]
    key = KEYS.root_key
    cert = certificate("bob", key, "mallory", mallory.private, [x509.RFC822Name(BOB.value.decode())])
    lab.a.party.credentials = (Credentials(key, (der(cert), *mallory.chain)),)
    return lab.to_o(lab.to_a(lab.open())) == [] and "no CA" in str(lab.dropped()[-1]), lab.dropped()


@scene("certificate that is revoked", "§5")
def _():
    lab = Lab((DH,))
    lab.o.party.trust.revoked = frozenset({certificates.H(KEYS.bob[S_ED25519].chain[0])})
    return lab.to_o(lab.to_a(lab.open())) == [] and "revoked" in str(lab.dropped()[-1]), lab.dropped()


@scene("certificate that is not the SDP's fingerprint", "§12")
def _():
    lab = Lab((DH,), plan={"fingerprint": bytes(32)})
    return lab.to_o(lab.to_a(lab.open())) == [] and "fingerprint" in str(lab.dropped()[-1]), lab.dropped()


@scene("provisional answers are taken by any certificate that is valid and may sign, when O asks for that", "§12")
def _():
    key, seen = KEYS.root_key, []
    for asks, more in ((True, {}), (False, {}), (True, {"days": -0.5}), (True, {"signs": False})):
        lab = Lab((DH,), plan={"provisional": asks, "session": b"s" * 16})
        cert = certificate("anybody", key, "nobody", key, [], **more)
        lab.a.party.credentials = (Credentials(key, (der(cert),)),)
        lab.to_o(lab.to_a(lab.open()))
        seen.append(lab.o.state)
    return seen == ["answered", "offered", "offered", "offered"], seen


@scene("another party answers: mallory with a certificate of the same authority", "§6")
def _():
    lab = Lab((EARLY_DH,))
    lab.a.party.credentials = (KEYS.mallory[S_ED25519],)
    return lab.to_o(lab.to_a(lab.open())) == [] and lab.o.sessions is None, lab.dropped()


@scene("session of no open offer, and none where one is awaited", "§12")
def _():
    lab = Lab((PSK,), plan={"session": b"s" * 16})
    lab.a.awaited = {b"t" * 16}
    first = lab.to_a(lab.open())
    other = Lab((PSK,))
    other.a.awaited = {b"t" * 16}
    return first == [] and other.to_a(other.open()) == [], lab.dropped()


@scene("join by who is not entitled", "§7")
def _():
    lab = Lab((PSK,), True)
    lab.group.members.clear()
    lab.to_o(lab.to_a(lab.open()))
    late = Lab((DHHMAC,), True)
    late.group.members.clear()
    late.run()
    return (lab.o.state, late.o.state) == ("failed", "failed") and not lab.a.entries and late.o.content is None, late.names()


@scene("join of the group by another's EXT 3", "§3.4")
def _():
    states = []
    for mode in ALL:
        lab = Lab((mode,), True, plan={"join": (b"\x99\x99\x99", bytes(2))})
        lab.run()
        states.append((lab.o.state, "keys" in lab.names()))
    return states == [("failed", False)] * 6, states


@scene("who has proved nothing is not told that it is not entitled", "§7")
def _():
    lab = Lab((RSA,), True, o={"show": "cert"}, o_twist=lambda point, v: edits.removed(Sign)(v) if point == "cap.payloads" else v)
    lab.group.members.clear()
    answer = lab.to_a(lab.open())
    lab.to_o(lab.to_a(lab.to_o(answer)))
    return answer[0][1] == DT_RSA_RESP and lab.o.state == "failed" and "keys" not in lab.names(), lab.names()


@scene("KEYS with the RANDr of the answer", "§7")
def _():
    lab = Lab((PSK,))
    lab.a.twist = lambda point, v: next(iter(lab.a.entries.values())).rand_r if point == "keys.rand" else v
    lab.run()
    return lab.o.state == "answered" and "RANDr" in str(lab.dropped()[-1]), lab.dropped()


@scene("an answer that O cannot take whole", "§2")
def _():
    lab = Lab((PSK,), o={"fragments": 0}, plan={"streams": ((3, 0),) * 127})
    return lab.to_a(lab.open()) == [] and not lab.a.entries, lab.dropped()


@scene("no group key without a proof of the mode: RSA without SIGN", "§1")
def _():
    lab = Lab((RSA,), True, o={"show": "cert"}, o_twist=lambda point, v: edits.removed(Sign)(v) if point == "cap.payloads" else v)
    answer = lab.to_a(lab.open())
    had = message.decode(answer[0]).header.map
    lab.to_o(lab.to_a(lab.to_o(answer)))
    return had is None and lab.o.content.msks() != [] and lab.o.state == "done", lab.names()


@scene("amplification: an answer above 3 times an unpadded CAP is a RETRY", "§2")
def _():
    lab = Lab((PSK,), True, o_twist=lambda point, v: edits.removed(Padding)(v) if point == "cap.payloads" else v)
    cap = lab.open()
    lab.group.tree_keys = tuple(bytes(16) for _ in range(24))
    said = lab.to_a(cap)
    return [d[1] for d in said] == [DT_RETRY] and not lab.a.entries, [len(d) for d in said]


# tickets

def resumable(sealed=True, modes=(PSK,)):
    lab = Lab(modes, a={"give_tickets": True})
    if sealed:
        lab.a.party.sealer = Sealer(bytes(32))
    lab.run()
    lab.plan.resume, lab.plan.as_id = lab.alice.peers.to(ALICE, BOB, lab.now)
    lab.plan.modes = (EARLY_DHHMAC, DHHMAC, PSK)
    lab.alice.psks = lab.bob.psks = {}
    return lab


@scene("RETRY twice: a cookie, then FRESH with the same cookie", "§2")
def _():
    lab = Lab((EARLY_DH,), a={"modes": (EARLY_DH,)}, plan={"fresh": b"-" * 16})
    lab.a.load = True
    drive(lab)
    return lab.o.state == "done" and len(lab.o.retries) == 2, lab.dropped()


@scene("FRESH missing: mode 3 or RETRY, never a mode further down", "§8")
def _():
    kinds = []
    for modes in ((EARLY_DH, PSK), ALL):
        lab = Lab((EARLY_DH, PSK), a={"modes": modes}, plan={"fresh": b"-" * 16})
        kinds += [d[1] for d in lab.to_a(lab.open())]
    return kinds == [DT_RETRY, DT_DH_RESP], kinds


@scene("keys of another Key Group than the join's", "§10")
def _():
    lab = Lab((PSK,), True, plan={"join": (b"\x12\x34\x56", b"\0\7")})
    lab.group.is_named = lambda domain, group: True
    lab.group.key_group = b"\0\x08"
    return lab.to_o(lab.to_a(lab.open())) == [] and "another group" in str(lab.dropped()[-1]), lab.dropped()


@scene("spent ticket with another TH", "§11")
def _():
    lab = resumable()
    lab.run()
    once = lab.o.state
    lab.again()
    lab.run()
    return once == "done" and lab.o.state == "offered", lab.dropped()


@scene("spent ticket with the same TH when the entry is gone", "§11")
def _():
    lab = resumable()
    cap = lab.open()
    first = lab.to_a(cap)
    same = lab.to_a(cap) == first
    lab.now += 11
    return same and lab.to_a(cap) == [], lab.dropped()


@scene("a good ticket and a ticket id", "§3.3")
def _():
    lab = resumable()
    ticket_id = lab.plan.resume.id
    lab.o.twist = lambda point, v: edits.with_tlv(T_TICKET_ID, ticket_id)(v) if point == "cap.tlvs" else v
    return lab.to_a(lab.open()) == [] and "ticket id" in str(lab.dropped()[-1]), lab.dropped()


@scene("ticket by somebody else's identity", "§11")
def _():
    lab = resumable()
    lab.alice.identity = MALLORY
    return lab.to_a(lab.open()) == [], lab.dropped()


@scene("ticket that has expired, or is void", "§11")
def _():
    lab = resumable()
    cap = lab.open()
    lab.now += 24 * 3600 + 1
    old = lab.to_a(cap)
    lab.now -= 24 * 3600
    lab.bob.sealer.generations[ALICE] = 1
    return old == lab.to_a(cap) == [], lab.dropped()


@scene("sealed ticket of a DH kind in mode 1", "§11")
def _():
    lab = resumable(modes=(DHHMAC,))
    lab.plan.resume = replace(lab.plan.resume, dh_kind=False)
    lab.plan.modes = (PSK,)
    said = lab.to_a(lab.open())
    return not lab.a.entries or "answer" not in said and all(d[1] == DT_ERROR for d in said), [d[1] for d in said]


# fragments

def _fragmented():
    lab = Lab((DH,), plan={"big_cap": True})
    lab.alice.trust.known, chain = {}, KEYS.alice[S_ED25519].chain
    lab.alice.credentials = (Credentials(KEYS.alice[S_ED25519].private, chain + (der(KEYS.root),) * 3),)
    return lab


@scene("FRAGMENT without cookie: RETRY for the first, nothing for others", "§3.6")
def _():
    lab = _fragmented()
    parts = lab.open()
    said = lab.to_a(parts)
    return len(parts) > 1 and [d[1] for d in said] == [DT_RETRY] and not lab.a.buffers.open, lab.dropped()


@scene("FRAGMENTs of a wrong hash, of another message, twice with other octets", "§3.6")
def _():
    whole = bytes(range(256)) * 8
    parts = [message.decode(p).one(Fragment) for p in fragments.split(whole, 1)]
    got = [_feed(parts), _feed([replace(parts[0], data=bytes(len(parts[0].data)))] + parts[1:]),
           _feed([parts[0], replace(parts[1], hash=bytes(16)), parts[1]]), _feed([parts[0], replace(parts[0], data=b"x"), parts[1]]),
           _feed([replace(parts[0], hash=bytes((i,)) * 16) for i in range(8)] + parts),
           _feed(parts[:1] + [replace(parts[0], hash=bytes((i,)) * 16) for i in range(4)] + parts[1:])]
    return got == [whole, "refused", whole, whole, whole, None], [g and len(g) for g in got]


def _feed(parts):
    buffers, whole = fragments.Buffers(), None
    try:
        for p in parts:
            whole = buffers.add(0, O_ADDRESS, p)
    except fragments.Refused:
        return "refused"
    return whole


@scene("FRAGMENT of one octet without cookie: RETRY would be longer", "§2")
def _():
    lab = Lab((PSK,))
    octets = bytes(message.encode(message.Header(DT_FRAGMENT, 5), [Fragment(bytes(16), 0, 2, b"x")])[0])
    return lab.to_a([octets]) == [], lab.dropped()


@scene("FRAGMENTs of odd form", "§3.6")
def _():
    lab = Lab((PSK,))
    lab.open()
    odd = [[Fragment(bytes(16), 2, 2, b"x")], [Fragment(bytes(16), 0, 1, b"x")], [Fragment(bytes(16), 0, 9, b"x")],
           [Fragment(bytes(16), 0, 2, b"")], [Cap(retry_capabilities(b"c", bytes(16)).encode()), Fragment(bytes(16), 0, 2, b"x")],
           [Cap(retry_capabilities(b"c").encode()), Fragment(bytes(16), 0, 2, b"x")]]
    header = message.Header(DT_FRAGMENT, lab.o.csb_id)
    said = [lab.to_o([bytes(message.encode(header, payloads)[0])]) for payloads in odd]
    return said == [[]] * 6 and len(lab.dropped()) == 6 and not lab.o.buffers.open, lab.dropped()


@scene("cookie inside of a fragmented CAP, another message in FRAGMENTs", "§3.6")
def _():
    lab, seen = Lab((DH,)), []
    cookie = lab.a.cookies.make(lab.now, O_ADDRESS, 9)
    lab.o.twist = lambda point, v: edits.with_tlv(T_COOKIE, b"?")(v) if point == "cap.tlvs" else v
    for whole in (edits.put(4, u32(9))(lab.open()[0]), edits.put(1, [DT_RETRY])(lab.o.caps_sent[0])):
        lab.to_a(fragments.split(whole, 9, 400, cookie))
        seen.append(lab.dropped()[-1].reason)
    return not lab.a.entries and seen[0] == "malformed: cookie in a fragmented CAP", seen


@scene("ERRORs of odd form", "§3.4")
def _():
    lab, seen = Lab((PSK,)), []
    lab.open()
    rand, other = Randr(ROLE_O, lab.o.rand_i), Randr(ROLE_A, bytes(32))
    for payloads in ([rand, other, Err(12)], [rand, Idr(ROLE_A, BOB), Err(12)], [rand, Err(12), V(2, bytes(32))],
                     [rand, other, Err(12), Sign(S_ED25519, bytes(64))]):
        lab.to_o([bytes(message.encode(message.Header(DT_ERROR, lab.o.csb_id), payloads)[0])])
        seen.append(lab.dropped()[-1].reason)
    return not lab.o.hints and all(s.startswith("malformed") for s in seen), seen


@scene("FRAGMENT in FRAGMENTs", "§3.6")
def _():
    lab = Lab((PSK,))
    lab.open()
    inner = fragments.split(bytes(2000), lab.o.csb_id)[0]
    said = lab.to_o(fragments.split(inner + bytes(300), lab.o.csb_id))
    return said == [] and lab.o.state == "offered", lab.dropped()
