# SPDX-License-Identifier: Apache-2.0
"""Removes one check from a copy of a source, and builds mikeyv2_target with it: one or two objects are compiled, and it is linked anew.

The files of tests/interop/mutants have a block for each check of our MIKEYv2:

== its title
short           built by ./test; all others by ./test --long
in FILE         where `- source` stands once, and becomes `+ source`; lines and indentation do not matter
via FILE        a source that sees a changed header
red ATTACK      succeeds without the check; `*` in a name is anything
reason ATTACK   is stopped by another check then, for another reason

Where checks stand behind each other, a block takes out all of them, and a comment says so."""
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field


@dataclass
class Edit:
    file: str
    old: list = field(default_factory=list)
    new: list = field(default_factory=list)


@dataclass
class Mutant:
    """A block."""
    title: str
    place: str  # where it stands
    edits: list = field(default_factory=list)  # several where checks stand behind each other
    via: list = field(default_factory=list)  # sources that see a header
    red: list = field(default_factory=list)  # attacks that ours no longer holds
    reason: list = field(default_factory=list)  # attacks that another check stops then, for another reason
    is_short: bool = False

    def files(self):
        return list(dict.fromkeys(e.file for e in self.edits))

    def sources(self):
        return self.via + [f for f in self.files() if f.endswith(".cc")]


class Odd(Exception):
    """What a block has does not fit."""


def read(folder, names):
    return [mutant for path in sorted(folder.glob("*.txt")) for mutant in _read(path, names)]


def _read(path, names):
    found = []
    for number, text in enumerate(path.read_text().splitlines(), 1):
        word, _, rest = text.partition(" ")
        if not text.strip() or word.startswith("#"):
            continue
        if word == "==":
            found.append(Mutant(rest, f"{path.name}:{number}"))
        elif word in ("in", "via", "red", "reason", "short"):
            _take(found[-1], word, rest, names)
        elif word in ("-", "+"):
            edit = found[-1].edits[-1]
            (edit.old if word == "-" else edit.new).append(rest)
        else:
            raise Odd(f"{path.name}:{number}: {text}")
    return found


def _take(mutant, word, rest, names):
    if word == "in":
        mutant.edits.append(Edit(rest))
    elif word == "short":
        mutant.is_short = True
    elif "*" in rest:
        pattern = ".*".join(map(re.escape, rest.split("*")))
        found = [name for name in names if re.fullmatch(pattern, name)]
        if not found:
            raise Odd(f"{mutant.title} ({mutant.place}): no attack is {rest}")
        getattr(mutant, word).extend(found)
    else:
        getattr(mutant, word).append(rest)


def mutated(mutant, file, text):
    """The text without the check; where lines end, and how far they are indented, does not matter."""
    for edit in mutant.edits:
        if edit.file != file:
            continue
        words = " ".join(edit.old).split()
        pattern = r"\s+".join(re.escape(w) for w in words)
        places = len(re.findall(pattern, text))
        if places != 1 or not words:
            raise Odd(f"{mutant.title} ({mutant.place}): found {places} times in {file}")
        text = re.sub(pattern, lambda _: " ".join(edit.new), text)
    return text


class Builder:
    def __init__(self, source, build):
        self.source, self.build = source, build
        self.place = build / "mutants"
        shutil.rmtree(self.place, ignore_errors=True)  # what a run that was ended has left
        listed = subprocess.run(["ninja", "-C", build, "-t", "commands", "mikeyv2_target"], capture_output=True, text=True, check=True)
        self.commands = listed.stdout.splitlines()

    def binary(self, mutant):
        """Compiled without optimization and sanitizers, which takes half the time."""
        copies = [self.place / "src" / file for file in mutant.files()]
        for file, copy in zip(mutant.files(), copies):
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(mutated(mutant, file, (self.source / file).read_text()))
        try:
            objects = [self._compile(source) for source in mutant.sources()]
        finally:
            for copy in copies:
                copy.unlink()
        out = self.place / "mikeyv2_target"
        link = next(c for c in self.commands if " -o bin/mikeyv2_target " in c)
        link = link.replace(" -o bin/mikeyv2_target ", f" -o {out} ")
        first = "tests/interop/CMakeFiles/mikeyv2_target.dir"
        self._run(link.replace(f" {first}", f" {' '.join(map(str, objects))} {first}", 1), mutant.title)
        return out

    def _compile(self, source):
        command = next(c for c in self.commands if c.endswith(f" -c {self.source / source}"))
        mutant = self.place / "src" / source
        path = mutant if mutant.exists() else self.source / source
        out = self.place / (source.replace("/", "_") + ".o")
        command = re.sub(r" -M[DTF]( \S+\.o(\.d)?)?(?= )", "", command)
        command = re.sub(r" (-O1|-g1|-fsanitize=\S+|-fno-sanitize\S+|-Werror)(?= )", "", command)
        command = re.sub(r" -o \S+ -c \S+$", f" -O0 -w -o {out} -c {path}", command)
        self._run(command.replace(" -I", f" -I{self.place}/src -I", 1), source)
        return out

    def _run(self, command, what):
        alone = {**os.environ, "CCACHE_DISABLE": "1"}  # nobody else wants these objects
        done = subprocess.run(command, shell=True, cwd=self.build, capture_output=True, text=True, env=alone)
        if done.returncode:
            raise Odd(f"{what} does not build:\n{done.stderr[:3000]}")
