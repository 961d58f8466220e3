# SPDX-License-Identifier: Apache-2.0
"""The checker that every fault test ends with, and some call after each fault (ongoing.py): `prove(site)` says for each invariant of the project how
this run proved it, or which test does where no run can, and fails when one is broken."""

import os
import pathlib
import re

import air_order
from canaries import in_clear, some
from evidence import Evidence

SOURCE = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"])
INVARIANTS = {
    "I1": "an MTK's ids name one key for ever",
    "I2": "no key meets an index, IV or nonce twice",
    "I3": "counters, epochs and sequences only rise",
    "I4": "who was expelled is given no later key",
    "I5": "acknowledged survives, the rest is all or nothing",
    "I6": "one writer an epoch",
    "I7": "each change of keys is due, and done once",
    "I8": "forgeries change nothing and get no answer",
    "I9": "no key lies anywhere in clear",
    "I10": "one audit record for each change",
    "I11": "memory and descriptors have a bound",
    "I12": "receivers come to hold the key on air",
    "I13": "messages read back as they are, or not at all",
    "I14": "the state is what was acknowledged",
    "I15": "one seed, one history",
    "I16": "no key outlives its use in memory",
}
# Where a test is that proves what artefacts of one run cannot, or cannot in runs without it.
TESTS = {
    "I1": ("tests/integration/kill9_test.py", "Kill9.test_campaign"),
    "I2": ("tests/integration/kill9_test.py", "Kill9.test_campaign"),
    "nonces": ("tests/unit/crypto/sealer_test.cc", "Sealer.NoncesDiffer"),
    "I4": ("tests/unit/controller/history_test.cc", "Histories.RepeatNothingAndServeWhoBelongs"),
    "I7": ("tests/integration/clock_test.py", "Clock.test_steps"),
    "I8": ("tests/integration/garbage_test.py", "Garbage.test_server"),
    "I10": ("tests/integration/kill9_test.py", "Kill9.test_campaign"),
    "I12": ("tests/integration/kill9_test.py", "Kill9.test_campaign"),
    "I13": ("tests/unit/mikey/message_test.cc", "Message.EveryPayloadReadsBack"),
    "I15": ("tests/unit/controller/history_test.cc", "Histories.WithOneSeedAreOneHistory"),
    "I16": ("tests/integration/memory_test.py", "Memory.test_keys_end_with_their_lives"),
}
# A few connections come and go; AddressSanitizer keeps what was freed for a while.
MORE_DESCRIPTORS = 16
MORE_MEMORY, MORE_MEMORY_SANITIZED = 64 << 20, 384 << 20
AWAY = "not of this run: "
CRASHES = (b"AddressSanitizer", b"runtime error:", b"terminate called", b"invariant broken:")


class Elsewhere(str):
    """Not proven by this run, but by the test of this key of TESTS."""


def name_of(key, tests=None, source=None):
    """The test's name, which must be there; one of integration must also be run."""
    file, name = (tests or TESTS)[key]
    source = source or SOURCE
    path, (suite, case) = source / file, name.split(".")
    text = path.read_text() if path.exists() else ""
    if path.suffix == ".py":
        program = path.name.removesuffix("_test.py")
        lists = (source / "tests/integration/CMakeLists.txt").read_text()
        found = (re.search(rf"^class {suite}\(", text, re.MULTILINE)
                 and re.search(rf"^    def {case}\(", text, re.MULTILINE)
                 and re.search(rf"^ *keymast_integration_test\({program} ", lists, re.MULTILINE))
        shown = f"integration.{program}"
    else:
        found = re.search(rf"^TEST(_F|_P)?\({suite}, {case}\)", text, re.MULTILINE)
        shown = f"unit.{path.parent.name}"
    assert found, f"{name} of {file} proves {key}, and is no more"
    return f"{shown} ({name})"


