# SPDX-License-Identifier: Apache-2.0
"""Our MIKEYv2 and the one in Python that was written from docs/mikeyv2.md alone, each as the Offerer of
the other: both end with the same keys."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

INTEROP = pathlib.Path(__file__).resolve().parent
PARTY = pathlib.Path(os.environ["KEYMAST_BIN"]) / "mikeyv2_party"
MEMBER, PEER, GROUP = "nai:member@example.org", "uri:sip:bob@example.org", "uri:mikey://example.org/tv"
PSK = "5a" * 16
MODES = {"psk": "1", "dhhmac": "4", "early-dhhmac": "6"}


def start(command, waits_for_port):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               cwd=INTEROP)
    port = process.stderr.readline().split()[-1] if waits_for_port else None
    return process, port


def result(process):
    out, err = process.communicate(timeout=30)
    lines = out.strip().splitlines()
    assert lines, err
    return json.loads(lines[-1])


def keys(sessions):
    return {s["cs"]: (s["ssrc"], s["key"], s["salt"]) for s in sessions}


class Mikeyv2(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.psk = pathlib.Path(self.folder.name) / "psk"
        self.psk.write_text(PSK)

    def python(self, command, identity, other, *more, mode="psk"):
        return [sys.executable, "-m", "mikeyv2", command, "--identity", identity, "--modes", mode,
                "--psk-file", f"{other}={self.psk}", "--profiles", "7", "--reveal", *more]

    def exchange(self, answer, offer_of):
        """The results of both sides; offer_of makes the Offerer's command from the port."""
        answerer, port = start(answer, True)
        offerer, _ = start(offer_of(port), False)
        try:
            return result(offerer), result(answerer)
        finally:
            for process in (offerer, answerer):
                process.kill()
                process.communicate()

    def check_session(self, offered, answered):
        self.assertEqual(offered["state"], "done", (offered, answered))
        self.assertEqual(answered["state"], "verified", (offered, answered))
        self.assertEqual(len(offered["sessions"]), 2)
        self.assertEqual(keys(offered["sessions"]), keys(answered["sessions"]))

    def each(self):
        """Every mode, and in the first under load too."""
        for mode, number in MODES.items():
            for load in (False, True) if mode == "psk" else (False,):
                with self.subTest(mode=mode, load=load):
                    yield mode, number, load

    def test_our_offer_is_answered(self):
        for mode, number, load in self.each():
            more = ["--load"] if load else []
            answer = self.python("answer", PEER, MEMBER, "--listen", "127.0.0.1:0", *more, mode=mode)
            self.check_session(*self.exchange(answer, lambda port: [PARTY, "offer", port, "session", number]))

    def test_we_answer_an_offer(self):
        for mode, number, load in self.each():
            offer = lambda port: self.python("offer", MEMBER, PEER, "--to", f"127.0.0.1:{port}", "--peer", PEER,
                                             "--stream", "both:287454020", mode=mode)
            self.check_session(*self.exchange([PARTY, "answer", "load" if load else "idle", number], offer))

    def test_we_join_a_group(self):
        group = {"uri": GROUP, "key_domain": "010203", "key_group": "0001", "msk": "aa" * 16,
                 "rand": "bb" * 16, "mtk": {"key": "cc" * 16, "salt": "dd" * 12}, "csb_id": 77,
                 "members": [MEMBER], "profile": 7, "tree_keys": ["ee" * 16] * 3}
        path = pathlib.Path(self.folder.name) / "group.json"
        path.write_text(json.dumps(group))
        for mode, number in MODES.items():
            with self.subTest(mode=mode):
                answer = self.python("answer", "uri:mikey://example.org/", MEMBER, "--listen", "127.0.0.1:0",
                                     "--group-file", str(path), mode=mode)
                joined, answered = self.exchange(answer, lambda port: [PARTY, "offer", port, "join", number])
                self.assertEqual(joined["state"], "done", (joined, answered))
                self.assertEqual(answered["state"], "verified", (joined, answered))
                self.assertEqual(joined["group"]["csb_id"], 77)
                given = {k["type"]: (k["key"], k["salt"]) for k in joined["group"]["keys"]}
                self.assertEqual(given[0], ("aa" * 16, ""))
                self.assertEqual(given[10], ("cc" * 16, "dd" * 12))
                self.assertEqual(given[8], ("ee" * 48, ""))

    def test_our_group_is_joined(self):
        for mode, number in MODES.items():
            with self.subTest(mode=mode):
                offer = lambda port: self.python("offer", MEMBER, GROUP, "--to", f"127.0.0.1:{port}", "--peer",
                                                 GROUP, "--join", mode=mode)
                joined, answered = self.exchange([PARTY, "answer", "idle", number], offer)
                self.assertEqual(joined["state"], "done", (joined, answered))
                self.assertEqual(answered["state"], "verified", (joined, answered))
                self.assertEqual(joined["group"]["csb_id"], 0xabcdef01)
                self.assertEqual([k["key"] for k in joined["group"]["keys"]], ["c3" * 16, "c3" * 16])


if __name__ == "__main__":
    unittest.main()
