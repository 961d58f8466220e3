# SPDX-License-Identifier: Apache-2.0
"""Whether a key of a run lies anywhere in clear."""

import itertools

from memory import spellings

# Of a run with thousands of keys, these many of each kind at either end are looked for.
ENDS = 4


def some(keys):
    """The first and the last of many, by name."""
    items = list(keys.items())
    return dict(items if len(items) <= 2 * ENDS else items[:ENDS] + items[-ENDS:])


def in_clear(secrets, blobs, only=None):
    """(what, secret, spelling) of each find in `blobs`, which are (what, octets)."""
    needles = [(name, how, text) for name, secret in secrets.items()
               for how, text in spellings(secret) if only is None or how in only]
    return [(what, name, how) for (what, octets), (name, how, text)
            in itertools.product(blobs, needles) if text in octets]


def files(folder, of_records):
    """(path, octets) of every file in a folder but key files; recordings apart from the others."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix == ".key":
            continue
        if (path.suffix == ".pcapng") == of_records:
            yield str(path), path.read_bytes()
