# SPDX-License-Identifier: Apache-2.0
"""The public functions of the rooms that may be given octets from outside.

The rule errs on the side of asking. A function is asked about when a header of a room declares it
where others can call it, and it has a parameter
  - of octets (ByteView, MutableBytes, spans of them or of uint8_t, streams), unless its name begins
    with a verb of those who only write, or
  - of text (string_view, string) or of a protobuf message, and its name begins with a verb of those
    who read."""

import dataclasses
import re

from .targets import TOP

OCTETS = re.compile(r"\b(ByteView|MutableBytes|keymast_octets|(span|array)<(const )?uint8_t|istream|"
                    r"const uint8_t ?\*|(Secret)?Bytes&)")
TEXT = re.compile(r"\b(string_view\b|string&|path\b|(v1|core|protobuf)::\w+&)")
WRITES = ("Write", "Put", "Append", "Seal", "Make", "Send", "Draw", "Paste", "Log", "Print", "Hash",
          "Fill", "Protect")
READS = ("Parse", "Read", "Open", "Decode", "Inspect", "From", "Receive", "Take", "Dump", "Load",
         "On", "Unwrap", "Unprotect", "Verify", "Check", "Find", "Is", "Apply", "Answer", "Replay",
         "Recover", "Restore", "Merge", "Translate", "Value", "Scan")
ENDS = ("FromName", "FromText", "FromProto", "FromHex", "FromJson")


@dataclasses.dataclass(frozen=True)
class Function:
    """`name` with its class, without namespaces; `header` as one includes it."""
    name: str
    header: str

    @property
    def last(self):
        return self.name.rpartition("::")[2]

    def __str__(self):
        return f"{self.header.rpartition('/')[0]}::{self.name}"


def bare(text):
    """Without comments, literals and directives."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r'"(\\.|[^"\\])*"', '""', text)
    return re.sub(r"^\s*#[^\n]*(\\\n[^\n]*)*", "", text, flags=re.M)


class Scopes:
    """Which classes are open, and whether what stands there can be called from outside."""

    def __init__(self):
        self.open = []  # [class name or "" or None for a body, is public]

    def push(self, head):
        found = re.search(r"\b(class|struct)\s+(?:\[\[\w+\]\]\s*)?([\w:]+)[^;=()]*$", head)
        if found and not re.search(r"\benum\b", head):
            self.open.append([found[2], found[1] == "struct"])
        elif re.search(r"\b(namespace|extern)\b[^;()]*$", head):
            self.open.append(["", True])
        else:
            self.open.append([None, False])

    def pop(self):
        if self.open:
            self.open.pop()

    def access(self, word):
        if self.open:
            self.open[-1][1] = word == "public"

    def is_public(self):
        return all(public for _, public in self.open)

    def qualified(self, name):
        return "::".join([scope for scope, _ in self.open if scope] + [name])


def declaration(head):
    """(name, parameters) of a declaration, or nothing."""
    head = re.sub(r"\btemplate\s*<[^;{]*?>\s*(?=\w)", "", head)
    pointer = re.search(r"\(\*(\w+)\)\s*\((.*)\)", head, re.S)
    if pointer:
        return pointer[1], pointer[2]
    plain = re.search(r"\b(?!void\b)(\w+)\s*\((.*)", head, re.S)
    return (plain[1], plain[2]) if plain else None


def declarations(text):
    """(qualified name, parameters) of every public function of a header."""
    scopes, head = Scopes(), ""
    for token in re.findall(r"\b(?:public|private|protected)\s*:(?!:)|[;{}]|[^;{}]", bare(text)):
        if token in ";{}":
            found = declaration(head) if token in ";{" and scopes.is_public() else None
            if found:
                yield scopes.qualified(found[0]), found[1]
            if token == "{":
                scopes.push(head)
            elif token == "}":
                scopes.pop()
            head = ""
        elif token.rstrip(" :") in ("public", "private", "protected"):
            scopes.access(token.rstrip(" :"))
            head = ""
        else:
            head += token


def reads(name, parameters):
    last = name.rpartition("::")[2]
    if OCTETS.search(parameters):
        return not last.startswith(WRITES)
    first = last[0].upper() + last[1:]
    return bool(TEXT.search(parameters)) and (first.startswith(READS) or last.endswith(ENDS) or
                                              last.endswith("Of"))


def all_readers(rooms):
    """Those of the rooms, of what is inside them, and of the headers for C."""
    found = set()
    for folder in (*rooms, "include"):
        for path in sorted((TOP / folder).rglob("*.h")):
            header = str(path.relative_to(TOP)).removeprefix("include/")
            found.update(Function(name, header) for name, parameters
                         in declarations(path.read_text()) if reads(name, parameters))
    return sorted(found, key=lambda f: (f.header, f.name))
