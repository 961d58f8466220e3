# SPDX-License-Identifier: Apache-2.0
"""Attacks of more than one datagram on our Offerer."""
from mikeyv2 import edits, message, schedule, seal
from mikeyv2.capabilities import retry_capabilities
from mikeyv2.lab import ALICE, BOB
from mikeyv2.octets import u32
from mikeyv2.payloads import *
from mikeyv2.prf import H, ZERO
from mikeyv2.tables import *

from .labs import OurO
from .rows import expect
from .scenes import _every, kinds, scene

LATE_GROUP = {DH, DHHMAC}


def ended(lab):
    passed = [d[0] for d in lab.run()[:4]]
    expect(lab.o.state == "done" and len(passed) == 4, "no exchange to begin with")
    return passed


def is_dropped(lab, datagrams, reason=None):
    before = lab.o.state, lab.o.keys
    said, told = lab.to_o(datagrams), lab.o.told
    expect(not said and told["status"] != "ok" and (lab.o.state, lab.o.keys) == before, f"took it: {told}")
    expect(reason in (None, told["status"]), f"another reason: {told}")
    return "dropped: " + told["status"]


def goes_on(lab, answer):
    lab.to_o(lab.to_a(lab.to_o(answer)))
    expect(lab.o.state == "done" and lab.o.keys == lab.their_keys(), f"an honest answer gets {lab.o.told}")


def unproved_error(lab, number=ERR_OTHER):
    return bytes(message.encode(message.Header(DT_ERROR, lab.o.csb_id), [Randr(ROLE_O, lab.o.rand_i), Err(number)])[0])


def error(lab, keys, rand_r, number=ERR_OTHER, prf=PRF_SHA256):
    payloads = [Randr(ROLE_O, lab.o.rand_i), Randr(ROLE_A, rand_r), Err(number), seal.v(HMAC_SHA256)]
    return bytes(seal.build(message.Header(DT_ERROR, lab.o.csb_id, prf), payloads, keys))


def early_keys(lab, cap, rand_r=bytes(32), csb_id=None, rand_i=None):
    psk = schedule.psk_v2(lab.alice.psks[BOB], ALICE, BOB)
    th = H(cap)
    return schedule.MessageKeys(psk, PRF_SHA256, csb_id or lab.o.csb_id, DT_ERROR, rand_i or lab.o.rand_i, rand_r, th, th, ZERO)


# replays, other sessions, other roles

@scene("replay of an answer in another exchange", "§7")
def _(mode):
    lab = OurO((mode,))
    answer = ended(lab)[1]
    lab.again()
    lab.open()
    return is_dropped(lab, [answer])


@scene("cross-session: answer with the CSB ID and RANDi of another exchange", "§4.4")
def _(mode):
    lab = OurO((mode,))
    answer = ended(lab)[1]
    lab.again()
    cap = lab.open()
    moved = answer.replace(message.decode(answer).rand(ROLE_O), lab.o.rand_i)
    seen = is_dropped(lab, [edits.put(4, u32(lab.o.csb_id))(moved)], "authentication_failed")
    goes_on(lab, lab.to_a(cap))
    return seen


@scene("cross-session: answer under the right CSB ID alone", "§7")
def _(mode):
    lab = OurO((mode,))
    answer = ended(lab)[1]
    lab.again()
    lab.open()
    return is_dropped(lab, [edits.put(4, u32(lab.o.csb_id))(answer)], "unexpected")


@scene("reflection of CAP, and of a finish, to O", "§7")
def _(mode):
    lab = OurO((mode,))
    cap = lab.open()
    seen = is_dropped(lab, cap)
    finish = lab.to_o(lab.to_a(cap))
    expect(is_dropped(lab, finish) == seen, "several reasons")
    return seen


@scene("second answer in one exchange", "§2")
def _(mode):
    lab = OurO((mode,))
    cap = lab.open()
    first = lab.to_a(cap)
    lab.forget()
    second = lab.to_a(cap)
    finish = lab.to_o(first)
    keys = lab.o.keys
    seen = is_dropped(lab, second, "unexpected")
    expect(first != second and lab.to_o(first) == finish and lab.o.keys == keys, "the first answer's repetition gets another finish")
    return seen


@scene("KEYS before the answer", "§7")
def _(mode):
    lab = OurO((mode,))
    keys = ended(lab)[3]
    lab.again()
    lab.open()
    moved = keys.replace(message.decode(keys).rand(ROLE_O), lab.o.rand_i)
    return is_dropped(lab, [edits.put(4, u32(lab.o.csb_id))(moved)], "unexpected")


