# SPDX-License-Identifier: Apache-2.0
"""Runs one row of the peer's table of misbehaviours against our machine: it must refuse what is done to it, change nothing by it, and
finish the exchange with who behaves."""
from dataclasses import replace

from mikeyv2 import misbehave
from mikeyv2.lab import Lab
from mikeyv2.octets import Refused
from mikeyv2.party import untwisted
from mikeyv2.tables import *

from .labs import OurA, OurO


class Accepted(Exception):
    """Our machine did what it must not do, or not what it must."""


class NotDone(Exception):
    """The peer cannot misbehave so: the answer does not fit in a datagram, or has no such part in this mode."""


def expect(condition, what):
    if not condition:
        raise Accepted(what)


def cases(table, spoken, every_mode=True):
    """(row, with one set of modes) that our machines have. What the table has for mode 1 alone is run in the other modes as well, what it
    has for mode 3 alone in those by certificate, where the peer refuses it there."""
    for m in table:
        if not set(m.modes) <= spoken:
            continue
        yield m
        others = {(PSK,): spoken - {PSK}, (DH,): spoken & {RSA, EARLY_DH}}.get(m.modes, ())
        if not every_mode or "modes" in m.lab.get("a", {}):
            continue
        for mode in sorted(others):
            other = replace(m, modes=(mode,))
            if _is_refused_by_peer(other):
                yield other


def _is_refused_by_peer(m):
    try:
        return misbehave.run(m, Lab)[0]
    except (AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError, Refused):
        return False  # the change has nothing to change there


# Behind what was cut the octets of a signature are read, or of something enciphered: they decide which rule of form sees it first.
_BY_CHANCE = {"truncated MAC of KEMAC"}
_OF_FORM = {"dropped: " + word for word in ("truncated", "trailing_octets", "payload_missing", "payload_unexpected", "malformed")}


def run(m):
    """What our machine did, in a few words. Accepted when it is wrong."""
    outcome = _run(m)
    return "dropped, by a rule of form" if m.name in _BY_CHANCE and outcome in _OF_FORM else outcome


def _run(m):
    options = dict(m.lab)
    load, join = options.pop("load", False), options.pop("join", False)
    if m.by == "A":
        lab = OurO(m.modes, join, a_twist=misbehave.twist(m), **options)
        lab.a.load = load
        return _of_a(m, lab)
    if m.by == "O":
        options["o_twist"] = misbehave.twist(m)
    lab = OurA(m.modes, join, **options)
    lab.a.load = load
    return _of_o(m, lab)


def finishes(lab):
    """Both ends get there, with the same keys."""
    lab.o.twist = untwisted
    lab.run()
    expect(lab.o.state == "done", "an honest exchange ends with " + str(lab.names()[-3:]))


# the peer, or the network, is O

def _of_o(m, lab):
    cap = lab.open()
    if m.by == "wire":
        honest, cap = cap, [m.change(d) for d in cap]
        expect(cap != honest, "the change changes nothing")
    said = lab.to_a(cap)
    if m.honest != "retry" and [d[1] for d in said] == [DT_RETRY]:  # what is too long for who has proved nothing
        said = lab.to_a(lab.to_o(said))
    told = lab.a.told
    if m.honest in ("retry", "error"):
        return _told_so(m, lab, said)
    if m.honest == "ignores":
        lab.to_o(lab.to_a(lab.to_o(said)))
        expect(lab.o.state == "done", f"ended in {lab.o.state}: {told}")
        return "taken as if it were not there"
    if m.point.startswith("finish"):
        return _finish(lab, lab.to_o(said))
    is_hint = lab.is_hint(said)
    expect((is_hint or not said) and told["status"] != "ok" and not told["event"], f"answered: {told}")
    lab.o_twist, lab.plan.rand_size = untwisted, 32
    lab.again()
    finishes(lab)
    return "ERROR 8, a hint" if is_hint else "dropped: " + told["status"]


def _told_so(m, lab, said):
    kind = DT_RETRY if m.honest == "retry" else DT_ERROR
    expect([d[1] for d in said] == [kind] and not lab.a.told["event"], f"said {[d[1] for d in said]}: {lab.a.told}")
    lab.to_o(said)
    if kind == DT_RETRY:
        return "RETRY"
    expect(lab.o.state == "failed", "the ERROR has no proof")
    return "ERROR"


def _finish(lab, finish):
    said, told = lab.to_a(finish), lab.a.told
    expect(finish and not said and told["status"] != "ok" and not told["event"], f"took the finish: {told}")
    lab.o.twist = untwisted
    lab.o.finish = lab.o._finish()
    lab.to_o(lab.to_a([lab.o.finish]))
    expect(lab.o.state == "done", f"an honest finish gets {lab.a.told}")
    return "dropped: " + told["status"]


# the peer is A

def _of_a(m, lab):
    cap = lab.open()
    said = lab.to_a(cap)
    if not said:
        raise NotDone()
    if not m.point.startswith("retry") and [d[1] for d in said] == [DT_RETRY]:
        said = lab.to_a(lab.to_o(said))
    finish = lab.to_o(said)
    if m.honest == "ignores":
        lab.to_o(lab.to_a(finish))
        expect(lab.o.state == "done", f"ended in {lab.o.told}")
        return "taken as if it were not there"
    if m.point.startswith(("answer", "retry")):
        return _answer(lab, finish)
    said = lab.to_a(finish)
    if not said or said[0][1] != DT_KEYS:
        raise NotDone()
    return _keys(lab, said)


def _answer(lab, finish):
    told = lab.o.told
    expect(not finish and told["state"] == "offered" and not told["has_keys"] and not lab.o.keys and told["status"] != "ok",
           f"took the answer: {told}")
    lab.forget()
    said = lab.to_a([lab.o.caps_sent[-1]])
    if [d[1] for d in said] == [DT_RETRY]:
        said = lab.to_a(lab.to_o(said))
    lab.to_o(lab.to_a(lab.to_o(said)))
    expect(lab.o.state == "done" and lab.o.keys, f"an honest answer gets {lab.o.told}")
    return "dropped: " + told["status"]


def _keys(lab, keys):
    before = lab.o.keys
    lab.to_o(keys)
    told = lab.o.told
    expect(told["state"] == "answered" and told["status"] != "ok" and lab.o.keys == before, f"took KEYS: {told}")
    entry = next(iter(lab.a.entries.values()))
    lab.a.twist = untwisted
    entry.reply, _ = lab.a._reply(lab.now, entry)
    lab.to_o([entry.reply])
    expect(lab.o.state == "done" and lab.o.keys, f"honest KEYS get {lab.o.told}")
    return "dropped: " + told["status"]
