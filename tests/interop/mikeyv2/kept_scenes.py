# SPDX-License-Identifier: Apache-2.0
"""Scenes of what A keeps: its exchanges, whose place goes to others, and certificates."""
from . import edits, message
from .certificates import Credentials
from .lab import *
from .payloads import *
from .scenes import ELSEWHERE, resumable, scene
from .tables import *


@scene("the 17th exchange of one address: with a cookie the oldest without finish goes, else none", "§2")
def _():
    lab = Lab((PSK,))
    said, opened, kept = [], [], []
    for _ in range(18):
        lab.again()
        answer = lab.to_a(lab.open())
        said.append(answer[0][1])
        opened.append(lab.o.rand_i)
        kept.append([e.cap.rand(ROLE_O) for e in lab.a.entries.values()])
        if answer[0][1] == DT_RETRY:
            lab.to_a(lab.to_o(answer))
    left = [e.cap.rand(ROLE_O) for e in lab.a.entries.values()]
    return said == [DT_PSK_RESP] * 16 + [DT_RETRY] * 2 and kept[16] == opened[:16] and left == opened[2:], said


@scene("the 17th exchange that an identity finishes: the oldest goes", "§2")
def _():
    lab = Lab((PSK,))
    done = []
    for i in range(17):
        lab.again()
        at = ("192.0.2.7", i)
        cap = lab.open()
        done.append((at, lab.to_o(lab.to_a(cap, at))[0]))
        lab.to_a([done[-1][1]], at)
        lab.now += 0.1
    said = [len(lab.to_a([finish], at)) for at, finish in done]
    return said == [0] + [1] * 16 and len(lab.a.entries) == 16, said


@scene("a copy of a CAP with a ticket, from elsewhere: one answer", "§11")
def _():
    lab = resumable()
    cap = lab.open()
    first = lab.to_a(cap, ELSEWHERE)
    same = lab.to_a(cap) == first
    lab.to_o(lab.to_a(lab.to_o(first)))
    return same and lab.o.state == "done", lab.dropped()


@scene("whose certificate A has, asked without its key", "§6")
def _():
    said = set()
    alice = KEYS.alice[S_ED25519]
    unsigned = lambda point, v: edits.removed(Sign)(v) if point == "cap.payloads" else v
    for known in ({}, {ALICE: alice.chain}):
        for show in ("chash", "none"):
            for private, twist in ((alice.private, unsigned), (KEYS.mallory[S_ED25519].private, lambda point, v: v)):
                lab = Lab((DH,), o={"show": show}, known=({}, known), o_twist=twist)
                lab.alice.credentials = (Credentials(private, alice.chain),)
                lab.again()
                (hint,) = lab.to_a(lab.open())
                said.add((message.decode(hint).one(Err).number, len(hint)))
    return said == {(ERR_CERTIFICATE, len(hint))}, said