@scene("cross-session: KEYS of another exchange", "§4.4")
def _(mode):
    lab = OurO((mode,))
    keys = ended(lab)[3]
    lab.again()
    lab.to_o(lab.to_a(lab.open()))
    moved = keys.replace(message.decode(keys).rand(ROLE_O), lab.o.rand_i)
    return is_dropped(lab, [edits.put(4, u32(lab.o.csb_id))(moved)], "authentication_failed")


@scene("KEYS twice", "§7")
def _(mode):
    lab = OurO((mode,))
    return is_dropped(lab, [ended(lab)[3]], "unexpected")


@scene("KEYS with the RANDr of the answer", "§7", by="Answerer")
def _(mode):
    lab = OurO((mode,))
    lab.a.twist = lambda point, v: next(iter(lab.a.entries.values())).rand_r if point == "keys.rand" else v
    keys = lab.to_a(lab.to_o(lab.to_a(lab.open())))
    return is_dropped(lab, keys, "unexpected")


@scene("finish that never arrives: KEYS do not come, the keys of a session go", "§7")
def _(mode):
    lab = OurO((mode,))
    lab.to_o(lab.to_a(lab.open()))
    expect(lab.o.keys, "no keys to lose")
    for _ in range(4):
        lab.now += 5.1
        lab.log(lab.o.timer(lab.now))
    expect(lab.o.state == "failed" and not lab.o.keys, f"ended in {lab.o.told}")
    return "failed: " + lab.o.told["status"]


GIVES = {PSK, RSA, EARLY_DH, EARLY_DHHMAC}  # a group's keys in the answer


@scene("map and policies in KEYS of a session", "§3.1", by="Answerer")
def _(mode):
    lab = OurO((mode,))
    answered = message.decode(lab.to_a(lab.open())[0])
    changes = {"keys.header": lambda h: edits.replace(h, map=answered.header.map),
               "keys.payloads": lambda p: p[:-1] + answered.all(Sp) + p[-1:]}
    lab.a.twist = lambda point, v: changes.get(point, lambda same: same)(v)
    return is_dropped(lab, lab.to_a(lab.to_o([answered.octets])))


@scene("MSK without map and policies", "§3.1", GIVES, "Answerer")
def _(mode):
    changes = {"answer.header": lambda h: edits.replace(h, map=None), "answer.payloads": edits.removed(Sp)}
    lab = OurO((mode,), True, a_twist=lambda point, v: changes.get(point, lambda same: same)(v))
    return is_dropped(lab, lab.to_a(lab.open()))


@scene("keys of another group than the join's", "§10", GIVES, "Answerer")
def _(mode):
    seen = set()
    for join in ((b"\x12\x34\x56", b"\0\x09"), (b"\x12\x34\x57", bytes(2))):
        lab = OurO((mode,), True, plan={"join": join})
        lab.group.is_named = lambda domain, group: True
        seen.add(is_dropped(lab, lab.to_a(lab.open())))
    return "; ".join(sorted(seen))


@scene("one SSRC for two streams of a group", "§10", GIVES, "Answerer")
def _(mode):
    lab = OurO((mode,), True)
    lab.group.streams = lab.group.streams * 2
    return is_dropped(lab, lab.to_a(lab.open()))


# downgrade

@scene("downgrade: A without V answers a CAP from which the better modes were struck", "§4.1", {PSK})
def _(mode):
    lab = OurO((EARLY_DHHMAC, DHHMAC, PSK), a={"check_v": False, "modes": (PSK,)})
    answer = lab.to_a([_without_v(lab.open()[0], (V, Dh), edits.with_tlv(T_MODES, b"\1"), edits.without(T_GROUPS))])
    expect(kinds(answer) == [DT_PSK_RESP], "the peer does not answer")
    return is_dropped(lab, answer, "authentication_failed")


def _without_v(cap, struck, *changes):
    """CAP as its forger sends it, who has no key."""
    m = message.decode(cap)
    tlvs = m.one(Cap).tlvs
    for change in changes:
        tlvs = change(tlvs)
    payloads = [Cap(tlvs) if isinstance(p, Cap) else p for p in m.payloads if not isinstance(p, struck)]
    return bytes(message.encode(m.header, payloads)[0])


