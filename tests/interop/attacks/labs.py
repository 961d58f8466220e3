# SPDX-License-Identifier: Apache-2.0
"""mikeyv2.lab.Lab with our machine as one end of it."""
from mikeyv2.lab import A_ADDRESS, Lab
from mikeyv2.party import Event

from .target import OurAnswerer, OurOfferer


class OurLab(Lab):
    target = None  # set before the first use

    def dropped(self):
        return [e.value.reason for e in self.events if e.name == "dropped"]

    def since(self, before):
        """Names of the events since that many."""
        return [e.name for e in self.events[before:]]


class OurA(OurLab):
    """The Python peer is O. entitled, tree_keys, capacity: what our directory says and gives."""

    def __init__(self, modes, join=False, entitled=True, tree_keys=0, capacity=64, **options):
        super().__init__(modes, join, **options)
        self.a = OurAnswerer(self.target, self.bob.policy, entitled, tree_keys, capacity)

    @property
    def a_said(self):
        return self.a.said

    def their_keys(self):
        """As ours are told: key and salt by CS ID."""
        return {str(s.cs_id): (s.key + s.salt).hex() for s in self.o.sessions or []}


class OurO(OurLab):
    """The Python peer is A."""

    def again(self):
        self.o = OurOfferer(self.target, self.alice.policy, self.plan, self.plan.modes, A_ADDRESS)
        return self.o

    def their_keys(self):
        verified = [e.value for e in self.events if isinstance(e, Event) and e.name == "verified"]
        return {str(s.cs_id): (s.key + s.salt).hex() for s in verified[-1]} if verified and isinstance(verified[-1], list) else {}

    def forget(self):
        """A answers the same CAP anew, and honestly."""
        from mikeyv2.party import untwisted
        self.a.twist = untwisted
        self.a.entries.clear()
