# SPDX-License-Identifier: Apache-2.0
"""keymast-receiver in a group of the second implementation, in Python: it joins, takes signed MTK messages and checks
GROUP_REKEYs that come by real multicast, and asks for the keys that it misses. Whatever is forged changes nothing."""

import pathlib
import select
import socket
import sys
import tempfile
import threading
import time
import unittest

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness import BIN, Process, free_port, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from mikeyv2 import content, group_rekey, mtk, report, schedule  # noqa: E402
from mikeyv2.answerer import Answerer  # noqa: E402
from mikeyv2.group import Group  # noqa: E402
from mikeyv2.octets import Refused  # noqa: E402
from mikeyv2.party import Party, Send  # noqa: E402
from mikeyv2.payloads import Identity, KeyData  # noqa: E402
from mikeyv2.randomness import System  # noqa: E402
from mikeyv2.tables import *  # noqa: E402,F403

KEY, STRANGER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
KEY_ID = 9
FEATURES = 0x48  # REPORT, signed MTK messages
MEMBER, SERVER = Identity(0, b"ann@example.org"), Identity(0, b"server@example.org")
PSK = b"p" * 16
ROOT, NEXT_MSK = b"r" * 32, b"2" * 16

SDP = """v=0
o=- 1800000000 3 IN IP4 127.0.0.1
s=One
t=0 0
a=keymast-channel:one
a=keymast-key-domain:010203
a=keymast-key-group:7
a=keymast-mtk:239.255.77.1:{mtk}
a=mikeyv2-join:127.0.0.1 {join} mikey://example.org/one
m=video {media} RTP/SAVP 96
c=IN IP4 239.255.77.1/1
a=rtpmap:96 H264/90000
a=ssrc:4369 cname:one
a=recvonly
"""

CONFIGURATION = """[profile]
prf = "hmac-sha-256"
encr_alg = "aes-cm-256"
mac_alg = "hmac-sha-256-256"
"""


class Controller(threading.Thread):
    """A of a group: answers joins and REPORTs, until it is closed."""

    def __init__(self, group):
        super().__init__(daemon=True)
        party = Party(SERVER, psks={MEMBER: PSK}, also=(group.uri,))
        party.policy.features = FEATURES
        self.answerer = Answerer(party, System(), [group])
        r = schedule.report_key(schedule.psk_v2(PSK, MEMBER, group.uri))
        self.reports = report.Controller(group, {MEMBER: r}, {}, set(), {})
        self.asked = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.ends = False

    def run(self):
        while not self.ends:
            if not select.select([self.socket], [], [], 0.1)[0]:
                continue
            octets, source = self.socket.recvfrom(65535)
            if octets[1] == DT_REPORT:
                self._report(octets, source)
                continue
            for action in self.answerer.receive(time.time(), source, octets):
                if isinstance(action, Send):
                    self.socket.sendto(action.octets, action.address)

    def _report(self, octets, source):
        try:
            keys = self.reports.receive(octets, System())
        except Refused:
            return
        self.asked += 1
        if keys:
            self.socket.sendto(keys, source)

    def close(self):
        self.ends = True
        self.join()
        self.socket.close()


