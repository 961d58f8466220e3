# SPDX-License-Identifier: Apache-2.0
"""FRAGMENTs of an attacker, to both of our machines."""
from dataclasses import replace

from mikeyv2 import edits, fragments, message
from mikeyv2.capabilities import retry_capabilities
from mikeyv2.payloads import *
from mikeyv2.prf import H
from mikeyv2.tables import *

from .labs import OurA, OurO
from .offerer_scenes import goes_on, is_dropped as dropped_by_o
from .rows import expect
from .scenes import ELSEWHERE, is_dropped, kinds, scene

SIZE, SMALL = 300, 150  # of a datagram; of one of an answer


def _cookie(lab, parts):
    retry = lab.to_a(parts[:1])
    expect(kinds(retry) == [DT_RETRY], f"the first FRAGMENT gets {kinds(retry)}")
    return message.decode(retry[0]).caps[T_COOKIE]


def _opened(mode):
    """(lab, CAP, its FRAGMENTs with a good cookie)."""
    lab = OurA((mode,))
    cap = lab.open()[0]
    cookie = _cookie(lab, fragments.split(cap, lab.o.csb_id, SIZE))
    return lab, cap, fragments.split(cap, lab.o.csb_id, SIZE, cookie)


def _is_answered(lab, parts, mode):
    said = lab.to_a(parts)
    expect(kinds(said) == [ANSWER_OF[mode]], f"good FRAGMENTs get {kinds(said)}: {lab.a.told}")


def _fragment(csb_id, fragment, cookie=None):
    payloads = [Cap(retry_capabilities(cookie).encode())] if cookie else []
    return bytes(message.encode(message.Header(DT_FRAGMENT, csb_id), payloads + [fragment])[0])


@scene("FRAGMENTs without cookie: RETRY for the first, nothing for others, nothing kept", "§3.6")
def _(mode):
    lab = OurA((mode,))
    cap = lab.open()[0]
    parts = fragments.split(cap, lab.o.csb_id, SIZE)
    cookie = _cookie(lab, parts)
    seen = is_dropped(lab, parts[1:])
    with_cookie = fragments.split(cap, lab.o.csb_id, SIZE, cookie)
    lab.to_a(with_cookie[:1])
    expect("answered" not in lab.names(), "what had no cookie was kept")
    _is_answered(lab, fragments.split(cap, lab.o.csb_id, SIZE, cookie)[1:], mode)
    return "RETRY; " + seen


@scene("FRAGMENTs with a cookie of another address", "§3.6")
def _(mode):
    lab, _, parts = _opened(mode)
    return is_dropped(lab, parts[1:], address=ELSEWHERE)


@scene("FRAGMENT of one octet: RETRY would be longer", "§2")
def _(mode):
    lab = OurA((mode,))
    octets = _fragment(5, Fragment(bytes(16), 0, 2, b"x"))
    said = lab.to_a([octets])
    expect(not said, f"{len(said)} datagrams")
    return "dropped: " + lab.a.told["status"]


@scene("FRAGMENTs whose hash is wrong", "§3.6")
def _(mode):
    lab, cap, parts = _opened(mode)
    forged = fragments.split(edits.flipped(cap, 8 * len(cap) - 1), lab.o.csb_id, SIZE, b"?" * 20)
    last = replace(message.decode(parts[-1]).one(Fragment), data=message.decode(forged[-1]).one(Fragment).data)
    cookie = message.decode(parts[0]).caps[T_COOKIE]
    lab.to_a(parts[:-1])
    seen = is_dropped(lab, [_fragment(lab.o.csb_id, last, cookie)], "authentication_failed")
    _is_answered(lab, parts, mode)
    return seen


@scene("two FRAGMENTs of one index: the first stays", "§3.6")
def _(mode):
    lab, _, parts = _opened(mode)
    cookie = message.decode(parts[0]).caps[T_COOKIE]
    first = message.decode(parts[0]).one(Fragment)
    lab.to_a([parts[0], _fragment(lab.o.csb_id, replace(first, data=bytes(len(first.data))), cookie)])
    _is_answered(lab, parts[1:], mode)
    return "taken as if it were not there"


@scene("FRAGMENTs of other messages before and in between", "§3.6")
def _(mode):
    lab, _, parts = _opened(mode)
    cookie = message.decode(parts[0]).caps[T_COOKIE]
    lab.to_a(_of_others(lab, range(8), cookie))
    lab.to_a(parts[:1])
    lab.to_a(_of_others(lab, range(3), cookie) * 5)
    _is_answered(lab, parts[1:], mode)
    return "taken beside them"


def _of_others(lab, hashes, cookie=None):
    return [_fragment(lab.o.csb_id, Fragment(bytes((i,)) * 16, 1, 8, b"x"), cookie) for i in hashes]


