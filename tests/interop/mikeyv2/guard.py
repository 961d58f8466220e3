# SPDX-License-Identifier: Apache-2.0
"""What A needs before it keeps anything: cookies (§2), FRESH (§8), the rate of errors (§13)."""
from .octets import u32, u64
from .prf import equal, mac


class Cookies:
    """A cookie is A's own matter: slot, and a MAC over slot, address and CSB ID."""

    SLOT = 30

    def __init__(self, key):
        self.key = key

    def make(self, now, address, csb_id):
        return self._of(int(now // self.SLOT) & 0xFF, address, csb_id)

    def _of(self, slot, address, csb_id):
        return bytes((slot,)) + mac(self.key, bytes((slot,)) + repr(address).encode() + u32(csb_id))[:16]

    def good(self, cookie, now, address, csb_id):
        slot = int(now // self.SLOT)
        return cookie is not None and any(
            equal(cookie, self._of(s & 0xFF, address, csb_id)) for s in (slot, slot - 1))


class Fresh:
    """§8; the key is made at each start of A."""

    PERIOD = 3600

    def __init__(self, key):
        self.key = key
        self.answered = {}  # TH of each early DH CAP answered while its FRESH is good: end of that

    def now(self, now):
        return self._of(int(now // self.PERIOD))

    def _of(self, period, tail=b""):
        return mac(self.key, u64(period) + tail)[:16]

    def of_member(self, now, identity, leaves):
        """Of a member that left: an older FRESH brings it back never."""
        return self._of(int(now // self.PERIOD), identity.encode() + u32(leaves))

    def good(self, value, now, tail=b""):
        """This period's and the last's; tail: that of a member that left."""
        period = int(now // self.PERIOD)
        return value is not None and any(equal(value, self._of(p, tail)) for p in (period, period - 1) if p >= 0)

    def take(self, th, now):
        """False if that CAP was answered before; the cache alone answers it then."""
        self.answered = {k: end for k, end in self.answered.items() if end > now}
        if th in self.answered:
            return False
        self.answered[th] = now + 2 * self.PERIOD
        return True


class Rate:
    """One a second to an address."""

    def __init__(self):
        self.last = {}

    def allows(self, now, address):
        if now - self.last.get(address, -1) < 1:
            return False
        self.last[address] = now
        return True
