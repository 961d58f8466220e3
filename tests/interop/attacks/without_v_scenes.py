# SPDX-License-Identifier: Apache-2.0
"""Our Answerer where V is switched off for the modes by pre-shared key (§1, §7)."""
from mikeyv2 import edits
from mikeyv2.payloads import *
from mikeyv2.tables import *

from .labs import OurA
from .rows import expect
from .scenes import keys_come_late, scene

BY_PSK = {PSK, DHHMAC, EARLY_DHHMAC}


def without_v(mode, join):
    return OurA((mode,), join, uses_v=False, o_twist=lambda point, v: edits.removed(V)(v) if point == "cap.payloads" else v)


@scene("no group key without a proof of the mode: PSK without V", "§1", BY_PSK, "Offerer")
def _(mode):
    return keys_come_late(without_v(mode, True))


@scene("who is nobody, without V: is answered as a member is", "§7", BY_PSK, "Offerer")
def _(mode):
    members = without_v(mode, False)
    answer = members.to_a(members.open())
    lab = without_v(mode, False)
    who = lab.alice.identity
    lab.alice.identity = type(who)(who.type, who.value[::-1])
    decoy = lab.to_a(lab.open())
    expect([len(d) for d in decoy] == [len(d) for d in answer], f"{len(decoy)} answers to nobody, of another length: {lab.a.told}")
    expect(not lab.to_o(decoy), "its MAC is good")
    return "a decoy"
