# SPDX-License-Identifier: Apache-2.0
"""Our Bob opens to Alice, while somebody opens to our Bob: whose exchange gives way (§2)."""
from mikeyv2.answerer import Answerer
from mikeyv2.lab import A_ADDRESS, BOB, KEYS, MALLORY, PSK_AB
from mikeyv2.offerer import Plan
from mikeyv2.randomness import Seeded
from mikeyv2.tables import *

from .labs import OurA
from .rows import expect
from .scenes import scene
from .target import OurOfferer

SESSION, ANOTHER = b"s" * 16, b"t" * 16


class Both:
    """The peer has both parts of Alice; lab is of what she opens."""

    def __init__(self, mode, session=None):
        self.lab = OurA((mode,), plan={"session": session})
        alice = self.lab.alice
        alice.psks = {BOB: PSK_AB}
        self.theirs = Answerer(alice, Seeded("alice"))
        plan = Plan(A_ADDRESS, alice.identity, (mode,), session=SESSION if session else None)
        self.ours = OurOfferer(self.lab.target, self.lab.bob, plan, (mode,), A_ADDRESS, is_bob=True)

    def open(self, is_lesser):
        """Ours opens; CAP of the peer's, whose RANDi is lesser than ours, or greater."""
        self.cap = self.lab.log(self.ours.open(self.lab.now))
        while True:
            self.lab.again()
            cap = self.lab.open()
            if (self.lab.o.rand_i < self.ours.rand_i) == is_lesser:
                return cap

    def finish(self, cap):
        """The peer's exchange goes to its end."""
        self.lab.to_o(self.lab.to_a(self.lab.to_o(self.lab.to_a(cap))))

    def is_not_moved(self):
        """Ours waits for its answer still, whoever has verified beside it, and goes to its end."""
        expect(self.ours.look() == "offered", f"ours is {self.ours.told}")
        self.goes_on()
        return "does not give way"

    def ends_beside(self):
        """Another exchange goes to its end, with a lesser RANDi."""
        self.finish(self.open(is_lesser=True))
        expect(self.lab.o.state == "done", f"the other one gets {self.lab.a.told}")

    def goes_on(self):
        """Ours goes to its end."""
        said = self.cap
        while said:
            said = self.lab.log([a for d in said for a in self.theirs.receive(self.lab.now, A_ADDRESS, d)])
            said = self.lab.log([a for d in said for a in self.ours.receive(self.lab.now, A_ADDRESS, d)])
        expect(self.ours.state == "done", f"ours ended in {self.ours.told}")


@scene("both open at once: the greater RANDi gives way to who has verified", "§2", {PSK}, "Offerer")
def _(mode):
    both = Both(mode)
    both.finish(both.open(is_lesser=True))
    expect(both.ours.look() not in ("offered", "answered"), f"ours is still {both.ours.told}")
    return "gives way"


@scene("somebody else opens and verifies at once, with a lesser RANDi", "§2", {DH}, "Offerer")
def _(mode):
    both = Both(mode)
    both.lab.alice.identity, honest = MALLORY, both.lab.alice.identity
    both.lab.alice.credentials = (KEYS.mallory[S_ED25519],)
    both.ends_beside()
    both.lab.alice.identity, both.lab.alice.credentials = honest, (KEYS.alice[S_ED25519],)
    return both.is_not_moved()


@scene("another session is opened and verified at once, with a lesser RANDi", "§2", {PSK}, "Offerer")
def _(mode):
    both = Both(mode, ANOTHER)
    both.ends_beside()
    return both.is_not_moved()


@scene("a CAP at once, with a lesser RANDi, that nobody finishes", "§2", {PSK}, "network")
def _(mode):
    both = Both(mode)
    both.lab.to_a(both.open(is_lesser=True))
    return both.is_not_moved()


@scene("both open at once: a greater RANDi that verifies behind our answer", "§2", {PSK}, "Offerer")
def _(mode):
    both = Both(mode)
    finish = both.lab.to_o(both.lab.to_a(both.open(is_lesser=False)))
    both.goes_on()
    said = both.lab.to_a(finish)
    expect(not said and not both.lab.a.told["event"], f"took it: {both.lab.a.told}")
    return "dropped: " + both.lab.a.told["status"]


@scene("an exchange that has ended before ours began, with a greater RANDi", "§2", {PSK})
def _(mode):
    both = Both(mode)
    finish = both.lab.to_o(both.lab.to_a(both.lab.open()))
    keys = both.lab.to_a(finish)
    expect(keys, f"no exchange to begin with: {both.lab.a.told}")
    while True:
        both.lab.now += 1 / 16
        both.cap = both.lab.log(both.ours.open(both.lab.now))
        if both.ours.rand_i < both.lab.o.rand_i:
            break
    both.goes_on()
    expect(both.lab.to_a(finish) == keys, f"it is forgotten: {both.lab.a.told}")
    return "does not give way"
