# SPDX-License-Identifier: Apache-2.0
"""Takes the best of what the fuzzer found into the corpus in the tree."""

import pathlib
import re
import shutil
import subprocess
import tempfile

from . import log, running
from .targets import CORPUS, TOP

LARGE = 8 * 1024  # octets of an input
WORTH = 1.01  # what large inputs must add to the edges
LIMIT = 4_000_000  # octets of all corpora


def is_found(path):
    """libFuzzer names what it finds by its SHA-1; what has another name was made by hand."""
    return re.fullmatch(r"[0-9a-f]{40}", path.name) is not None


def fill(folder, paths):
    folder.mkdir(parents=True)
    for path in paths:
        shutil.copy(path, folder / path.name)
    return folder


def libfuzzer(target, *words):
    done = subprocess.run([running.program(target), "-rss_limit_mb=2048", "-timeout=25", *words],
                          cwd=TOP, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    said = done.stderr.decode(errors="replace")
    if done.returncode != 0:
        raise RuntimeError(f"{target.name}: status {done.returncode}\n{said[-4000:]}")
    return said


def edges_of(target, folder):
    return int(re.findall(r"\bcov: (\d+)", libfuzzer(target, "-runs=0", folder))[-1])


def best_of(target, work, hand, found):
    """What is made by hand, and as few of the others as reach every edge that all reach. Counters
    are left out: how often an edge is taken matters to a search, not to a replay."""
    chosen = fill(work / "chosen", hand)
    libfuzzer(target, "-set_cover_merge=1", "-use_counters=0", chosen, fill(work / "found", found))
    return chosen


def merge_one(target, work):
    paths = [*target.inputs(), *sorted(running.grown(target).glob("*"))]
    hand = [path for path in paths if path.parent == target.corpus and not is_found(path)]
    found = [path for path in paths if is_found(path)]
    small = [path for path in found if path.stat().st_size <= LARGE]
    chosen = best_of(target, work / "small", hand, small)
    if len(small) < len(found):
        whole = best_of(target, work / "whole", hand, found)
        if edges_of(target, whole) > WORTH * edges_of(target, chosen):
            chosen = whole
    edges = edges_of(target, chosen)
    replace(target, chosen)
    with log.row_of(target.name) as row:
        row["inputs"] = len(target.inputs())
    print(f"{target.name}: {row['inputs']} inputs, {edges} edges", flush=True)


def replace(target, chosen):
    beside = target.corpus.with_name(f".{target.name}.old")
    if target.corpus.exists():
        target.corpus.rename(beside)
    shutil.copytree(chosen, target.corpus)
    shutil.rmtree(beside, ignore_errors=True)


def merge(targets):
    for target in targets:
        with tempfile.TemporaryDirectory(prefix="keymast-fuzz-") as work:
            merge_one(target, pathlib.Path(work))
    size = sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file())
    print(f"{size} octets in all corpora")
    return 0 if size <= LIMIT else 1
