# SPDX-License-Identifier: Apache-2.0
"""With a check compiled out, the attacks on it succeed: the files of mutants have a block for each check of our MIKEYv2.

mutants_test.py                    each block fits the sources; those marked `short` are built and attacked, all with KEYMAST_LONG=1
mutants_test.py --only WORD        those whose title or file has the word are built and attacked
mutants_test.py --discover WORD    of the blocks without attacks, those whose title or file has the word: what they no longer hold;
                                   in one mode each, but for --all-modes
"""

import os
import pathlib
import sys
import unittest

from attacks import mutants, suite, target

SOURCE = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"])
BIN = pathlib.Path(os.environ["KEYMAST_BIN"])
LONG = os.environ.get("KEYMAST_LONG") == "1"
ONLY = sys.argv.pop() if "--only" in sys.argv else None
TABLE = mutants.read(pathlib.Path(__file__).parent / "mutants", suite.names())

# Attacks without a check that could be taken out, and why there is none.
WITHOUT_CHECK = {
    "a CAP at once, with a lesser RANDi, that nobody finishes": "whoever owns both machines asks of a finish alone whether one gives way",
    "RETRY changes nothing but cookie and FRESH": "O writes each CAP from its own wish, and reads nothing else of RETRY",
}


def play(binary, names, every_mode=True):
    """{(name, mode): what was seen}; where a machine dies each attack gets one of its own, and that is what was seen of it."""
    try:
        ours = target.Target(binary)
        results = suite.run(ours, names, every_mode)
        ours.close()
    except target.Died as died:
        if len(names) == 1:
            return {(name, None): ("died", str(died) or "died") for name in names}
        return {key: seen for name in names for key, seen in play(binary, {name}, every_mode).items()}
    return {(attack.name, attack.mode): (outcome, wrong) for attack, outcome, wrong in results}


def verdicts(binary, names, usual=None, every_mode=True):
    """(attacks that succeed, attacks that are stopped for another reason than usual)."""
    usual, seen = usual or play(BIN / "mikeyv2_target", names, every_mode), play(binary, names, every_mode)
    red = {name for (name, _), (_, wrong) in seen.items() if wrong}
    other = {name for (name, mode), (outcome, _) in seen.items() if (outcome, None) != usual.get((name, mode), (None, None))}
    return red, other - red


class Mutants(unittest.TestCase):
    def test_every_block_fits_the_sources(self):
        titles = [m.title for m in TABLE]
        self.assertEqual(sorted(titles), sorted(set(titles)))
        for m in TABLE:
            with self.subTest(m.title):
                for file in m.files():
                    mutants.mutated(m, file, (SOURCE / file).read_text())
                self.assertTrue(m.red or m.reason, "it attacks nothing")
                self.assertLessEqual(set(m.red + m.reason), set(suite.names()))

    def test_every_attack_has_a_check(self):
        attacked = {name for m in TABLE for name in m.red + m.reason}
        self.assertEqual(set(suite.names()) - attacked, set(WITHOUT_CHECK), "a block, or WITHOUT_CHECK, lacks them")

    def test_attacks_succeed_without_the_check(self):
        builder = mutants.Builder(SOURCE, BIN.parent)
        built = [m for m in TABLE if (is_of(m, ONLY) if ONLY else LONG or m.is_short)]
        self.assertTrue(built)
        for m in built:
            with self.subTest(m.title, files=m.files()):
                red, other = verdicts(builder.binary(m), set(m.red + m.reason))
                self.assertEqual(red, set(m.red))
                self.assertEqual(other, set(m.reason))

    def test_most_attacks_are_attacks_on_a_check(self):
        self.assertGreaterEqual(len({name for m in TABLE for name in m.red}), 60)


def is_of(mutant, word):
    return word in mutant.title or any(word in f for f in mutant.files())


def sides(mutant):
    """Whom its files concern: our Offerer, our Answerer, what takes the messages of a group."""
    of = {"offerer": "O", "answer_rules": "O", "contents": "O", "party": "O", "csb": "O",
          "answerer": "A", "exchange_cache": "A", "cookies": "A", "key_ids": "A",
          "group_rekey_reader": "G", "group_rekey_state": "G", "group_rekey_packet": "G", "merkle": "G",
          "mtk_signature": "G", "report": "G", "reporter": "G", "loose_keys": "G", "keyring": "G"}
    return {side for f in mutant.files() for side in of.get(pathlib.Path(f).stem, "OAG")}


def discover(word, every_mode):
    builder = mutants.Builder(SOURCE, BIN.parent)
    order = suite.names()
    concerns = {n: suite.concerns(n) for n in order if not n.startswith("a bit of each")}
    usual = play(BIN / "mikeyv2_target", set(concerns), every_mode)
    for m in TABLE:
        if m.red or m.reason or not is_of(m, word):
            continue
        try:
            red, other = verdicts(builder.binary(m), {n for n in concerns if concerns[n] in sides(m)}, usual, every_mode)
        except mutants.Odd as odd:
            print("==", m.title, "\n", odd, flush=True)
            continue
        print("==", m.title, flush=True)
        for kind, found in (("red", red), ("reason", other)):
            for name in sorted(found, key=order.index)[:12]:
                print(kind, name, flush=True)


if __name__ == "__main__":
    if "--discover" in sys.argv:
        discover(sys.argv[2], "--all-modes" in sys.argv)
    elif ONLY:
        unittest.main(argv=sys.argv[:1], defaultTest="Mutants.test_attacks_succeed_without_the_check")
    else:
        unittest.main()
