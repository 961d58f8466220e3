# SPDX-License-Identifier: Apache-2.0
"""The checker of invariants for a run that goes on: after each fault, over all that the run has left until
then. `prove` of invariants.py ends it, as it ends every run."""

import concurrent.futures
import contextlib
import time

import audit_chain
from evidence import Evidence, ledger
from invariants import INVARIANTS, elsewhere, judge, report


WAITS = 30  # seconds, for a key to be wiped
TRIES = 5


def again(ask, *signs):
    for left in reversed(range(TRIES)):
        try:
            return ask()
        except AssertionError as problem:
            if not left or not any(sign in str(problem) for sign in signs):
                raise


class Ongoing(Evidence):
    """Taken again and again. What recordings and audit log had before is not read anew, and the store is
    not checked: the start behind a fault has read all of it."""

    def __init__(self, site):
        super().__init__(site, site.ctl)
        self.chain = audit_chain.Chain()
        self.begin()
        # One for all, open until the end.
        self.out = super().forging_socket()

    @contextlib.contextmanager
    def forging_socket(self):
        yield self.out

    def begin(self):
        self.book = ledger.Ledger({})
        self.known = {}    # recording -> how many of its datagrams the book has
        self.read = set()  # octets of messages in it

    def take(self):
        """Of programs that are all there; nothing is stopped."""
        self.blobs, self.on_air = [], {}
        with concurrent.futures.ThreadPoolExecutor(2) as beside:
            channels, others = beside.submit(self.list_channels), beside.submit(self.list_others)
            self.look_at_the_living()
            channels.result()
            below = beside.submit(self.list_below_with, others)
            self.take_memory()
            below.result()
        self.ask_receivers()
        if "after" not in self.descriptors:
            self.measure("after")
        self.read_recordings()
        return self

    def list_below_with(self, others):
        others.result()
        self.list_below()

    def export_audit(self):
        """The read that fails may be one of these: it is told so, and the next one finds what is there."""
        return again(super().export_audit, "[io]", "[unavailable]")

    def listing(self, kind, *of):
        """What waits behind a commit that fails is told to ask again."""
        return again(lambda: super(Ongoing, self).listing(kind, *of), "[unavailable]")

    def verify_audit(self):
        self.verified = self.chain.wrong(self.audit)

    def read_recordings(self):
        records = self.recordings()
        self.read_new(records)
        if self.book.counts["mtk_messages_without_msk"] + self.book.counts["packets_without_key"]:
            self.begin()  # something came before its key
            self.read_new(records)
        self.read_logs(records)

    def read_new(self, records):
        self.book.user_keys.update(self.users())
        self.book.read(lambda on_cut: self.new_of(records, on_cut), lambda: None)

    def new_of(self, records, on_cut):
        for record, octets in records.items():
            found = list(self.datagrams(octets, on_cut))
            new = found[self.known.get(record, 0):]
            self.known[record] = len(found)
            yield (datagram for datagram in new if datagram.octets not in self.read)
            self.read.update(datagram.octets for datagram in new)


class Proofs:
    """Of one site; `steady` as it is for `prove`."""

    def __init__(self, site, steady=False):
        self.evidence, self.is_steady = Ongoing(site), steady
        self.close = self.evidence.out.close
        self.forgers = {self.evidence.forger}  # for the proof at the end
        self.count, self.proven = 0, dict.fromkeys(INVARIANTS, 0)

    def after(self, *faults):
        rows, crashes = judge(self.evidence.take(), self.is_steady)
        until = time.monotonic() + WAITS
        while {row[0] for row in rows if row[2]} == {"I16"} and not crashes and time.monotonic() < until:
            # A key that is over may wait for the next tick: one that stays is found again.
            time.sleep(1)
            rows, crashes = judge(self.evidence.take(), self.is_steady)
        if crashes or any(wrong for _, _, wrong in rows):
            print(f"after {' and '.join(faults)}:")
            report(rows, crashes)
        self.count += 1
        for invariant in self.proven.keys() - elsewhere(rows):
            self.proven[invariant] += 1

    def tell(self):
        """In how many of them each was proven by the run itself."""
        print(f"{self.count} proofs before this one: "
              + " ".join(f"{name} {count}" for name, count in self.proven.items()))
