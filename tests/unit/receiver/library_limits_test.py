#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What libkeymast-receiver takes of a device: text, stack, symbols of others.

library_limits_test.py ARCHIVE OBJECTS TEXT STACK [TOOLS]: the archive, the folder with the
compiler's call graphs (-fcallgraph-info=su) of what it is made of, the most octets of text, constants
with it, and of stack, beside what the caller's functions take, and what stands in front of the names
of another machine's tools.
"""
import pathlib
import re
import subprocess
import sys
import unittest

# What a freestanding C compiler may ask of every program; strlen is of string constants.
ALLOWED = {"memcmp", "memcpy", "memmove", "memset", "strlen"}
# Of ARM's own runtime (RTABI §4.3.1): integers are divided by calls. None takes much of the stack.
DIVISIONS = {"__aeabi_ldivmod", "__aeabi_uldivmod", "__aeabi_uidivmod", "__aeabi_uidiv"}
# Of our own code behind a pointer: what hands on to the caller's table, and the visitors of a
# payload.
TO_TABLE = r"(table\.cc:.*(4Hmac|6Sha256|6AesCtr|6X25519|13Ed25519Verify)|TableRng4Fill)"
BEHIND_POINTERS = TO_TABLE + "|__visit_invoke"
# What hands on to the caller's certificates is behind none.
TO_OWNER = r"2v2(5Trust5Judge|11ComputeSign|9CheckSign|12OpenEnvelope)"


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Graph:
    """The call graphs of all objects, with the frame of each function."""

    def __init__(self, folder):
        self.frames = {}
        self.callees = {}
        self.unbounded = []
        for path in sorted(pathlib.Path(folder).rglob("*.ci")):
            for line in path.read_text().splitlines():
                self.read(line)
        self.worst = {}

    @staticmethod
    def plain(title):
        """Constructors and destructors have two names for one function."""
        return re.sub(r"([CD])1E", r"\g<1>2E", title)

    def read(self, line):
        if node := re.match(r'node: \{ title: "([^"]*)" label: "([^"]*)"', line):
            if frame := re.search(r"\\n(\d+) bytes \(([^)]*)\)", node[2]):
                name = self.plain(node[1])  # of an inline function several objects have one
                self.frames[name] = max(self.frames.get(name, 0), int(frame[1]))
                if frame[2] not in ("static", "dynamic,bounded"):
                    self.unbounded.append(node[1])
        if edge := re.match(r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"', line):
            self.callees.setdefault(self.plain(edge[1]), set()).add(self.plain(edge[2]))

    def targets(self, name):
        if name == "__indirect_call":
            return {f for f in self.frames if re.search(BEHIND_POINTERS, f)}
        callees = self.callees.get(name, set())
        is_ours = not re.search(f"{TO_TABLE}|{TO_OWNER}", name)
        return callees if is_ours else callees - {"__indirect_call"}

    def depth(self, name, path=()):
        """The octets of the worst chain from a function on, and the chain."""
        if name in path:
            raise AssertionError(f"recursion: {' > '.join(path)} > {name}")
        if name not in self.worst:
            below = [self.depth(target, path + (name,)) for target in self.targets(name)]
            octets, chain = max(below, default=(0, ()))
            # A call puts its return address on the stack.
            self.worst[name] = (self.frames.get(name, 0) + 8 + octets, (name,) + chain)
        return self.worst[name]


class Limits(unittest.TestCase):
    def test_text(self):
        header, line = output(TOOLS + "size", ARCHIVE).splitlines()[:2]
        text, data, bss = (int(word) for word in line.split()[:3])
        self.assertEqual(header.split()[:3], ["text", "data", "bss"])
        print(f"\ntext {text}, tables that are filled in when loaded {data}")
        self.assertLessEqual(text + data, TEXT)
        self.assertEqual(bss, 0)

    def test_nothing_but_tables_is_data(self):
        for line in output(TOOLS + "nm", ARCHIVE).splitlines():
            self.assertNotRegex(line, r" [bBDuC] ")

    def test_asks_for_no_allocator_and_no_runtime(self):
        wanted = {line.split()[-1] for line in output(TOOLS + "nm", "-u", ARCHIVE).splitlines() if line}
        wanted = {name for name in wanted if not name.endswith(":")}
        self.assertLessEqual(wanted, ALLOWED)
        self.assertIn("memmove", wanted)  # the list was read

    def test_shows_the_names_of_the_header_alone(self):
        shown = {line.split()[-1] for line in output(TOOLS + "nm", "-g", "--defined-only",
                                                   ARCHIVE).splitlines() if len(line.split()) == 3}
        declared = set(re.findall(r"\b(keymast_(?:receiver|reason)_\w+)\(", HEADER.read_text()))
        self.assertEqual(shown, declared)

    def test_stack(self):
        graph = Graph(OBJECTS)
        roots = [name for name in graph.frames if name.startswith("keymast_")]
        self.assertGreater(len(roots), 10)
        self.assertTrue(graph.targets("__indirect_call"))
        octets, chain = max(graph.depth(root) for root in roots)
        print(f"\nstack {octets}: " + " > ".join(
            f"{name.rsplit(':', 1)[-1]} {graph.frames.get(name, 0)}" for name in chain))
        self.assertLessEqual(octets, STACK)
        self.assertEqual(graph.unbounded, [])
        # Every function of ours on the way has a frame that is known.
        called = {target for name in graph.worst for target in graph.targets(name)}
        unknown = {t for t in called if t not in graph.frames and t != "__indirect_call"}
        self.assertLessEqual(unknown, ALLOWED)

    def test_a_recursion_is_found(self):
        graph = Graph("/nonexistent")
        graph.callees = {"a": {"b"}, "b": {"a"}}
        with self.assertRaises(AssertionError):
            graph.depth("a")


if __name__ == "__main__":
    ARCHIVE, OBJECTS = sys.argv[1:3]
    TEXT, STACK = map(int, sys.argv[3:5])
    TOOLS = sys.argv[5] if len(sys.argv) > 5 else ""
    if TOOLS:
        ALLOWED |= DIVISIONS
    HEADER = pathlib.Path(__file__).parents[3] / "include/keymast/receiver.h"
    unittest.main(argv=sys.argv[:1])
