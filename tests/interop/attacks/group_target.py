# SPDX-License-Identifier: Apache-2.0
"""What of ours takes the messages of a group: each order begins it anew."""
from mikeyv2 import report
from mikeyv2.lab import A_ADDRESS, ALICE, NOW
from mikeyv2.randomness import Seeded

from .labs import OurLab
from .rows import expect

KEPT = ("tree_id", "epoch", "t", "key_id", "pending", "msk")  # what a refusal leaves as it was


class OurMember:
    """In the place of mikeyv2.group_rekey.Member. roots: tree update: root; `waits` for the keys of what is not among them."""

    def __init__(self, name, content, roots, waits=False):
        self.target = OurLab.target
        self.told = self.target.order("member", **name, **_learned(roots, waits), **_installed(content, True, NOW))
        expect(self.told["status"] == "ok", f"no member to begin with: {self.told}")

    def learn(self, roots, waits=False):
        self.target.order("learn", **_learned(roots, waits))

    def receive(self, now, octets):
        self.told, _ = self.target.exchange("rekey", now, A_ADDRESS, octets)
        return self.told

    def install(self, content, asked, asked_at=0):
        self.told = self.target.order("install", **_installed(content, asked, asked_at))
        return self.told

    def is_dropped(self, octets, reason=None, now=NOW):
        return self._changes_nothing(lambda: self.receive(now, octets), reason)

    def is_not_installed(self, content, asked, reason=None):
        return self._changes_nothing(lambda: self.install(content, asked), reason)

    def _changes_nothing(self, act, reason):
        before = {word: self.told[word] for word in KEPT}
        told = act()
        expect(told["status"] != "ok" and told["event"] == "none" and not told["is_missing"], f"took it: {told}")
        expect({word: told[word] for word in KEPT} == before, f"changed by it: {told}, from {before}")
        expect(reason in (None, told["status"]), f"another reason: {told}")
        return "dropped: " + told["status"]

    def takes(self, octets, event="applied", now=NOW):
        told = self.receive(now, octets)
        expect(told["status"] == "ok" and told["event"] == event, f"it is not {event}: {told}")


def _learned(roots, waits):
    return {"roots": {tree.hex(): root.hex() for tree, root in roots.items()}, "waits": waits}


def _installed(content, asked, asked_at):
    return {"content": content.encode().hex(), "asked": asked, "asked_at": asked_at}


class OurReporter:
    """Ours has joined at the peer, and takes the KEYS of mikeyv2.report.Controller."""

    def __init__(self, lab, r):
        self.target, self.lab, self.r, self.group = lab.target, lab, r, lab.group
        self.told = self.target.order("reporter", r=r.hex())
        expect(self.told["status"] == "ok", f"no member to begin with: {self.told}")
        self.controller = report.Controller(self.group, {ALICE: r}, {}, set(), {})

    def ask(self, kind=report.MISSING):
        """Its REPORT."""
        here = self.target.at(A_ADDRESS)
        self.target.order("ask", kind=kind, now=self.lab.now, to=here.getsockname()[1])
        return here.recv(65536)

    def cure(self):
        self.target.order("cure")

    def answer(self, octets, seed=9):
        return self.controller.receive(octets, Seeded(seed))

    def receive(self, octets):
        self.told, _ = self.target.exchange("keys", self.lab.now, A_ADDRESS, octets)
        return self.told

    def is_dropped(self, octets, reason=None, moves_t=False):
        """moves_t: it is of the controller, so that its T counts."""
        before = self.told["taken"], self.told["keys_t"]
        told = self.receive(octets)
        expect(told["status"] != "ok" and told["taken"] == before[0] and (moves_t or told["keys_t"] == before[1]), f"took them: {told}")
        expect(reason in (None, told["status"]), f"another reason: {told}")
        return "dropped: " + told["status"]

    def takes(self, octets):
        told = self.receive(octets)
        expect(told["status"] == "ok", f"honest KEYS get {told}")


class OurController:
    """Takes REPORTs of these members: name: R; and by these tickets."""

    def __init__(self, group, members, tickets=None, void=()):
        self.target, self.group = OurLab.target, group
        self.target.order("controller", domain=group.key_domain.hex(), key_group=int.from_bytes(group.key_group, "big"),
                          csb_id=group.csb_id, encr=group.encr, uri=group.uri.value.hex(),
                          members={who.value.decode(): r.hex() for who, r in members.items()},
                          tickets={ticket.hex(): r.hex() for ticket, r in (tickets or {}).items()}, void=[t.hex() for t in void])

    def receive(self, octets):
        self.told, said = self.target.exchange("report", NOW, A_ADDRESS, octets)
        return said

    def is_dropped(self, octets, reason=None):
        said, told = self.receive(octets), self.told
        expect(not said and told["status"] != "ok", f"took it: {told}")
        expect(reason in (None, told["status"]), f"another reason: {told}")
        return "dropped: " + told["status"]

    def takes(self, octets, r):
        said = self.receive(octets)
        expect(len(said) == 1, f"an honest REPORT gets {self.told}")
        report.take_keys(said[0], r, self.group.csb_id, self.group.encr, octets)
