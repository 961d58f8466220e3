# SPDX-License-Identifier: Apache-2.0
"""CAPs that are not what a description told of them, at our Answerer of a session by SDP (§12)."""
from mikeyv2 import message
from mikeyv2.capabilities import Capabilities
from mikeyv2.lab import KEYS
from mikeyv2.prf import H
from mikeyv2.tables import *

from .labs import OurA
from .rows import expect
from .scenes import EVERY, is_dropped, kinds, scene
from .target import OurAnswerer

SESSION = b"s" * 16
IN_SDP = EVERY - {EARLY_DH}  # whose FRESH no RETRY brings
BY_PSK = {PSK, DHHMAC, EARLY_DHHMAC}
UNTOLD = {T_COOKIE, T_FRESH, T_TICKET}


def described(mode, said=SESSION, told=None, fingerprint=b""):
    """(lab, CAP): our A has a description with SESSION and that fingerprint; its capabilities are those of CAP, which has the session
    `said`, but for what `told` gives."""
    lab = OurA((mode,), plan={"session": said})
    cap = lab.open()
    caps = {t: v for t, v in message.decode(cap[0]).caps.items() if t not in UNTOLD}
    tlvs = Capabilities({**caps, T_SESSION: SESSION, **(told(caps) if told else {})}).encode()
    lab.a = OurAnswerer(lab.target, lab.bob, sdp={
        "session": SESSION.hex(), "capabilities": tlvs.hex(), "fingerprint": fingerprint.hex(),
        "profile": lab.bob.policy.profiles[0], "streams": len(lab.plan.streams)})
    return lab, cap


def fingerprint_of(mode):
    return H(KEYS.alice[S_RSA_PSS if mode == RSA else S_ED25519].chain[0])


def answers_as_described(mode):
    """It is the change that is refused."""
    lab, cap = described(mode, fingerprint=b"" if mode in BY_PSK else fingerprint_of(mode))
    expect(kinds(lab.to_a(cap))[0] in ANSWERS, f"no answer to begin with: {lab.a.told}")


def has_no_answer(lab, cap):
    said = lab.to_a(cap)
    expect(kinds(said) in ([], [DT_ERROR]), f"said {kinds(said)}: {lab.a.told}")
    return "no answer"


@scene("CAP without session, where a description has one", "§12", IN_SDP, "Offerer")
def _(mode):
    answers_as_described(mode)
    return is_dropped(*described(mode, said=None))


@scene("CAP of another session than the description's", "§12", IN_SDP, "Offerer")
def _(mode):
    return is_dropped(*described(mode, said=b"t" * 16))


@scene("CAP that offers less than its description", "§12", IN_SDP, "Offerer")
def _(mode):
    lab, cap = described(mode, told=lambda caps: {T_MODES: caps[T_MODES] + bytes([EARLY_DH])})
    said = lab.to_a(cap)
    expect(kinds(said) == [DT_ERROR], f"said {kinds(said)}: {lab.a.told}")
    return "ERROR"


@scene("CAP by the pre-shared key, where a description tells a certificate", "§12", BY_PSK, "Offerer")
def _(mode):
    return has_no_answer(*described(mode, fingerprint=bytes(32)))


@scene("CAP by another certificate than its description's", "§12", IN_SDP - BY_PSK, "Offerer")
def _(mode):
    return has_no_answer(*described(mode, fingerprint=bytes(32)))
