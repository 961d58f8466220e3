# SPDX-License-Identifier: Apache-2.0
"""Looks for secrets in the memory of a process and in what it leaves behind: as they are, reversed, in
hexadecimal and in base64 at every alignment."""

import base64
import os
import pathlib
import re

PAGE = os.sysconf("SC_PAGESIZE")
# Where AddressSanitizer keeps its own books: bits about memory, none of its content.
SHADOW = 1 << 32
PRESENT = 3 << 62


def spellings(secret):
    """(name, octets) of each way to spell a secret of 16 octets or more."""
    yield "raw", secret
    yield "reversed", secret[::-1]
    yield "hex", secret.hex().encode()
    yield "HEX", secret.hex().upper().encode()
    for skip in range(3):
        # What whole groups of three octets become, whatever is before and behind.
        whole = secret[skip:len(secret) - (len(secret) - skip) % 3]
        yield f"base64+{skip}", base64.b64encode(whole)
        if base64.b64encode(whole) != base64.urlsafe_b64encode(whole):
            yield f"base64url+{skip}", base64.urlsafe_b64encode(whole)


def find(secrets, octets):
    """Counts of (name of secret, spelling) in the octets."""
    found = {}
    for name, secret in secrets.items():
        for spelling, text in spellings(secret):
            count = octets.count(text)
            if count:
                found[name, spelling] = count
    return found


def _mappings(pid):
    """(start, end, flags, resident KiB) of each mapping that can be read and was ever touched."""
    header = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S+) ")
    current = None
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        match = header.match(line)
        if match:
            current = [int(match[1], 16), int(match[2], 16), match[3], 0, line]
        elif line.startswith("Rss:"):
            current[3] = int(line.split()[1])
        elif line.startswith("VmFlags:"):
            yield (*current, line.split()[1:])


def memory(pid):
    """All that a process has written to and still holds, mapping by mapping."""
    parts = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem, \
            open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        for start, end, flags, resident, line, vm in _mappings(pid):
            if "r" not in flags or resident == 0 or line.endswith(("[vvar]", "[vsyscall]")):
                continue
            if "dd" in vm and end - start >= SHADOW:
                continue
            parts.append(_present(mem, pagemap, start, end))
    return b"".join(parts)


def _present(mem, pagemap, start, end):
    """Pages that are there and not all zeros; a hole between two becomes one zero octet."""
    pages = bytearray()
    zeros = bytes(PAGE)
    step = 4096 * PAGE
    for begin in range(start, end, step):
        count = min(step, end - begin) // PAGE
        pagemap.seek(begin // PAGE * 8)
        entries = pagemap.read(count * 8)
        for i in range(count):
            if int.from_bytes(entries[8 * i:8 * i + 8], "little") & PRESENT == 0:
                continue
            try:
                mem.seek(begin + i * PAGE)
                page = mem.read(PAGE)
            except OSError:
                continue  # unmapped since
            if page == zeros:
                pages += b"\0"
            else:
                pages += page
    return bytes(pages)


def traces(pid):
    """What other users, a crash reporter or a backup would find of a process."""
    folder = pathlib.Path(f"/proc/{pid}")
    yield "argv", (folder / "cmdline").read_bytes()
    yield "environment", (folder / "environ").read_bytes()
    for name in sorted((folder / "fd").iterdir()):
        try:
            target = os.readlink(name)
            if os.path.isfile(name):
                yield f"open file {target}", pathlib.Path(name).read_bytes()
        except OSError:
            continue  # closed since, or not readable
