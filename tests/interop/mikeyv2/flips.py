# SPDX-License-Identifier: Apache-2.0
"""Every flipped bit of CAP, answer, finish and KEYS is dropped or changes nothing."""
from .edits import flipped
from .lab import A_ADDRESS, ALICE, BOB, GROUP_URI, KEYS, O_ADDRESS, Lab
from .message import decode
from .party import Event
from .payloads import V
from .tables import *


def lab_for(mode, join):
    """The messages of it are single datagrams: RSA shows hashes of certificates."""
    if mode != RSA:
        return Lab((mode,), join)
    theirs = KEYS.controller[S_ED25519] if join else KEYS.bob[S_RSA_PSS]
    known = {GROUP_URI if join else BOB: theirs.chain}, {ALICE: KEYS.alice[S_RSA_PSS].chain}
    return Lab((mode,), join, o={"show": "chash"}, a={"show": "chash"}, known=known)


def _state_a(a):
    return ([(k, e.answer, e.finish, e.reply, e.address, e.sent) for k, e in a.entries.items()], dict(a.fresh.answered),
            dict(a.party.sealer.spent) if a.party.sealer else None)


def _state_o(o):
    return o.state, o.answer, o.finish, o.sessions, o.content, o.next_timer, len(o.caps_sent), list(o.retries)


def _harmless(action):
    """Dropped, or a hint (§2): an ERROR without proof."""
    return action.name in ("dropped", "hint") if isinstance(action, Event) else not decode(action.octets).one(V)


def check(mode, join, step):
    """(bits flipped, what went wrong). step 1 flips every bit, 8 one of each octet, another one in each."""
    lab, wrong, count = lab_for(mode, join), [], 0
    datagram = lab.open()[0]
    for turn, name in enumerate(("CAP", "answer", "finish", "KEYS")):
        to_a = turn % 2 == 0
        machine, address = (lab.a, O_ADDRESS) if to_a else (lab.o, A_ADDRESS)
        state = _state_a if to_a else _state_o
        before = state(machine)
        for bit in range(0, 8 * len(datagram), step):
            bit += (bit // 8 * 5) % 8 if step == 8 else 0
            actions = machine.receive(lab.now, address, flipped(datagram, bit))
            count += 1
            if state(machine) != before or any(not _harmless(x) for x in actions):
                wrong.append((name, bit, actions))
                if len(wrong) > 5:
                    return count, wrong
        out = lab.log(machine.receive(lab.now, address, datagram))
        if turn < 3:
            datagram = out[0]
    if lab.o.state != "done" or "verified" not in lab.names():
        wrong.append(("end", lab.o.state, lab.names()))
    return count, wrong
