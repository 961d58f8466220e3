# SPDX-License-Identifier: Apache-2.0
"""Both ends in memory: every mode, loss, RETRY, fragments, tickets, every flipped bit, every misbehaviour. MIKEYV2_ALL_BITS=1 flips
every bit of joins too, and not one of each octet."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from mikeyv2 import dh, edits, fragments, flips, group_scenes, kept_scenes, message, misbehave  # noqa: E402, F401
from mikeyv2 import prf, scenes, signatures, vectors  # noqa: E402
from mikeyv2.certificates import Credentials  # noqa: E402
from mikeyv2.endpoint import Endpoint, kind_of  # noqa: E402
from mikeyv2.lab import *  # noqa: E402, F403
from mikeyv2.lab import drive  # noqa: E402
from mikeyv2.payloads import Sign  # noqa: E402
from mikeyv2.tables import *  # noqa: E402, F403

ALL_BITS = os.environ.get("MIKEYV2_ALL_BITS") == "1"
ALL_MODES = tuple(MODE_NAMES)


class Primitives(unittest.TestCase):
    def test_oakley_5_is_the_prime_of_rfc_2412(self):
        def arctan(x, unit):
            term = total = unit // x
            n, sign = 3, -1
            while term:
                term //= x * x
                total += sign * (term // n)
                n, sign = n + 2, -sign
            return total
        unit = 1 << 1500
        pi = 4 * (4 * arctan(5, unit) - arctan(239, unit))
        self.assertEqual(dh.OAKLEY5_P, 2**1536 - 2**1472 - 1 + 2**64 * ((pi >> 94) + 741804))

    def test_dh_agrees(self):
        for group in (X25519, P256, OAKLEY5):
            a, b = dh.Private(group, Seeded(1)), dh.Private(group, Seeded(2))
            self.assertEqual(a.secret(group, b.public), b.secret(group, a.public))
            self.assertEqual(len(a.public), DH_SIZE[group])

    def test_oaep_by_hand_is_the_librarys(self):
        key = KEYS.alice[S_RSA_PSS].private
        sealed = signatures.seal(key.public_key(), b"e" * 32, Seeded(3))
        self.assertEqual(signatures.open_(key, sealed, Seeded(4)), b"e" * 32)

    def test_prf_takes_inkey_in_blocks_of_256_bits(self):
        for number in (PRF_SHA256, PRF_MIKEY1):
            both = prf.prf(number, b"a" * 32 + b"b" * 7, b"label", 50)
            halves = [prf.prf(number, k, b"label", 50) for k in (b"a" * 32, b"b" * 7)]
            self.assertEqual(both, bytes(x ^ y for x, y in zip(*halves)))


class Modes(unittest.TestCase):
    def complete(self, lab):
        lab.run()
        self.assertEqual(lab.o.state, "done", [str(d) for d in lab.dropped()])
        self.assertIn("verified", lab.names())
        self.assertFalse(lab.dropped())
        entry = next(iter(lab.a.entries.values()))
        self.assertEqual(lab.o.sessions, entry.sessions)
        return lab

    def test_every_mode_unicast_and_join(self):
        for mode in ALL_MODES:
            for join in (False, True):
                with self.subTest(mode=MODE_NAMES[mode], join=join):
                    lab = self.complete(Lab((mode,), join))
                    self.assertEqual(lab.o.mode, mode)
                    if join:
                        self.assertEqual(lab.o.content.msks()[0].key, lab.group.msk)
                        self.assertIn("marked", lab.names())

    def test_every_algorithm(self):
        for mode in ALL_MODES:
            for o in ({"encr": (AES_CM_128,)}, {"encr": (KEY_WRAP,)}, {"mac": (HMAC_SHA1,)}, {"prf": (PRF_MIKEY1,)},
                      {"groups": (P256,)}, {"groups": (OAKLEY5,)}, {"profiles": (1,)}, {"profiles": (8, 7, 2)}):
                with self.subTest(mode=MODE_NAMES[mode], o=o):
                    a = {"mac": (2, 1), "prf": (1, 0), "policies": 3}
                    self.complete(Lab((mode,), o=o, a=a))

    def test_every_signature_type(self):
        for kind in (S_ED25519, S_ECDSA, S_RSA_PSS):
            for mode in (DH, EARLY_DH):
                with self.subTest(kind=kind, mode=mode):
                    self.complete(Lab((mode,), kind=kind, plan={"big_cap": True}))

    def test_a_seed_replays(self):
        for mode in (PSK, DHHMAC, EARLY_DHHMAC, DH, EARLY_DH):
            self.assertEqual(Lab((mode,)).run(), Lab((mode,)).run())
            self.assertNotEqual(Lab((mode,)).run(), Lab((mode,), seed=2).run())

    def test_o_takes_the_first_mode_that_a_takes(self):
        lab = self.complete(Lab((EARLY_DH, EARLY_DHHMAC, DHHMAC, PSK), a={"modes": (PSK, DHHMAC)}))
        self.assertEqual(lab.o.mode, DHHMAC)

    def test_a_bad_v_strikes_psk_type_modes_only(self):
        lab = Lab((PSK, DH))
        lab.bob.psks = {ALICE: b"another key, of 32 octets in all"}
        self.assertEqual(self.complete(lab).o.mode, DH)

    def test_streams_have_keys_of_their_own(self):
        lab = self.complete(Lab((PSK,), plan={"streams": ((3, 0), (1, 99), (2, 0))}, a={"policies": 2}))
        self.assertEqual([s.cs_id for s in lab.o.sessions], [1, 2, 3, 6])
        self.assertEqual(len({s.key for s in lab.o.sessions} | {s.ssrc for s in lab.o.sessions}), 8)
        self.assertEqual(lab.o.sessions[2].ssrc, 99)

    def test_127_streams_go_in_fragments(self):
        self.complete(Lab((PSK,), plan={"streams": ((3, 0),) * 127}))

    def test_certificates_by_hash_and_by_identity(self):
        for show in ("chash", "none"):
            for mode in (DH, EARLY_DH):
                lab = Lab((mode,), o={"show": show}, a={"show": show})
                lab.alice.trust.known = {BOB: KEYS.bob[S_ED25519].chain}
                lab.bob.trust.known = {ALICE: KEYS.alice[S_ED25519].chain}
                self.complete(lab)

    def test_a_pin_needs_no_authority(self):
        lab = Lab((DH,))
        lab.alice.trust = Trust(pins={BOB: {prf.H(KEYS.bob[S_ED25519].chain[0])}})
        self.complete(lab)

    def test_psk_without_v(self):
        lab = Lab((PSK,), True, a={"check_v": False}, plan={"use_v": False})
        self.complete(lab)
        self.assertEqual(lab.names()[-4:], ["verified", "marked", "keys", "done"])
        stranger = Lab((PSK,), True, a={"check_v": False}, plan={"use_v": False})
        stranger.bob.psks = {}
        self.assertEqual([d[1] for d in stranger.to_a(stranger.open())], [DT_PSK_RESP])  # a decoy


class Transport(unittest.TestCase):
    def test_loss_of_any_datagram(self):
        for mode in ALL_MODES:
            for join in (False, True):
                for lost in range(5):
                    with self.subTest(mode=mode, join=join, lost=lost):
                        lab = Lab((mode,), join)
                        drive(lab, lambda n: n == lost)
                        self.assertEqual(lab.o.state, "done")
                        self.assertEqual(lab.names().count("verified"), 1)

    def test_loss_of_one_in_four(self):
        for mode in ALL_MODES:
            lab, weather = Lab((mode,), mode == DH), Seeded(f"weather {mode}")
            drive(lab, lambda n: weather.fraction() < 0.25)
            self.assertEqual(lab.o.state, "done")

    def test_duplicates(self):
        for mode in ALL_MODES:
            lab = Lab((mode,), True)
            drive(lab, copies=3)
            self.assertEqual((lab.o.state, lab.names().count("keys"), lab.names().count("verified")), ("done", 1, 1))

    def test_nobody_answers(self):
        lab = Lab((PSK,))
        self.assertEqual(drive(lab, lambda n: True), 4)
        self.assertEqual((lab.o.state, lab.now - NOW >= 7.5, lab.now - NOW <= 9.375), ("failed", True, True))

    def test_keys_that_never_come(self):
        lab = Lab((PSK,))
        drive(lab, lambda n: n > 1 and n % 2 == 1)
        self.assertEqual(lab.names()[-1], "unconfirmed")
        self.assertIsNone(lab.o.sessions)

    def test_retry(self):
        for mode in ALL_MODES:
            for join in (False, True):
                lab = Lab((mode,), join)
                lab.a.load = True
                drive(lab)
                self.assertEqual((lab.o.state, len(lab.o.retries), len(lab.o.caps_sent)), ("done", 1, 2), lab.dropped())

    def test_answer_to_the_cap_before_retry(self):
        """O keeps every TH."""
        for mode in ALL_MODES:
            lab = Lab((mode,))
            cap = lab.open()
            answer = lab.to_a(cap)
            lab.a.load = True
            retry = lab.to_a(cap, ("192.0.2.77", 1)) if mode != EARLY_DH else None
            if retry:
                lab.to_o(retry)
            lab.to_o(lab.to_a(lab.to_o(answer)))
            self.assertEqual(lab.o.state, "done", lab.dropped())

    def test_early_dh_gets_its_fresh_by_retry(self):
        lab = Lab((EARLY_DH,), True, plan={"fresh": b"-" * 16}, a={"modes": (EARLY_DH,)})
        drive(lab)
        self.assertEqual((lab.o.state, lab.o.mode, len(lab.o.retries)), ("done", EARLY_DH, 1))
        self.assertEqual(lab.o.fresh, lab.a.fresh.now(lab.now))

    def test_early_dh_without_fresh_is_mode_3_which_it_implies(self):
        lab = Lab((EARLY_DH,), plan={"fresh": b"-" * 16})
        drive(lab)
        self.assertEqual((lab.o.state, lab.o.mode, lab.o.retries), ("done", DH, []))

    def test_fragmented_cap(self):
        for mode in (DH, EARLY_DH):
            lab = Lab((mode,), plan={"big_cap": True, "fresh": b"-" * 16 if mode == EARLY_DH else None}, a={"modes": (mode,)})
            mine = KEYS.alice[S_ED25519]
            lab.alice.credentials = (Credentials(mine.private, mine.chain + (der(KEYS.root),) * 3),)
            drive(lab)
            self.assertEqual((lab.o.state, len(lab.o.retries)), ("done", 1), lab.dropped())
            self.assertNotIn(T_COOKIE, lab.o.offer)

    def test_fragments_in_any_order_and_size(self):
        whole = Seeded(1).octets(9000)
        for order in (1, -1):
            parts = fragments.split(whole, 7)[::order]
            buffers = fragments.Buffers()
            got = [buffers.add(0, O_ADDRESS, message.decode(p).one(message.Fragment)) for p in parts]
            self.assertEqual(got, [None] * 7 + [whole])
        with self.assertRaises(fragments.Refused):
            fragments.split(bytes(8 * 1201 + 1), 7)
        self.assertEqual(max(map(len, fragments.split(bytes(8 * 1201), 7))), DATAGRAM)

    def test_a_forgets(self):
        lab = Lab((PSK,))
        lab.run()
        lab.now += 10
        lab.to_a([b""])
        self.assertFalse(lab.a.entries)

    def test_a_full_cache_wants_cookies(self):
        lab = Lab((PSK,))
        kinds = []
        for i in range(60):
            lab.again()
            kinds += [d[1] for d in lab.to_a(lab.open(), ("192.0.2.3", i))]
        self.assertEqual((kinds[0], kinds[-1], len(lab.a.entries)), (DT_PSK_RESP, DT_RETRY, 48))


class BothOpen(unittest.TestCase):
    def ends(self, seed):
        one, two = Lab((PSK,), seed=f"one {seed}"), Lab((PSK,), seed=f"two {seed}")
        two.o = Offerer(one.bob, Plan(O_ADDRESS, ALICE, (PSK,)), Seeded(f"bob opens {seed}"))
        two.a = Answerer(one.alice, Seeded("alice answers"))
        alice, bob = Endpoint(one.o, two.a), Endpoint(two.o, one.a)
        return {O_ADDRESS: alice, A_ADDRESS: bob}

    def test_one_exchange_is_left(self):
        for seed in range(8):
            ends = self.ends(seed)
            other = {O_ADDRESS: A_ADDRESS, A_ADDRESS: O_ADDRESS}
            queue = [(at, s.octets) for at, e in ends.items() for s in e.o.open(NOW)]
            while queue:
                source, octets = queue.pop(0)
                to = other[source]
                queue += [(to, s.octets) for s in ends[to].receive(NOW, source, octets) if isinstance(s, Send)]
            states = {e.o.rand_i: e.o.state for e in ends.values()}
            self.assertEqual([states[r] for r in sorted(states)], ["done", "failed"])
            loser = max(ends.values(), key=lambda e: e.o.rand_i)
            self.assertEqual(len(loser.a.entries), 1)
            self.assertFalse([e for e in min(ends.values(), key=lambda e: e.o.rand_i).a.entries.values() if e.finish])

    def test_a_forged_cap_ends_nothing(self):
        ends = self.ends(1)
        alice, bob = ends[O_ADDRESS], ends[A_ADDRESS]
        (cap,) = alice.o.open(NOW)
        answered = 0
        without_sign = lambda point, v: edits.removed(Sign)(v) if point == "cap.payloads" else v
        for seed in range(8):  # mode 3 without SIGN: who forges it needs no key, and can choose RANDi
            forger = Offerer(Party(BOB, credentials=(KEYS.bob[S_ED25519],), policy=all_policy()), Plan(O_ADDRESS, ALICE, (DH,)),
                             Seeded(f"forger {seed}"), without_sign)
            for s in forger.open(NOW):
                answered += any(isinstance(x, Send) for x in alice.receive(NOW, A_ADDRESS, s.octets))
        bob_said = [x.octets for x in bob.receive(NOW, O_ADDRESS, cap.octets)]
        alice.receive(NOW, A_ADDRESS, bob_said[0])
        self.assertEqual((answered, alice.o.state), (8, "answered"))

    def test_shared_port(self):
        stun = b"\0\1\0\0" + STUN_MAGIC.to_bytes(4, "big")
        kinds = [kind_of(o) for o in (b"\x80", b"\xbf", b"\x14", b"\x3f", stun, b"\2" + stun[1:], b"\2\xf1", b"\1", b"\x40", b"")]
        self.assertEqual(kinds, ["rtp", "rtp", "dtls", "dtls", "stun", "stun", "mikeyv2", "dropped", "dropped", "dropped"])


class Tickets(unittest.TestCase):
    def test_every_kind_resumes_once(self):
        for sealed in (False, True):
            for first in ALL_MODES:
                with self.subTest(sealed=sealed, first=first):
                    lab = scenes.resumable(sealed, (first,))
                    lab.run()
                    self.assertEqual(lab.o.state, "done", lab.dropped())
                    following, _ = lab.alice.peers.to(ALICE, BOB, lab.now)
                    self.assertNotEqual(following.id, lab.plan.resume.id)
                    self.assertEqual(len(lab.alice.peers.held), 1)

    def test_a_chain_of_resumptions(self):
        lab = scenes.resumable()
        for _ in range(4):
            lab.run()
            self.assertEqual(lab.o.state, "done")
            lab.plan.resume, _ = lab.alice.peers.to(ALICE, BOB, lab.now)
            lab.again()

    def test_the_original_answerer_opens_by_ticket_id(self):
        lab = scenes.resumable(False)
        there = Lab((PSK,))  # its ends are swapped: bob opens
        there.plan = Plan(A_ADDRESS, ALICE, (DHHMAC, PSK))
        there.plan.resume, there.plan.as_id = lab.bob.peers.to(BOB, ALICE, lab.now)
        self.assertTrue(there.plan.as_id)
        there.o = Offerer(lab.bob, there.plan, Seeded("b"))
        there.a = Answerer(lab.alice, Seeded("a"))
        there.run()
        self.assertEqual(there.o.state, "done", there.dropped())
        self.assertFalse(lab.alice.peers.held)

    def test_a_join_resumes(self):
        lab = Lab((DHHMAC,), True, a={"give_tickets": True})
        lab.run()
        lab.plan.resume, _ = lab.alice.peers.to(ALICE, GROUP_URI, lab.now)
        lab.plan.modes = (EARLY_DHHMAC, PSK)
        lab.alice.psks = lab.bob.psks = {}
        lab.again()
        lab.run()
        self.assertEqual((lab.o.state, lab.o.content.msks()[0].key), ("done", lab.group.msk))


class Fresh(unittest.TestCase):
    def test_a_recorded_cap_brings_nobody_back(self):
        lab = Lab((PSK,), True)
        cap = lab.open()
        lab.a.left[ALICE] = 1
        self.assertEqual([d[1] for d in lab.to_a(cap)], [DT_RETRY])
        lab.again()
        lab.run()
        self.assertEqual((lab.o.state, len(lab.o.retries)), ("done", 1))
        lab.plan.fresh = lab.o.fresh  # KEYS gave that of a member that left
        lab.again()
        lab.run()
        self.assertEqual((lab.o.state, len(lab.o.retries)), ("done", 0))


class Bits(unittest.TestCase):
    def test_every_flipped_bit(self):
        for join in (False, True):
            for mode in ALL_MODES:
                with self.subTest(mode=MODE_NAMES[mode], join=join):
                    count, wrong = flips.check(mode, join, 8 if join and not ALL_BITS else 1)
                    self.assertGreater(count, 1000)
                    self.assertEqual(wrong, [])


class Vectors(unittest.TestCase):
    def test_worked_numbers_are_whole(self):
        found = vectors.everything()
        self.assertEqual(len(found["exchanges"]), 24)
        self.assertEqual(len(found["group_rekey"]["packets"]), 3)


class Misbehaviours(unittest.TestCase):
    def test_table(self):
        self.assertEqual(len(misbehave.TABLE), len(misbehave.BY_NAME))
        for m in misbehave.TABLE:
            with self.subTest(m.name, clause=m.clause):
                held, seen = misbehave.run(m, Lab)
                self.assertTrue(held, [str(s) for s in seen])

    def test_scenes(self):
        for name, (clause, play) in scenes.SCENES.items():
            with self.subTest(name, clause=clause):
                held, seen = play()
                self.assertTrue(held, [str(s) for s in seen])


class CommandLine(unittest.TestCase):
    """Over UDP on the loopback, with keys from files."""

    def command(self, *args, **pipes):
        here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        return subprocess.Popen([sys.executable, "-m", "mikeyv2", *args], cwd=here, text=True, stdout=subprocess.PIPE, **pipes)

    def exchange(self, answer=(), offer=()):
        with tempfile.TemporaryDirectory() as folder:
            psk = os.path.join(folder, "psk")
            with open(psk, "w") as f:
                f.write(PSK_AB.hex())
            modes = ("--modes", "early-dhhmac,psk")
            a = self.command("answer", "--identity", "nai:bob@example.org", "--psk-file", f"uri:sip:alice@example.org={psk}",
                             "--listen", "127.0.0.1:0", *modes, *answer, stderr=subprocess.PIPE)
            port = a.stderr.readline().split()[-1]
            o = self.command("offer", "--identity", "uri:sip:alice@example.org", "--psk-file", f"nai:bob@example.org={psk}",
                             "--peer", "nai:bob@example.org", "--to", f"127.0.0.1:{port}", *modes, *offer)
            results = [json.loads(p.communicate(timeout=60)[0]) for p in (o, a)]
            return results, (o.returncode, a.returncode)

    def test_both_ends_have_the_same_keys(self):
        (o, a), codes = self.exchange(("--load",))
        self.assertEqual((o["state"], o["retries"], a["state"], codes), ("done", 1, "verified", (0, 0)))
        self.assertEqual(o["sessions"], a["sessions"])
        self.assertTrue(o["sessions"][0]["key"].startswith("sha256:"))

    def test_misbehaviour_by_name(self):
        (o, a), codes = self.exchange(("--seconds", "1.5"), ("--misbehave", "swapped TLV order", "--seconds", "1"))
        self.assertEqual((o["state"], a["state"], codes), ("offered", "over", (1, 1)))
        self.assertIn("rising order", a["dropped"][0])


if __name__ == "__main__":
    unittest.main(warnings="ignore")
