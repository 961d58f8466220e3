# SPDX-License-Identifier: Apache-2.0
"""§7, §10: a member between joins: it asks for the keys that it misses, acknowledges what came, and leaves."""
from . import message
from .payloads import T
from .report import ACKNOWLEDGE, ANSWER_TIME, MISSING, build_report, take_keys
from .tables import *

FOLD_MAX = 16


class Member:
    """What a join has left. Its time and its datagrams are the driver's."""

    def __init__(self, random, r, joined):
        """joined: the Offerer."""
        self.random, self.r, self.me, self.uri = random, r, joined.party.identity, joined.plan.peer
        self.encr = joined.choice.list(T_ENCR)[0]
        self.t = self.keys_t = 0
        self.missing_at, self.fold = None, 1
        self.asked = self.sent_at = None  # the REPORT whose answer is awaited
        self.kind = None
        self._take_over(joined.content)

    def _take_over(self, got):
        state = got.member_state
        number = lambda at: int.from_bytes(state[at : at + 4], "big")
        self.content, self.csb_id, self.domain = got, got.csb_id, got.msk_states[0][:3]
        self.newest = max(s[3:7] for s in got.msk_states)
        self.tree_id, self.epoch, self.last_rekey = state[:8], number(8), number(12)
        self.window = number(26) / 1000
        self.t, self.keys_t = max(self.t, number(30)), max(self.keys_t, number(34))

    # asking

    def build(self, kind, **more):
        self.t += 1
        return build_report(self.random, self.r, self.me, self.uri, (self.domain, self.newest), self.csb_id, self.t, kind, self.tree_id,
                            self.epoch, self.last_rekey, self.newest, 5, **more)

    def ask(self, now, kind=MISSING, **more):
        self.asked, self.sent_at, self.kind = self.build(kind, **more), now, kind
        return self.asked

    def miss(self, now):
        """Something is missing, as the keys of a join whose finish nobody answered may be."""
        if self.missing_at is None:
            self.fold = 1
            self._plan(now)

    def _plan(self, now):
        self.missing_at = now + self.random.fraction() * self.window * self.fold
        self.fold = min(2 * self.fold, FOLD_MAX)

    def timer(self, now):
        """REPORT `missing`, when it is due: until it is cured, each time in a window twice as long."""
        if self.missing_at is None or now < self.missing_at:
            return None
        self._plan(now)
        return self.ask(now)

    # what comes

    def receive(self, now, octets):
        """The acknowledgement of these KEYS, or None; what is refused raises."""
        is_unasked = message.decode(octets).one(T) is not None
        ago = now - self.sent_at if self.asked else ANSWER_TIME
        got = take_keys(octets, self.r, self.csb_id, self.encr, self.asked, self.keys_t, ago)
        if is_unasked:
            self.keys_t = message.decode(octets).one(T).value
        else:
            self.asked = None  # one answer to a REPORT
        if not got.msks():
            return None
        self._take_over(got)
        self.cured()
        return self.ask(now, ACKNOWLEDGE, told_by=octets)

    def cured(self):
        self.missing_at = None
        if self.kind == MISSING:
            self.asked = None
