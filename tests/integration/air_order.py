# SPDX-License-Identifier: Apache-2.0
"""What keymastd sent, in the order in which it did: counters that only rise, MTKs that follow each other
without one left out, and nothing new for who was expelled."""

import collections
import datetime
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))

from reuse import mikey, pcapng  # noqa: E402 (the path is set above)

Sent = collections.namedtuple("Sent", "message time section")
# An MTK of the history of rekeys. An MSK's entry tells of the first one under it, too; it is `ahead` while
# no other does: it may never come to be.
Made = collections.namedtuple("Made", "msk mtk reason switch ahead")
SCHEDULED = "SCHEDULE"


def number_of(msk_id):
    """What the API spells as eight hexadecimal digits, or the octets of a message."""
    return int(msk_id, 16) if isinstance(msk_id, str) else int.from_bytes(msk_id, "big")


def nanoseconds(text):
    """Of an RFC 3339 time of the API."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc).timestamp()
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0") or 0)


def sent_messages(octets, port):
    """MSK and MTK messages of keymastd's recording, whose MIKEY port is `port`, that it sent."""
    sent = []
    for datagram in pcapng.datagrams(octets):
        if datagram.target[1] == port and not datagram.target[0].is_multicast:
            continue
        try:
            message = mikey.Message(datagram.octets)
        except mikey.NotMikey:
            continue
        if message.is_msk() or message.is_mtk():
            sent.append(Sent(message, datagram.time, datagram.section))
    return sent


def counters(sent):
    """How many COUNTERs rose, and what did not: each of a user key and of an MSK is above all before."""
    last, problems = {}, []
    for message, _, _ in sent:
        owner = message.identities[-1] if message.is_msk() else f"MSK {message.msk_id().hex()}"
        if message.counter <= last.get(owner, -1):
            problems.append(f"COUNTER {message.counter} of {owner} after {last[owner]}")
        last[owner] = message.counter
    return len(sent), problems


def mtks_on_air(sent, key_group):
    """(MSK ID, MTK ID) -> positions of its messages, of one channel."""
    places = {}
    for place, (message, _, _) in enumerate(sent):
        if message.is_mtk() and message.ids[1][:2] == key_group.to_bytes(2, "big"):
            key = number_of(message.ids[1]), number_of(message.ids[2])
            places.setdefault(key, []).append(place)
    return places


def at_most_two(places):
    """An MTK that two newer ones have pushed out does not come back."""
    events = sorted((place, key) for key, found in places.items() for place in found)
    last = {key: found[-1] for key, found in places.items()}
    alive, problems = set(), []
    for place, key in events:
        alive = {other for other in alive if last[other] >= place} | {key}
        if len(alive) > 2:
            problems.append(f"three MTKs on air at once: {sorted(alive)}")
            break
    return problems


def made_of(rekeys):
    """MTKs in the order in which they were made, from a channel's history."""
    ordered = sorted(rekeys, key=lambda rekey: int(rekey["name"].rsplit("/", 1)[1]))
    made, problems = {}, []
    numbers = [int(rekey["name"].rsplit("/", 1)[1]) for rekey in ordered]
    if numbers and numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        problems.append("the history of rekeys has a gap")
    seen = set()
    for rekey in ordered:
        key = number_of(rekey["mskId"]), rekey["mtkId"]
        if (rekey["level"], key) in seen:
            problems.append(f"{rekey['level']} {key} was made twice")
        seen.add((rekey["level"], key))
        if rekey["level"] == "MTK":
            made.pop(key, None)
        made[key] = Made(*key, rekey["reason"], nanoseconds(rekey["switchTime"]), rekey["level"] == "MSK")
    # An MSK whose change is yet to come has none of its MTKs, and those of the one before go on.
    order = list(made.values())
    return [now for now, after in zip(order, order[1:] + [None])
            if not now.ahead or (after is not None and after.msk >= now.msk)], problems


def steps(made, period):
    """Periods that were left out, as pairs of MTKs, and what must not be: MTK IDs rise by one in an MSK,
    MSKs follow each other, and two changes of the schedule are a whole number of periods apart."""
    skipped, problems = [], []
    for before, now in zip(made, made[1:]):
        name = f"MTK {now.msk:08x}.{now.mtk}"
        follows = now.mtk == before.mtk + 1 if now.msk == before.msk else now.msk > before.msk
        if not follows:
            problems.append(f"{name} came after {before.msk:08x}.{before.mtk}")
        if now.reason != SCHEDULED or before.reason != SCHEDULED or now.msk != before.msk:
            continue
        apart = now.switch - before.switch
        if apart < period or apart % period:
            problems.append(f"{name} came {apart / 1e9} s after the one before it")
        elif apart > period:
            skipped.append((before, now))
    return skipped, problems


def is_excused(pair, sent, quiet):
    """Whether keymastd was away meanwhile, or its time line jumped: another section of the recording, or
    no message for longer than a change may be late and still be on time. Meanwhile begins with the making
    of the first, which is so much before its sending, or a pause, if keymastd was stopped between them."""
    begin, end = (first_of(sent, made) for made in pair)
    if begin is None or end is None:
        return True  # not on air: there was no interface, or it died before
    made_after = sent[begin].time - quiet
    while begin > 0 and sent[begin].time >= made_after:
        begin -= 1
    window = sent[begin:end + 1]
    return any(now.section != before.section or now.time - before.time > quiet
               for before, now in zip(window, window[1:]))


def first_of(sent, made):
    for place, (message, _, _) in enumerate(sent):
        if message.is_mtk() and (number_of(message.ids[1]), number_of(message.ids[2])) == made[:2]:
            return place
    return None


def for_the_expelled(sent, identity, first_msk):
    """MSKs that were sent to who was expelled before they were made."""
    return [f"MSK {number_of(message.ids[1]):08x} was sent to {identity}, who was expelled"
            for message, _, _ in sent if message.is_msk() and message.identities[-1] == identity
            and number_of(message.ids[1]) >= first_msk]
