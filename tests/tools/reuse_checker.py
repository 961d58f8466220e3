#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves from recordings that nothing was used twice: no (key, counter), no key id, no key under two
ids, no (MTK, SSRC, index) with different octets.

    reuse_checker.py --users USERS.json [--json] RECORD.pcapng...

USERS.json maps identities to files of user keys. The records are those of all processes of a run,
over every restart (`--record`). Exit status: 0 proven, 1 a violation, 2 the records prove nothing.
"""

import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from reuse import ledger, pcapng  # noqa: E402 (the path is set above)

PROVEN, VIOLATED, UNPROVEN = 0, 1, 2


def read_users(path):
    return {identity: pathlib.Path(key).read_bytes()
            for identity, key in json.loads(pathlib.Path(path).read_text()).items()}


def check(user_keys, records):
    book = ledger.Ledger(user_keys)

    def on_cut():
        book.counts["cut_blocks"] += 1

    def files(callback):
        for record in records:
            yield pcapng.datagrams(pathlib.Path(record).read_bytes(), callback)

    book.read(files, on_cut)
    return book


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--users", required=True, help="JSON: identity -> file of its user key")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("records", nargs="+")
    arguments = parser.parse_args()

    book = check(read_users(arguments.users), arguments.records)
    gaps = book.gaps()
    status = VIOLATED if book.violations else UNPROVEN if gaps else PROVEN
    if arguments.json:
        print(json.dumps({"proven": status == PROVEN, "violations": book.violations, "gaps": gaps,
                          "counts": dict(sorted(book.counts.items()))}))
        return status
    print("reuse checker: " + ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in
                                        sorted(book.counts.items())))
    for violation in book.violations:
        print("VIOLATION: " + violation)
    for gap in gaps:
        print("not proven: " + gap)
    if status == PROVEN:
        print("nothing was used twice")
    return status


if __name__ == "__main__":
    sys.exit(main())
