# SPDX-License-Identifier: Apache-2.0
"""Who used which key with which counter, and what was ever used for two things."""

import collections
import hashlib

from reuse import mikey, srtp


def _short_digest(octets):
    return hashlib.sha256(octets).hexdigest()[:16]


class Ledger:
    """Takes datagrams in any order of files. Keys come from MSK messages first, so that every pass
    is over all datagrams: `read_msk`, then `read_mtk`, then `read_media`."""

    def __init__(self, user_keys):
        self.user_keys = user_keys  # identity -> octets
        self.counts = collections.Counter()
        self.violations = []
        self.msks = {}       # domain || MSK ID -> (key, RAND)
        self.policies = {}   # domain || MSK ID -> srtp.Policy
        self.sessions = {}   # MKI -> srtp.Session
        self.mtks = {}       # domain || MSK ID || MTK ID -> key || salt
        self._used = {}      # what must be unique -> digest of what it was used for
        self.highest = {}   # SSRC -> index
        self._seen = set()   # digests of packets read already

    def _claim(self, what, *use):
        """`what` may be used for one thing only; the same octets again are a copy."""
        digest = hashlib.sha256(b"\0".join(use)).digest()
        if self._used.setdefault(what, digest) != digest:
            self.violations.append(" ".join(str(part) for part in what) + " used twice")

    def _is_new(self, octets):
        digest = hashlib.sha256(octets).digest()
        if digest in self._seen:
            self.counts["copies"] += 1
            return False
        self._seen.add(digest)
        return True

    def read_msk(self, message):
        identity = message.identities[-1] if message.identities else ""
        user_key = self.user_keys.get(identity)
        if user_key is None:
            # The counter is in clear: one subscriber's may not repeat, whoever reads it.
            self._claim(("counter of user key of", identity, message.counter), message.octets)
            self.counts["msk_messages_of_others"] += 1
            return
        opened = message.open(user_key, message.rand)
        if opened is None:
            self.counts["not_authentic"] += 1
            return
        self.counts["msk_messages"] += 1
        # By the key and not by whose it is: two subscribers may have been given one key.
        self._claim(("counter of user key", _short_digest(user_key), message.counter),
                    message.octets)
        name = message.msk_id()
        self._claim(("MSK", name.hex()), opened["key"], message.rand)
        self._claim(("MSK octets", _short_digest(opened["key"])), name)
        self.msks[name] = (opened["key"], message.rand)
        if message.policy:
            self.policies[name] = srtp.Policy(message.policy)

    def read_mtk(self, message):
        name = message.msk_id()
        if name not in self.msks:
            self._claim(("counter of MSK", name.hex(), message.counter), message.octets)
            self.counts["mtk_messages_without_msk"] += 1
            return
        key, rand = self.msks[name]
        opened = message.open(key, rand)
        if opened is None:
            self.counts["not_authentic"] += 1
            return
        self.counts["mtk_messages"] += 1
        self._claim(("counter of MSK", name.hex(), message.counter), message.octets)
        full = name + message.ids[2]
        octets = opened["key"] + opened["salt"]
        self._claim(("MTK", full.hex()), octets)
        self._claim(("MTK octets", _short_digest(octets)), full)
        if full not in self.mtks:
            self.mtks[full] = octets
            policy = self.policies.get(name, srtp.Policy({}))
            self.sessions[message.ids[1] + message.ids[2]] = srtp.Session(
                policy, opened["key"], opened["salt"])

    def read_media(self, octets):
        if not self._is_new(octets):
            return
        if len(octets) < 12 or octets[0] >> 6 != 2:
            self.counts["unknown_multicast_datagrams"] += 1
            return
        session = self._session_of(octets)
        if session is None:
            self.counts["packets_without_key"] += 1
            return
        mki, session = session
        if srtp.is_rtcp(octets):
            is_authentic, index = srtp.rtcp_is_authentic(octets, session)
            ssrc = octets[4:8]
            index = index if is_authentic else None
        else:
            ssrc = octets[8:12]
            index = srtp.find_index(octets, session, self.highest.get(ssrc, 0))
            if index is not None:
                self.highest[ssrc] = max(index, self.highest.get(ssrc, 0))
        if index is None:
            self.counts["packets_not_authentic"] += 1
            return
        kind = "SRTCP index" if srtp.is_rtcp(octets) else "SRTP index"
        self.counts["srtcp_packets" if srtp.is_rtcp(octets) else "srtp_packets"] += 1
        self._claim((kind, "MTK", mki.hex(), "SSRC", ssrc.hex(), index), octets)

    def _session_of(self, octets):
        for policy in ({vars(s.policy)["tag"]: s.policy for s in self.sessions.values()}).values():
            mki = srtp.mki_of(octets, policy)
            if mki in self.sessions:
                return mki, self.sessions[mki]
        return None

    def read(self, files, on_cut):
        """`files` are iterables of datagrams, each read three times."""
        messages = []
        media = []
        for datagrams in files(on_cut):
            for datagram in datagrams:
                self.counts["datagrams"] += 1
                try:
                    messages.append(mikey.Message(datagram.octets))
                except mikey.NotMikey:
                    if datagram.target[0].is_multicast:
                        media.append(datagram.octets)
        messages = list({message.octets: message for message in messages}.values())
        for message in messages:
            if message.is_msk():
                self.read_msk(message)
            elif message.verification:
                self.counts["verification_messages"] += 1
            elif not message.is_mtk():
                self.counts["unknown_messages"] += 1
        for message in messages:
            if message.is_mtk():
                self.read_mtk(message)
        for octets in media:
            self.read_media(octets)
        self.counts["msks"] = len(self.msks)
        self.counts["mtks"] = len(self.mtks)

    def gaps(self):
        """Why the reading proves less than it should; empty when it proves what it says.

        What could not be read may hide any reuse, so one such datagram is a gap: every key on air was
        sent in a message, repeatedly and ahead of its use, so that no restart explains one."""
        reasons = [f"no {name} could be opened"
                   for name in ("msk_messages", "mtk_messages", "srtp_packets")
                   if not self.counts[name]]
        if self.counts["not_authentic"]:
            reasons.append("messages with a wrong MAC")
        if self.counts["packets_not_authentic"]:
            reasons.append("packets with a wrong tag")
        for name in ("mtk_messages_without_msk", "packets_without_key", "unknown_messages",
                     "unknown_multicast_datagrams"):
            if self.counts[name]:
                reasons.append(f"{self.counts[name]} {name.replace('_', ' ')}")
        return reasons
