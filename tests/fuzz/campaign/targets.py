# SPDX-License-Identifier: Apache-2.0
"""The fuzz targets as tests/fuzz/CMakeLists.txt lists them."""

import dataclasses
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[3]
LISTS = TOP / "tests/fuzz/CMakeLists.txt"
CORPUS = TOP / "tests/fuzz/corpus"

CALL = "keymast_fuzz_target("
KEYWORDS = ("USES", "DICTIONARY", "COVERS", "LEAVES_OUT")


@dataclasses.dataclass
class Target:
    """One keymast_fuzz_target call. `leaves_out` maps a function to the reason beside it."""
    name: str
    dictionary: str = ""
    covers: list = dataclasses.field(default_factory=list)
    leaves_out: dict = dataclasses.field(default_factory=dict)

    @property
    def corpus(self):
        return CORPUS / self.name

    def inputs(self):
        return sorted(path for path in self.corpus.glob("*") if path.is_file())


def words_of(text):
    """Pairs (word, comment of its line), calls closed by a word of their own."""
    for line in text.splitlines():
        code, _, comment = line.partition("#")
        for word in re.findall(r"[^\s()]+\(|[^\s()]+|\)", code):
            yield word, comment.strip()


def parse(text):
    """Targets by name, in the order of the file."""
    targets, current, keyword = {}, None, None
    for word, comment in words_of(text):
        if word == CALL:
            current, keyword = Target(""), "NAME"
        elif current is None:
            continue
        elif word == ")":
            targets[current.name], current = current, None
        elif word in KEYWORDS:
            keyword = word
        elif keyword == "NAME":
            current.name = word
        elif keyword == "DICTIONARY":
            current.dictionary = word
        elif keyword == "COVERS":
            current.covers.append(word)
        elif keyword == "LEAVES_OUT":
            current.leaves_out[word] = comment
    return targets


def read():
    return parse(LISTS.read_text())