@scene("FRAGMENTs of odd form, to A", "§3.6")
def _(mode):
    lab, _, parts = _opened(mode)
    cookie, csb_id = message.decode(parts[0]).caps[T_COOKIE], lab.o.csb_id
    odd = [Fragment(bytes(16), 2, 2, b"x"), Fragment(bytes(16), 0, 1, b"x"), Fragment(bytes(16), 0, 9, b"x"), Fragment(bytes(16), 1, 2, b"")]
    for fragment in odd:
        is_dropped(lab, [_fragment(csb_id, fragment, cookie)], "malformed")
    _is_answered(lab, parts, mode)
    return "dropped: malformed"


@scene("cookie inside of a fragmented CAP", "§3.6", PSK_TYPE)
def _(mode):
    lab = OurA((mode,), o_twist=lambda point, v: edits.with_tlv(T_COOKIE, b"?" * 20)(v) if point == "cap.tlvs" else v)
    cap = lab.open()[0]
    cookie = _cookie(lab, fragments.split(cap, lab.o.csb_id, SIZE))
    parts = fragments.split(cap, lab.o.csb_id, SIZE, cookie)
    lab.to_a(parts[:-1])
    return is_dropped(lab, parts[-1:], "malformed")


@scene("another message than CAP in FRAGMENTs to A", "§3.6")
def _(mode):
    lab, cap, parts = _opened(mode)
    cookie = message.decode(parts[0]).caps[T_COOKIE]
    finish = lab.to_o(lab.to_a([cap]))[0]
    seen = set()
    for whole in (finish + bytes(400 - len(finish)) if len(finish) < 400 else finish, edits.put(1, [DT_RETRY])(cap)):
        wrong = fragments.split(whole, lab.o.csb_id, SIZE, cookie)
        lab.to_a(wrong[:-1])
        seen.add(is_dropped(lab, wrong[-1:]))
    return "; ".join(sorted(seen))


@scene("CAP in FRAGMENTs under another CSB ID", "§3.6")
def _(mode):
    lab = OurA((mode,))
    cap = lab.open()[0]
    cookie = _cookie(lab, fragments.split(cap, 9, SIZE))
    parts = fragments.split(cap, 9, SIZE, cookie)
    lab.to_a(parts[:-1])
    return is_dropped(lab, parts[-1:], "malformed")


# to our Offerer

@scene("answer in FRAGMENTs whose hash is wrong", "§3.6")
def _(mode):
    lab = OurO((mode,))
    answer = lab.to_a(lab.open())[0]
    wrong = fragments.split(edits.flipped(answer, 8 * len(answer) - 1), lab.o.csb_id, SMALL)
    hash_ = H(answer)[:16]
    wrong = [_fragment(lab.o.csb_id, replace(message.decode(p).one(Fragment), hash=hash_)) for p in wrong]
    lab.to_o(wrong[:-1])
    seen = dropped_by_o(lab, wrong[-1:], "authentication_failed")
    lab.now += 1
    goes_on(lab, fragments.split(answer, lab.o.csb_id, SMALL))
    return seen


@scene("FRAGMENTs of other messages to O, all the time", "§3.6")
def _(mode):
    lab = OurO((mode,))
    answer = fragments.split(lab.to_a(lab.open())[0], lab.o.csb_id, SMALL)
    for _ in range(4):
        lab.to_o(_of_others(lab, range(8)))
        lab.now += 0.4
    for part in answer[:-1]:
        lab.to_o([part] + _of_others(lab, range(3)))
    goes_on(lab, answer[-1:])
    return "taken beside them"


@scene("FRAGMENTs of odd form, to O", "§3.6")
def _(mode):
    lab = OurO((mode,))
    answer = lab.to_a(lab.open())
    odd = [_fragment(lab.o.csb_id, Fragment(bytes(16), 2, 2, b"x")), _fragment(lab.o.csb_id, Fragment(bytes(16), 0, 1, b"x")),
           _fragment(lab.o.csb_id, Fragment(bytes(16), 0, 9, b"x")), _fragment(lab.o.csb_id, Fragment(bytes(16), 0, 2, b"")),
           _fragment(lab.o.csb_id, Fragment(bytes(16), 0, 2, b"x"), b"cookie")]
    seen = {dropped_by_o(lab, [octets]) for octets in odd}
    goes_on(lab, answer)
    return "; ".join(sorted(seen))


@scene("FRAGMENT in FRAGMENTs", "§3.6")
def _(mode):
    lab = OurO((mode,))
    answer = lab.to_a(lab.open())[0]
    inner = fragments.split(answer, lab.o.csb_id, SMALL)[0]
    outer = fragments.split(inner, lab.o.csb_id, 100)
    lab.to_o(outer[:-1])
    seen = dropped_by_o(lab, outer[-1:])
    lab.now += 1
    goes_on(lab, [answer])
    return seen


@scene("FRAGMENTs under another CSB ID", "§3.6")
def _(mode):
    lab = OurO((mode,))
    answer = lab.to_a(lab.open())[0]
    seen = dropped_by_o(lab, fragments.split(answer, lab.o.csb_id ^ 1, SMALL), "wrong_csb")
    goes_on(lab, [answer])
    return seen
