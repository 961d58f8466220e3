#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""same_seeds_test.py MAKER [TARGET]: the seeds in the tree are those that their maker makes.

They hold MACs and keys of what is drawn at random: a draw more or less, and the target sees strangers' messages.
TARGET is the corpus of a maker that fills one folder; else it fills one of the target's name.
"""

import filecmp
import pathlib
import subprocess
import sys
import tempfile

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"


def main():
    maker, *target = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="keymast-seeds-") as folder:
        subprocess.run([maker, folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        made = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
        stale = [path for path in made
                 if not (kept := CORPUS / (target[0] if target else path.parent.name) / path.name).exists()
                 or not filecmp.cmp(path, kept, shallow=False)]
    print(f"{len(made)} seeds, {len(stale)} stale", *sorted(path.name for path in stale))
    return 0 if made and not stale else 1


sys.exit(main())