class Judge:
    """Each method returns how it is proven, and a list of what is wrong."""

    def __init__(self, evidence, is_steady):
        self.of = evidence
        self.is_steady = is_steady
        self.sent = air_order.sent_messages(evidence.sent, evidence.site.mikey_port)

    def unread(self):
        """What the captures hold and cannot be read hides any reuse; an MSK that went to nobody does not."""
        counts = self.of.book.counts
        delivered = {message.msk_id() for message, _, _ in self.sent if message.is_msk()}
        used = {message.msk_id() for message, _, _ in self.sent if message.is_mtk()}
        wrong = [f"{counts[name]} {name.replace('_', ' ')}" for name in
                 ("not_authentic", "packets_not_authentic", "packets_without_key", "unknown_messages",
                  "unknown_multicast_datagrams") if counts[name]]
        wrong += [f"MSK {name.hex()} was delivered, and could not be opened"
                  for name in sorted(used & delivered - set(self.of.book.msks))
                  if not counts["msk_messages_of_others"]]
        return wrong + self.of.book.violations

    def i1(self):
        counts = self.of.book.counts
        if not counts["mtk_messages"]:
            return Elsewhere("I1"), self.unread()
        return (f"captures: {counts['msks']} MSKs, {counts['mtks']} MTKs, {counts['mtk_messages']} MTK"
                " messages opened"), self.unread()

    def i2(self):
        counts = self.of.book.counts
        nonces = f"nonces at rest: {name_of('nonces')}"
        if not counts["msk_messages"] + counts["mtk_messages"]:
            return Elsewhere("I2"), self.unread()
        packets = counts["srtp_packets"] + counts["srtcp_packets"]
        media = f"{packets} indexes" if packets else f"indexes: {name_of('I2')}"
        return (f"captures: {counts['msk_messages'] + counts['mtk_messages']} COUNTERs, {media}; "
                f"{nonces}"), self.unread()

    def i3(self):
        count, wrong = air_order.counters(self.sent)
        sequences = [int(record["sequence"]) for record in self.of.audit]
        if sequences != list(range(1, len(sequences) + 1)):
            wrong.append("audit sequences have a gap")
        ends = self.of.index_ends()
        for ssrc, index in self.of.book.highest.items():
            ssrc = int.from_bytes(ssrc, "big")
            if ends.get(ssrc, 0) <= index:
                wrong.append(f"SSRC {ssrc:08x} sent index {index}, and its state file ends at "
                             f"{ends.get(ssrc, 0)}")
        return (f"captures: {count} COUNTERs rise; {len(sequences)} audit sequences, "
                f"{len(self.of.epochs)} epochs, ends of {len(ends)} streams"), wrong + self.epochs()

    def epochs(self):
        """By the log and by the audit log, in which a start has no record that ended before its first
        commit, or could make none."""
        recorded = [tuple(int(number) for number in re.search(
            r"epoch (\d+) incarnation (\d+)", record["resource"]).groups())
            for record in self.of.audit if record["method"] == "start"]
        return [f"epoch and incarnation {now} came after {before}"
                for starts in (self.of.epochs, recorded) for before, now in zip(starts, starts[1:])
                if now[0] <= before[0] or now[1] < before[1]]

    def i4(self):
        expelled = self.of.acknowledged.expelled if self.of.acknowledged else {}
        if not expelled:
            return Elsewhere("I4"), []
        wrong = []
        for member, msk in expelled.items():
            identity = f"{member.rsplit('/', 1)[1]}@example.org"
            wrong += air_order.for_the_expelled(self.sent, identity, int(msk, 16))
        return f"captures: no MSK from theirs on went to {len(expelled)} who were expelled", wrong

    def i5(self):
        wrong = [self.of.check] if self.of.check else []
        kept = self.of.acknowledged
        if kept is None:
            return f"keymastd check; {name_of('I10')} for what was acknowledged", wrong
        checked = "" if self.of.check is None else "; keymastd check"
        return (f"API after kill -9: {kept.count()} resources as acknowledged{checked}"
                ), wrong + kept.wrong(self.of.listed)

    def i6(self):
        return f"log and audit log: {len(self.of.epochs)} starts, each above the last", self.epochs()

    def rolled_back(self):
        """When older data were put back at last: of what was made in between, nothing is left."""
        times = [air_order.nanoseconds(record["time"]) for record in self.of.audit
                 if record["method"] == "rollback"]
        return max(times, default=0)

    def i7(self):
        made_in_all, skipped_in_all, wrong = 0, 0, []
        for channel in self.of.channels:
            made, problems = air_order.made_of(self.of.rekeys[channel["name"]])
            policy = {name: int(float(channel["policy"][name].rstrip("s")) * 1e9)
                      for name in ("mtkPeriod", "mtkLead")}
            skipped, more = air_order.steps(made, policy["mtkPeriod"])
            places = air_order.mtks_on_air(self.sent, channel["keyGroup"])
            problems += more + air_order.at_most_two(places)
            known = {one[:2] for one in made if one.switch >= self.rolled_back()}
            # The history has the last ones until it was asked for, the recording goes on.
            problems += [f"MTK {msk:08x}.{mtk} was on air and is not in the history"
                         for msk, mtk in places if known and min(known) < (msk, mtk) < max(known)
                         and (msk, mtk) not in known]
            if self.is_steady:
                problems += [f"MTK {one.msk:08x}.{one.mtk} was made, and never sent" for one in made
                             if places and min(places) < one[:2] < max(places)
                             and one[:2] not in places and not one.ahead]
                late = [pair for pair in skipped
                        if not air_order.is_excused(pair, self.sent, policy["mtkLead"] / 2)]
                problems += [f"no MTK between {before.msk:08x}.{before.mtk} and .{now.mtk}, "
                             f"{(now.switch - before.switch) / 1e9} s, though keymastd ran"
                             for before, now in late[self.of.held:]]
            made_in_all, skipped_in_all = made_in_all + len(made), skipped_in_all + len(skipped)
            wrong += problems
        if not made_in_all:
            return Elsewhere("I7"), wrong
        while_away = f", {skipped_in_all} gaps while it was away" if skipped_in_all else ""
        return f"history and captures: {made_in_all} MTKs, one a period{while_away}", wrong

    def i8(self):
        if self.of.forged is None:
            return Elsewhere("I8"), []
        sent, discarded, changed, answers = self.of.forged
        wrong = ["forgeries changed the state"] * changed + ["a forgery was answered"] * (answers > 0)
        wrong += [f"{sent - discarded} forgeries were not counted"] * (discarded < sent)
        return f"{sent} forgeries now: {discarded} discards counted, state hash as before", wrong

    def secrets(self):
        root, book = self.of.site.root, self.of.book
        msks = {f"MSK {name.hex()}": key for name, (key, _) in sorted(book.msks.items())}
        mtks = {f"MTK {name.hex()}": octets[:-14] if len(octets) in (30, 46) else octets[:16]
                for name, octets in sorted(book.mtks.items())}
        every = {"master key": (root / "master.key").read_bytes()}
        every.update((path.name, path.read_bytes()) for path in root.glob("headend*.key"))
        for keys in (book.user_keys, msks, mtks):
            every.update(some(keys))
        return {name: key for name, key in every.items() if len(key) >= 16}, msks, mtks

    def i9(self):
        every, _, _ = self.secrets()
        blobs = list(self.of.left_behind(False))
        found = in_clear(every, blobs)
        found += in_clear(every, self.of.left_behind(True), ("raw", "hex"))
        return (f"{len(every)} keys in up to ten spellings: in none of {len(blobs)} outputs and files, "
                "nor recordings"), [f"{name} ({how}) is in {what}" for what, name, how in found]

    def i10(self):
        wrong = [self.of.verified] if self.of.verified else []
        kept = self.of.acknowledged
        if kept is None:
            return f"audit verify of {len(self.of.audit)} records; {name_of('I10')} for each", wrong
        records = {}
        for record in self.of.audit:
            if record["requestId"]:
                records.setdefault(record["requestId"], []).append(record["method"])
        for request, method in kept.requests.items():
            if records.get(request) != [method]:
                wrong.append(f"{method} was acknowledged, and its records are {records.get(request, [])}")
        for request in records:
            if request in kept.refused:
                wrong.append(f"a record of {records[request]}, which was refused")
            elif request not in kept.requests and request not in kept.unsure:
                wrong.append(f"a record of {records[request]}, which nobody asked for")
        return (f"audit verify of {len(self.of.audit)} records; one for each of {len(kept.requests)} "
                "acknowledged calls"), wrong

    def i11(self):
        of = self.of
        more = MORE_MEMORY_SANITIZED if of.sanitized else MORE_MEMORY
        wrong = [f"{of.descriptors['before']:.0f} descriptors, {of.descriptors['after']:.0f} after a start"
                 ] * (of.descriptors["before"] > of.descriptors["after"] + MORE_DESCRIPTORS)
        wrong += [f"{of.resident['before']:.0f} octets resident, {of.resident['after']:.0f} after a start"
                  ] * (of.resident["before"] > of.resident["after"] + more)
        grown = (of.resident["before"] - of.resident["after"]) / (1 << 20)
        return (f"against a fresh start: {of.descriptors['before'] - of.descriptors['after']:+.0f} "
                f"descriptors, {grown:+.0f} MiB"), wrong

    def i12(self):
        if not self.of.receivers:
            return Elsewhere("I12"), []
        return f"{len(self.of.receivers)} receivers hold what was on air when asked, or a later one", [
            f"receiver {name} holds {held}, and {wanted} is on air"
            for name, held, wanted in self.of.receivers if held < wanted]

    def i13(self):
        return Elsewhere("I13"), []

    def i14(self):
        if self.of.acknowledged is None:
            return Elsewhere("I10"), []
        return (f"API: {len(self.of.listed)} resources, all of them asked for"
                ), self.of.acknowledged.wrong(self.of.listed)

    def i15(self):
        return Elsewhere("I15"), []

    def i16(self):
        _, msks, mtks = self.secrets()
        on_air = self.of.on_air
        if self.of.memory is None or not on_air:
            return Elsewhere("I16"), []
        gone = {}
        for channel in self.of.channels:
            msk, mtk = on_air.get(channel["name"], (0, 0))
            group = f" {channel['keyDomain']}{channel['keyGroup']:04x}"
            # Names rise with use. What was pushed out last may wait for the next tick; a key that a
            # rollback lost has pushed out none.
            made = air_order.made_of(self.of.rekeys[channel["name"]])[0]
            for keys, newest, wait, own in (
                    (msks, f"MSK {channel['keyDomain']}{msk:08x}", 1,
                     {f"MSK {channel['keyDomain']}{one.msk:08x}" for one in made}),
                    (mtks, f"MTK {channel['keyDomain']}{msk:08x}{mtk:04x}", 2,
                     {f"MTK {channel['keyDomain']}{one.msk:08x}{one.mtk:04x}" for one in made})):
                older = [name for name in keys if group in name and name < newest]
                waiting = [name for name in older if name in own][-wait:]
                gone.update((name, keys[name]) for name in older if name not in waiting)
        gone = some(gone)
        if not gone:
            return Elsewhere("I16"), []
        found = in_clear(gone, [("the memory of keymastd", self.of.memory)], ("raw",))
        return (f"memory of keymastd, {len(self.of.memory) >> 20} MiB: none of {len(gone)} keys that are "
                "over"), [f"{name} is still in {what}, with {on_air} on air and {sorted(gone)} over"
                         for what, name, _ in found]

    def crashes(self):
        """What a sanitizer or a broken assertion says, and who did not end as asked."""
        return [f"{name} says {text.decode()}" for name, log in self.of.logs.items()
                for text in CRASHES if text in log] + [
                    f"{name} ended with {status}" for name, status in self.of.ended.items() if status]