@scene("downgrade: A without V answers a CAP with weaker algorithms put first", "§4.1", PSK_TYPE)
def _(mode):
    lab = OurO((mode,), a={"check_v": False})
    answer = lab.to_a([_without_v(lab.open()[0], V, edits.with_tlv(T_ENCR, bytes((AES_CM_128, AES_CM_256))))])
    expect(kinds(answer) == [ANSWER_OF[mode]], "the peer does not answer")
    return is_dropped(lab, answer, "authentication_failed")


# RETRY

def retry(lab, cookie, fresh=None, csb_id=None):
    payloads = [Randr(ROLE_O, lab.o.rand_i), Cap(retry_capabilities(cookie, fresh).encode())]
    return bytes(message.encode(message.Header(DT_RETRY, csb_id or lab.o.csb_id), payloads)[0])


@scene("RETRY that gives nothing new", "§2")
def _(mode):
    lab = OurO((mode,))
    cap = lab.open()[0]
    expect(len(lab.to_o([retry(lab, b"one")])) == 1, "a RETRY is not followed")
    seen = is_dropped(lab, [retry(lab, b"one")], "unexpected")
    goes_on(lab, lab.to_a([cap]))
    return seen


@scene("RETRYs beyond three: one in a wait", "§2")
def _(mode):
    lab = OurO((mode,))
    cap = lab.open()[0]
    expect([len(lab.to_o([retry(lab, bytes((i,)) * 9)])) for i in (1, 2, 3, 4)] == [1] * 4, "a RETRY is not followed")
    seen = is_dropped(lab, [retry(lab, b"five")], "unexpected")
    goes_on(lab, lab.to_a([cap]))  # O keeps every TH
    return seen


@scene("RETRY changes nothing but cookie and FRESH", "§2")
def _(mode):
    lab = OurO((mode,))
    before = message.decode(lab.open()[0])
    after = message.decode(lab.to_o([retry(lab, b"c" * 20, b"f" * 16)])[0])
    new = dict(after.caps)
    expect((new.pop(T_COOKIE), new.pop(T_FRESH)) == (b"c" * 20, b"f" * 16), "other values")
    old = {kind: value for kind, value in before.caps.items() if kind != T_FRESH}
    expect(new == old, "another offer")
    rest = [[p for p in m.payloads if not isinstance(p, (Cap, V, Sign, Padding))] for m in (before, after)]
    expect(rest[0] == rest[1] and before.header == after.header, "another CAP")
    return "the same CAP but for these"


@scene("RETRY behind the answer", "§2")
def _(mode):
    lab = OurO((mode,))
    lab.to_o(lab.to_a(lab.open()))
    return is_dropped(lab, [retry(lab, b"late")], "unexpected")


@scene("a forged RETRY does not end the exchange", "§2")
def _(mode):
    lab = OurO((mode,))
    lab.a.load = True
    good = lab.to_a(lab.open())
    lab.to_o([retry(lab, b"junk")])
    with_cookie = lab.to_o(good)
    goes_on(lab, lab.to_a(with_cookie))
    return "goes on"


@scene("an answer to the CAP before RETRY is taken", "§2")
def _(mode):
    lab = OurO((mode,))
    answer = lab.to_a(lab.open())
    lab.to_o([retry(lab, b"junk")])
    goes_on(lab, answer)
    return "taken"


# ERROR

@scene("ERROR without proof", "§2")
def _(mode):
    lab = OurO((mode,))
    answer = lab.to_a(lab.open())
    seen = is_dropped(lab, [unproved_error(lab)])
    expect(lab.o.told.get("error") == ERR_OTHER, "it is not shown")
    goes_on(lab, answer)
    return seen + ", shown as a hint"


@scene("ERROR without proof behind the answer", "§2")
def _(mode):
    lab = OurO((mode,))
    finish = lab.to_o(lab.to_a(lab.open()))
    seen = is_dropped(lab, [unproved_error(lab)])
    lab.to_o(lab.to_a(finish))
    expect(lab.o.state == "done", "the exchange ended")
    return seen + ", shown as a hint"


@scene("ERROR with the V of nobody", "§13", PSK_TYPE)
def _(mode):
    lab = OurO((mode,))
    cap = lab.open()
    good = error(lab, early_keys(lab, cap[0]), bytes(32))
    seen = is_dropped(lab, [good[:-32] + bytes(32)], "authentication_failed")
    expect(not lab.o.told.get("error"), "it is shown")
    goes_on(lab, lab.to_a(cap))
    return seen


