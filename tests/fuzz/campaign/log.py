# SPDX-License-Identifier: Apache-2.0
"""tests/fuzz/log.json: what each target has been run, and what its corpus covers."""

import contextlib
import fcntl
import json
import os

from .targets import TOP

PATH = TOP / "tests/fuzz/log.json"
LOCK = TOP / "build/fuzz/log.lock"


def read(path=PATH):
    return json.loads(path.read_text()) if path.exists() else {}


def text_of(rows):
    """One target a line, so that a difference shows which were run."""
    lines = [f"  {json.dumps(name)}: {json.dumps(rows[name], sort_keys=True)}"
             for name in sorted(rows)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write(rows, path=PATH):
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text_of(rows))
    os.replace(beside, path)


@contextlib.contextmanager
def row_of(name):
    """The row of a target, to be changed; written when nothing was raised. Several programs may
    run targets at once, hence the lock."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rows = read()
        yield rows.setdefault(name, {})
        write(rows)
