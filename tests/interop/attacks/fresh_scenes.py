# SPDX-License-Identifier: Apache-2.0
"""Recorded CAPs of members that have left, at our Answerer (§8)."""
from mikeyv2.tables import *

from .labs import OurA
from .rows import expect, finishes
from .scenes import kinds, scene

AT_ONCE = {PSK, EARLY_DHHMAC}  # group keys are in the answer


def _asks_for_fresh(lab, cap):
    said = lab.to_a(cap)
    expect(kinds(said) == [DT_RETRY], f"a recorded CAP gets {kinds(said)}: {lab.a.told}")
    lab.again()
    finishes(lab)
    return "RETRY"


@scene("recorded CAP of a member that has left", "§8", AT_ONCE)
def _(mode):
    lab = OurA((mode,), join=True)
    cap = lab.open()
    lab.to_o(lab.to_a(lab.to_o(lab.to_a(cap))))
    expect(lab.o.state == "done", "no join to begin with")
    lab.now += 31
    lab.a.set_leaves(1)
    return _asks_for_fresh(lab, cap)


@scene("recorded CAP of a member that has left, with FRESH from before", "§8", AT_ONCE)
def _(mode):
    lab = OurA((mode,), join=True)
    lab.a.set_leaves(1)
    retry = lab.to_a(lab.open())
    expect(kinds(retry) == [DT_RETRY], f"a CAP without FRESH gets {kinds(retry)}")
    held_back = lab.to_o(retry)
    lab.a.set_leaves(2)
    return _asks_for_fresh(lab, held_back)
