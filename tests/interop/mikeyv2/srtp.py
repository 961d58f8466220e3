# SPDX-License-Identifier: Apache-2.0
"""§9: profiles, policies and the map of a unicast session."""
from dataclasses import dataclass

from .message import MapEntry
from .octets import require
from .payloads import Sp
from .schedule import traffic_keys
from .tables import *


def _octets(text):
    pairs = (pair.split(":") for pair in text.split())
    return b"".join(bytes((int(t), 1, int(v))) for t, v in pairs)


# profile: (parameters, master key, master salt)
PROFILES = {
    0x0001: (_octets("0:1 1:16 2:1 3:20 4:14 7:1 8:1 10:1 11:10"), 16, 14),
    0x0002: (_octets("0:1 1:16 2:1 3:20 4:14 7:1 8:1 10:1 11:4"), 16, 14),
    0x0007: (_octets("0:6 1:16 2:0 4:12 7:1 8:1 20:16"), 16, 12),
    0x0008: (_octets("0:6 1:32 2:0 4:12 7:1 8:1 20:16"), 32, 12),
}
O_SENDS, A_SENDS, BOTH = 1, 2, 3


@dataclass(frozen=True)
class CryptoSession:
    cs_id: int
    sender: str
    ssrc: int
    mki: bytes
    profile: int
    key: bytes
    salt: bytes


def policy(number, profile):
    return Sp(number, PROFILES[profile][0])


def profile_of(sp):
    found = [n for n, (parameters, _, _) in PROFILES.items() if parameters == sp.parameters]
    require(found, "policy of no profile", "§9")
    return found[0]


def policies_of(sps, allowed):
    """Policy number to profile."""
    require(len(sps) <= POLICIES_MAX, "more than 8 policies", "§14")
    require(len({sp.number for sp in sps}) == len(sps), "policy number twice", "RFC 3830 §6.10")
    found = {sp.number: profile_of(sp) for sp in sps}
    require(set(found.values()) <= set(allowed), "profile that was not offered", "§3.3")
    return found


def sessions_of(streams):
    """(CS ID, sender, named SSRC) of TLV `streams`."""
    found = []
    for k, (direction, ssrc) in enumerate(streams, 1):
        if direction & O_SENDS:
            found.append((2 * k - 1, "O", ssrc))
        if direction & A_SENDS:
            found.append((2 * k, "A", 0))
    return found


def make_map(streams, numbers, random):
    """A's map: SSRCs all different, its own and those that O left open."""
    used = {ssrc for _, _, ssrc in sessions_of(streams) if ssrc}
    entries = []
    for cs_id, _, ssrc in sessions_of(streams):
        while not ssrc or (ssrc in used and not any(s == ssrc for _, _, s in sessions_of(streams))):
            ssrc = random.number(32)
        used.add(ssrc)
        entries.append(MapEntry(cs_id, tuple(numbers), ssrc))
    return tuple(entries)


def check_map(entries, streams, sps, offered):
    """O's check: the map is complete and all of it was asked for."""
    policies = policies_of(sps, offered)
    wanted = sessions_of(streams)
    require(entries is not None and [e.cs_id for e in entries] == [cs for cs, _, _ in wanted], "map is not the streams'", "§9")
    for entry, (_, _, ssrc) in zip(entries, wanted):
        require(not ssrc or entry.ssrc == ssrc, "SSRC that O named", "§9")
        require(entry.policies and set(entry.policies) <= policies.keys(), "policy of a crypto session", "§9")
    require(len({e.ssrc for e in entries}) == len(entries), "SSRC twice", "§9")
    require(set().union(*(e.policies for e in entries)) == policies.keys(), "policy without a crypto session", "§9")
    return policies


def chosen_policies(entries, answer_sps, finish_sps):
    """§9: of each crypto session the first of its policies among those of the finish."""
    require(all(sp in answer_sps for sp in finish_sps), "policy that the answer has not", "§9")
    numbers = [sp.number for sp in (finish_sps or answer_sps)]
    chosen = {}
    for e in entries:
        left = [n for n in e.policies if n in numbers]
        require(left, "crypto session without policy", "§9")
        chosen[e.cs_id] = left[0]
    return chosen


def keys_of_sessions(entries, chosen, answer_sps, prf, tgk, csb_id, rand_i, rand_r, f):
    profiles = {sp.number: profile_of(sp) for sp in answer_sps}
    found = []
    for e in entries:
        profile = profiles[chosen[e.cs_id]]
        _, key_size, salt_size = PROFILES[profile]
        key, salt = traffic_keys(prf, tgk, e.cs_id, csb_id, rand_i, rand_r, f, key_size, salt_size)
        found.append(CryptoSession(e.cs_id, "O" if e.cs_id & 1 else "A", e.ssrc, e.spi, profile, key, salt))
    return found