class GroupMessages(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="keymast-group-")
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)
        self.group = Group(
            Identity(1, b"mikey://example.org/one"), b"\1\2\3", b"\0\7", 0x01020304, b"1" * 16, b"g" * 16, (b"k" * 16, b"s" * 12),
            tree_id=b"treetree", epoch=4, t=9, counter=5, members={MEMBER}, report_window=500,
            verification_key=(KEY_ID, group_rekey.public_of(KEY)))
        self.controller = Controller(self.group)
        self.controller.start()
        self.addCleanup(self.controller.close)
        self.mtk_port = free_port()
        (self.root / "one.sdp").write_text(
            SDP.format(mtk=self.mtk_port, join=self.controller.port, media=free_port()).replace("\n", "\r\n"))
        (self.root / "receiver.toml").write_text(CONFIGURATION)
        key = self.root / "user.key"
        key.write_bytes(PSK)
        key.chmod(0o600)
        self.air = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.air.close)
        self.air.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        self.receiver = Process("receiver", [
            BIN / "keymast-receiver", "--config", self.root / "receiver.toml", "--sdp", self.root / "one.sdp", "--key-file", key,
            "--identity", "ann@example.org", "--listen", f"127.0.0.1:{free_port()}", "--interface", "127.0.0.1", "--state",
            self.root / "state", "--join", "psk", "--no-msk-messages", "--log-level", "debug"], self.root / "receiver.log")
        self.addCleanup(self.receiver.stop)
        wait_for(lambda: '"joined"' in self.receiver.log(), 30, lambda: f"it joins: {self.receiver.log()}")

    def send(self, octets):
        self.air.sendto(octets, ("239.255.77.1", self.mtk_port))

    def counted(self, kind, name=None):
        """A number of the last report, or one by reason."""
        value = self.receiver.last.get(kind, 0)
        return value if name is None else (value or {}).get(name, 0)

    def message(self, mtk_id, counter, signing):
        of = mtk.Mtk(self.group.key_domain, self.group.msk_id(), mtk_id, self.group.csb_id, counter, b"n" * 16, b"t" * 12)
        under = mtk.Under(self.group.msk, self.group.rand, encr=AES_CM_256)
        return mtk.build([(of, under)], signing)[0]

    def taken(self, mtk_id):
        return f'"key":"{int.from_bytes(self.group.msk_id(), "big")}/{mtk_id}"' in self.receiver.log().replace(": ", ":")

    def refused(self, octets, kind, reason):
        before = self.counted(kind, reason)
        self.send(octets)
        wait_for(lambda: self.counted(kind, reason) > before, 10,
                 lambda: f"{reason}: {self.receiver.last.get(kind)}: {self.receiver.log()[-800:]}")

    def update(self, **more):
        named = dict(epoch=5, t=10, tree_id=self.group.tree_id)
        named.update(more)
        return group_rekey.Update(self.group.key_domain, b"\0\7\0\2", self.group.csb_id, group_rekey.TREE, named["tree_id"],
                                  named["epoch"], b"n" * 16, named["t"], window=500)

    def packets(self, update, signing, old_msk=None, count=3):
        inside = content.Content([KeyData(K_TGK, NEXT_MSK, interval=(b"\0\1", b"\xff\xff"))])
        return group_rekey.build(update, [bytes((i,)) * 50 for i in range(count)], signing, old_msk or self.group.msk,
                                 self.group.msk_id(), ROOT, inside)

    def test_mtk_messages_need_the_signature_of_the_group(self):
        good = (KEY_ID, KEY)
        self.refused(self.message(2, 6, None), "discards", "payload_missing")
        self.refused(self.message(2, 6, (KEY_ID, STRANGER)), "discards", "authentication_failed")
        self.refused(self.message(2, 6, (KEY_ID + 1, KEY)), "discards", "unknown_key")
        flipped = bytearray(self.message(2, 6, good))
        flipped[-40] ^= 1
        self.refused(bytes(flipped), "discards", "authentication_failed")
        self.assertFalse(self.taken(2))
        self.send(self.message(2, 6, good))  # the same COUNTER: what was refused moved nothing
        wait_for(lambda: self.taken(2), 10, lambda: f"the MTK is taken: {self.receiver.log()[-800:]}")
        self.refused(self.message(3, 6, good), "discards", "replayed")
        self.send(self.message(3, 7, good))
        wait_for(lambda: self.taken(3), 10, "the next one too")

    def test_updates_are_checked_and_make_it_ask(self):
        good = (KEY_ID, KEY)
        self.refused(self.packets(self.update(), (KEY_ID, STRANGER))[0], "member_discards", "authentication_failed")
        self.refused(self.packets(self.update(t=9), good)[0], "member_discards", "replayed")
        # A wrong filter MAC costs no signature.
        self.refused(self.packets(self.update(), good, old_msk=b"x" * 16)[0], "member_discards", "authentication_failed")
        self.assertEqual(self.controller.asked, 0)
        self.assertEqual(self.counted("group_rekeys"), 0)
        # The controller is at the update already; a tree is not read here, so that the keys come by KEYS.
        before = self.group.msk_id()
        self.group.msk, self.group.key_number, self.group.epoch, self.group.t = NEXT_MSK, 2, 5, 10
        old = group_rekey.build(self.update(), [b"tree" * 10], good, b"1" * 16, before, ROOT,
                                content.Content([KeyData(K_TGK, NEXT_MSK, interval=(b"\0\1", b"\xff\xff"))]))
        self.send(old[0])
        wait_for(lambda: self.counted("group_rekeys") == 1, 10, f"it is good: {self.receiver.log()[-800:]}")
        # What follows is under an MSK that it lacks: after the repair window it asks.
        counters = iter(range(6, 10000))

        def has_keys():
            self.send(self.message(2, next(counters), good))
            return "keys_taken" in self.receiver.log()
        wait_for(has_keys, 30, lambda: f"it asks and gets them: {self.receiver.log()[-800:]}")
        self.assertGreaterEqual(self.controller.asked, 1)
        wait_for(lambda: self.counted("msk_changes") == 1, 10, "the MSK is the next one")
        self.refused(old[0], "member_discards", "already_held")


if __name__ == "__main__":
    unittest.main(verbosity=2)