def judge(evidence, is_steady=False):
    """Rows (invariant, how, problems)."""
    judge_of = Judge(evidence, is_steady)
    rows = []
    for invariant in INVARIANTS:
        how, wrong = getattr(judge_of, invariant.lower())()
        if isinstance(how, Elsewhere):
            how = f"{AWAY}{name_of(how)}"
        rows.append((invariant, how, wrong))
    return rows, judge_of.crashes()


def prove(site, acknowledged=None, steady=False, forgers=()):
    """Stops the site. `steady`: nothing of the run kept keymastd from changing keys while it ran. `forgers`:
    ports from which the test itself sent what no recording is judged by."""
    evidence = Evidence(site, acknowledged)
    evidence.forgers.update(forgers)
    report(*judge(evidence.take(), steady))


def elsewhere(rows):
    """Those of judge's rows that this run does not prove."""
    return [invariant for invariant, how, _ in rows if how.startswith(AWAY)]


def report(rows, crashes):
    for invariant, how, wrong in rows:
        print(f"{invariant:4}{'BROKEN' if wrong else 'holds':7}{INVARIANTS[invariant]:55}{how}", flush=True)
    broken = [f"{invariant}: {problem}" for invariant, _, wrong in rows for problem in wrong[:10]]
    assert not broken + crashes, "\n".join(broken + crashes)
