# SPDX-License-Identifier: Apache-2.0
"""mikeyv2.lab.Lab with our machine as one end of it."""
from mikeyv2.lab import A_ADDRESS, ALICE, BOB, GROUP_URI, KEYS, Lab
from mikeyv2.message import decode
from mikeyv2.party import Event, untwisted
from mikeyv2.tables import *

from .target import OurAnswerer, OurOfferer


class OurLab(Lab):
    target = None  # set before the first use

    def __init__(self, modes, join=False, **options):
        if RSA in modes:  # certificates by hash: theirs would not fit into a datagram
            theirs = KEYS.controller[S_ED25519] if join else KEYS.bob[S_RSA_PSS]
            options.setdefault("known", ({GROUP_URI if join else BOB: theirs.chain}, {ALICE: KEYS.alice[S_RSA_PSS].chain}))
            for side in "oa":
                options[side] = {"show": "chash", **(options.get(side) or {})}
        super().__init__(modes, join, **options)

    def dropped(self):
        return [e.value.reason for e in self.events if e.name == "dropped"]

    def since(self, before):
        """Names of the events since that many."""
        return [e.name for e in self.events[before:]]


class OurA(OurLab):
    """The Python peer is O. entitled, tree_keys, capacity: what our directory says and gives; tickets: `kept` or `sealed`."""

    def __init__(self, modes, join=False, entitled=True, tree_keys=0, capacity=64, tickets="", uses_v=True, **options):
        if EARLY_DH in modes:  # mode 3, which it implies, would do without FRESH
            options["a"] = {"modes": modes, **(options.get("a") or {})}
        super().__init__(modes, join, **options)
        self.a = OurAnswerer(self.target, self.bob, entitled, tree_keys, capacity, tickets, uses_v=uses_v)
        if EARLY_DH in modes and "fresh" not in (options.get("plan") or {}):
            self._get_fresh()

    def _get_fresh(self):
        """By RETRY, with an exchange that is left at that."""
        twist, size, self.o_twist, self.plan.rand_size, self.plan.fresh = self.o_twist, self.plan.rand_size, untwisted, 32, b"-" * 16
        self.again()
        retry = self.to_a(self.open(), ("192.0.2.99", 1))
        self.plan.fresh, self.plan.rand_size, self.o_twist, self.events = decode(retry[0]).caps[T_FRESH], size, twist, []
        self.again()

    def is_hint(self, said):
        """ERROR 8, what whoever does not show its certificate hears unless SIGN proves it (§6 rule 4)."""
        is_shown = self.alice.policy.show == "cert"
        return not is_shown and self.a.told["status"] == "unknown_key" and [d[1] for d in said] == [DT_ERROR]

    @property
    def a_said(self):
        return self.a.said

    def their_keys(self):
        """As ours are told: key and salt by CS ID."""
        return {str(s.cs_id): (s.key + s.salt).hex() for s in self.o.sessions or []}


class OurO(OurLab):
    """The Python peer is A."""

    def again(self):
        self.o = OurOfferer(self.target, self.alice, self.plan, self.plan.modes, A_ADDRESS)
        return self.o

    def their_keys(self):
        verified = [e.value for e in self.events if isinstance(e, Event) and e.name == "verified"]
        return {str(s.cs_id): (s.key + s.salt).hex() for s in verified[-1]} if verified and isinstance(verified[-1], list) else {}

    def forget(self):
        """A answers the same CAP anew, and honestly."""
        self.a.twist = untwisted
        self.a.entries.clear()
        self.a.fresh.answered.clear()