@scene("ERROR of another exchange", "§4.4", PSK_TYPE)
def _(mode):
    lab = OurO((mode,))
    old = lab.open()[0]
    lab.again()
    cap = lab.open()
    seen = is_dropped(lab, [error(lab, early_keys(lab, old), bytes(32))], "authentication_failed")
    goes_on(lab, lab.to_a(cap))
    return seen


@scene("ERROR under another PRF", "§3.1", PSK_TYPE)
def _(mode):
    lab = OurO((mode,))
    cap = lab.open()
    for prf in (PRF_MIKEY1, PRF_SHA256):  # the keys'
        keys = edits.replace(early_keys(lab, cap[0]), prf=prf)
        seen = is_dropped(lab, [error(lab, keys, bytes(32), prf=PRF_MIKEY1)], "authentication_failed")
    goes_on(lab, lab.to_a(cap))
    return seen


@scene("ERROR behind the answer under another PRF than chosen", "§3.1")
def _(mode):
    lab = OurO((mode,))
    finish = lab.to_o(lab.to_a(lab.open()))
    lab.to_a(finish)
    entry = next(iter(lab.a.entries.values()))
    keys = lab.a.keys_for(entry, DT_ERROR, bytes(32), entry.x)
    seen = is_dropped(lab, [error(lab, keys, bytes(32), prf=PRF_MIKEY1)], "authentication_failed")
    lab.to_o(lab.to_a(finish))
    expect(lab.o.state == "done", "the exchange ended")
    return seen


@scene("ERROR that was in place of an answer, behind the answer", "§4.4", PSK_TYPE)
def _(mode):
    lab = OurO((mode,))
    (cap,) = lab.open()
    finish = lab.to_o(lab.to_a([cap]))
    seen = is_dropped(lab, [error(lab, early_keys(lab, cap), bytes(32))], "authentication_failed")
    lab.to_o(lab.to_a(finish))
    expect(lab.o.state == "done", "the exchange ended")
    return seen


@scene("ERROR with good proof when all is done", "§7")
def _(mode):
    lab = OurO((mode,))
    ended(lab)
    entry = next(iter(lab.a.entries.values()))
    keys = lab.a.keys_for(entry, DT_ERROR, bytes(32), entry.x)
    return is_dropped(lab, [error(lab, keys, bytes(32), prf=entry.choice.list(T_PRF)[0])], "unexpected")


@scene("ERRORs of odd form", "§3.4")
def _(mode):
    lab = OurO((mode,))
    cap = lab.open()
    rand, other, sign = Randr(ROLE_O, lab.o.rand_i), Randr(ROLE_A, bytes(32)), Sign(S_ED25519, bytes(64))
    for payloads in ([rand, other, Err(12)], [rand, Idr(ROLE_A, BOB), Err(12)], [rand, Err(12), V(2, bytes(32))], [rand, Err(12), sign],
                     [rand, other, Err(12), sign], [rand, other, Err(12), V(2, bytes(32)), sign],
                     [rand, other, Idr(ROLE_A, BOB), Err(12), V(2, bytes(32)), sign], [rand, other, Idr(ROLE_A, BOB), Err(12), V(2, bytes(32))]):
        is_dropped(lab, [bytes(message.encode(message.Header(DT_ERROR, lab.o.csb_id), payloads)[0])], "payload_unexpected")
        expect("error" not in lab.o.told, "it is shown")
    goes_on(lab, lab.to_a(cap))
    return "dropped: payload_unexpected"


@scene("ERROR of another RANDi", "§7")
def _(mode):
    lab = OurO((mode,))
    cap = lab.open()
    seen = is_dropped(lab, [unproved_error(lab).replace(lab.o.rand_i, bytes(32))], "unexpected")
    expect("error" not in lab.o.told, "it is shown")
    goes_on(lab, lab.to_a(cap))
    return seen


# damage

@scene("a bit of each octet, and each prefix, of answer and KEYS", "§4.2")
def _(mode):
    for join in (False, True):
        lab = OurO((mode,), join)
        answer = lab.to_a(lab.open())[0]
        for wrong in _every(answer):
            is_dropped(lab, [wrong])
        keys = lab.to_a(lab.to_o([answer]))[0]
        for wrong in _every(keys):
            is_dropped(lab, [wrong])
        lab.to_o([keys])
        expect(lab.o.state == "done", "the good ones are not taken after it")
    return "dropped"
