# SPDX-License-Identifier: Apache-2.0
"""The chain of the audit log, by docs/audit.md alone, for who asks too often to have keymastctl do it."""

import base64
import hashlib

from air_order import nanoseconds


def escaped(value):
    return "".join(chr(octet) if 0x20 < octet < 0x7f and octet != 0x25 else f"%{octet:02x}"
                   for octet in value.encode())


def text(record):
    lines = [("sequence", record["sequence"]), ("time", str(nanoseconds(record["time"]))),
             ("principal", record["principal"]), ("method", record["method"]),
             ("request_id", record["requestId"].replace("-", "")), ("resource", record["resource"]),
             *(("item", item) for item in record["items"]),
             ("revision_before", record["revisionBefore"]), ("revision_after", record["revisionAfter"]),
             *(("key_id", key) for key in record["keyIds"]), ("trace_id", record["traceId"])]
    return "".join(f"{name} {escaped(value)}\n" for name, value in lines if value not in ("", "0"))


class Chain:
    """Of one log that grows."""

    def __init__(self):
        self.hashes = []

    def wrong(self, records):
        """What is not as it was, or does not follow; empty when all does."""
        before = bytes(32)
        for place, record in enumerate(records):
            found = base64.b64decode(record["hash"])
            if place < len(self.hashes):
                if found != self.hashes[place]:
                    return f"audit record {record['sequence']} is another one than before"
            elif hashlib.sha256(before + text(record).encode()).digest() != found:
                return f"audit record {record['sequence']} does not follow the one before it"
            else:
                self.hashes.append(found)
            before = found
        if len(records) < len(self.hashes):
            return f"the audit log has lost its end: {len(records)} of {len(self.hashes)} records"
        return ""
