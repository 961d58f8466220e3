# SPDX-License-Identifier: Apache-2.0
"""Which lines the corpora in the tree reach, of the files that a target is about (COVERS in
tests/fuzz/CMakeLists.txt), by clang's source coverage."""

import json
import os
import re
import subprocess

from . import log
from .targets import TOP

BUILD = TOP / "build/coverage"
LEAST_PERCENT = 80  # of the lines


def build(targets):
    subprocess.run(["cmake", "--preset", "coverage"], cwd=TOP, check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "--preset", "coverage", "--target",
                    *(f"fuzz_{target.name}" for target in targets)], cwd=TOP, check=True)


def output_of(*words, **more):
    return subprocess.run([str(word) for word in words], cwd=TOP, check=True, text=True,
                          stdout=subprocess.PIPE, **more).stdout


def replay(target):
    """Runs the corpus in the tree; gives the two files that llvm-cov reads."""
    program = BUILD / "bin" / f"fuzz_{target.name}"
    raw, data = (BUILD / f"{target.name}.{end}" for end in ("profraw", "profdata"))
    raw.unlink(missing_ok=True)
    output_of(program, target.corpus, env={**os.environ, "LLVM_PROFILE_FILE": str(raw)})
    output_of("llvm-profdata-14", "merge", "-sparse", raw, "-o", data)
    return program, data


def export(program, data, kind):
    return output_of("llvm-cov-14", "export", f"-format={kind}", f"-instr-profile={data}", program,
                     stderr=subprocess.DEVNULL)


def in_tree(path):
    """Paths in the objects are relative to the source folder (cmake/Flags.cmake)."""
    return os.path.relpath(os.path.join(TOP, path), TOP)


def lines_of(lcov):
    """Per file, how often each line with code was run."""
    files, lines = {}, {}
    for line in lcov.splitlines():
        if line.startswith("SF:"):
            lines = files.setdefault(in_tree(line[3:]), {})
        elif line.startswith("DA:"):
            number, count = line[3:].split(",")[:2]
            lines[int(number)] = max(lines.get(int(number), 0), int(count))
    return files


def functions_of(exported):
    """(name without arguments, file, first line, last line) of every function with code."""
    functions = [function for data in exported["data"] for function in data["functions"]]
    # Names of file-local functions have their file before them.
    mangled = "\n".join(function["name"].rpartition(":")[2] for function in functions)
    names = output_of("llvm-cxxfilt-14", input=mangled).splitlines()
    for name, function in zip(names, functions):
        region = function["regions"][0]
        yield plain(name), in_tree(function["filenames"][region[5]]), region[0], region[2]


def plain(name):
    """keymast::A::B of `int keymast::(anonymous namespace)::A<C>::B(D) const`."""
    name = re.sub(r"\(anonymous namespace\)::|\[abi:\w+\]", "", name)
    kept, depth = "", 0
    for letter in name:
        if letter == "(" and depth == 0:
            break
        depth += (letter == "<") - (letter == ">")
        kept += letter if depth == 0 and letter != ">" else ""
    return kept.split(" ")[-1]


def matches(name, wanted):
    return name == wanted or name.endswith("::" + wanted)


def left_out(target, functions):
    """Lines of the functions that the target cannot reach, by file."""
    lines, missing = {}, set(target.leaves_out)
    for name, path, first, last in functions:
        for wanted in target.leaves_out:
            if path in target.covers and matches(name, wanted):
                lines.setdefault(path, set()).update(range(first, last + 1))
                missing.discard(wanted)
    if missing:
        raise RuntimeError(f"{target.name}: LEAVES_OUT names what COVERS does not have: {missing}")
    return lines


def shares(target):
    """Per file, (lines reached, lines with code, lines not reached)."""
    program, data = replay(target)
    lines = lines_of(export(program, data, "lcov"))
    skip = left_out(target, functions_of(json.loads(export(program, data, "text"))))
    for path in target.covers:
        counts = {number: count for number, count in lines.get(path, {}).items()
                  if number not in skip.get(path, ())}
        missed = sorted(number for number, count in counts.items() if count == 0)
        yield path, len(counts) - len(missed), len(counts), missed


def ranges(numbers):
    spans = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return " ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in spans)


def measure_one(target):
    reached = total = 0
    for path, hit, count, missed in shares(target):
        if count == 0:
            raise RuntimeError(f"{target.name}: {path} of COVERS has no code in the program")
        print(f"  {path}: {hit} of {count}" + (f", not {ranges(missed)}" if missed else ""))
        reached, total = reached + hit, total + count
    percent = round(100 * reached / total, 1) if total else 0
    with log.row_of(target.name) as row:
        row["lines_percent"] = percent
        row["inputs"] = len(target.inputs())
    print(f"{target.name}: {percent} % of {total} lines", flush=True)
    return percent


def measure(targets):
    """The exit status: 1 when the corpus of one reaches less than it must."""
    build(targets)
    low = [target.name for target in targets if measure_one(target) < LEAST_PERCENT]
    if low:
        print(f"below {LEAST_PERCENT} %:", *low)
    return 1 if low else 0
