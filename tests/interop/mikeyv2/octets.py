# SPDX-License-Identifier: Apache-2.0
"""Octets in and out, and the one way to refuse them."""


class Refused(Exception):
    """A datagram is dropped, for a reason that is counted, by a clause of the page."""

    def __init__(self, reason, clause=""):
        super().__init__(f"{reason} ({clause})" if clause else reason)
        self.reason = reason
        self.clause = clause


def malformed(what, clause="§3"):
    return Refused("malformed: " + what, clause)


def require(condition, what, clause="§3"):
    if not condition:
        raise malformed(what, clause)


def u8(value):
    return value.to_bytes(1, "big")


def u16(value):
    return value.to_bytes(2, "big")


def u32(value):
    return value.to_bytes(4, "big")


def u64(value):
    return value.to_bytes(8, "big")


class Reader:
    """Takes octets from the front; more than there are is malformed."""

    def __init__(self, octets, at=0):
        self.octets = octets
        self.at = at

    def left(self):
        return len(self.octets) - self.at

    def take(self, count):
        if count > len(self.octets) - self.at:
            raise malformed("too short")
        self.at += count
        return self.octets[self.at - count : self.at]

    def uint(self, size):
        return int.from_bytes(self.take(size), "big")

    def sized(self, size):
        """A length of `size` octets and what it counts."""
        return self.take(self.uint(size))

    def rest(self):
        return self.take(self.left())

    def end(self, what="octets behind the end"):
        require(self.left() == 0, what)
