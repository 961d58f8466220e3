#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""same_seeds_test.py MAKER [TARGET]: the seeds in the tree are those that their maker makes.

They hold MACs and keys of what is drawn at random: a draw more or less, and the target sees strangers' messages.
TARGET is the corpus of a maker that fills one folder; else it fills one of the target's name. Seeds with a signature that is
another one each time are left out: they go stale with the others.
"""

import pathlib
import subprocess
import sys
import tempfile

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"


def made_by(maker, folder):
    """{path below the folder: octets}"""
    subprocess.run([maker, folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return {path.relative_to(folder): path.read_bytes() for path in pathlib.Path(folder).rglob("*") if path.is_file()}


def main():
    maker, *target = sys.argv[1:]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        made, again = made_by(maker, one), made_by(maker, other)
    lasting = {path: octets for path, octets in made.items() if again[path] == octets}
    kept = {path: CORPUS / (target[0] if target else path.parent.name) / path.name for path in lasting}
    stale = [path.name for path, octets in lasting.items()
             if not kept[path].exists() or kept[path].read_bytes() != octets]
    print(f"{len(lasting)} of {len(made)} seeds, {len(stale)} stale", *sorted(stale))
    return 0 if lasting and not stale else 1


sys.exit(main())
