# SPDX-License-Identifier: Apache-2.0
"""Looks for secrets in the memory of a process and in what it leaves behind: as they are, reversed, in
hexadecimal and in base64 at every alignment."""

import base64
import itertools
import os
import pathlib
import re

PAGE = os.sysconf("SC_PAGESIZE")
# Where AddressSanitizer keeps its own books: bits about memory, none of its content.
SHADOW = 1 << 32
PRESENT = 3 << 62
# A mapping that nobody may write to, in smaps.
OF_A_FILE = re.compile(r"^\S+ r-.p .* /.*(?<!\(deleted\))$")


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
    """(start, end, access, KiB of it by what they are, header, flags of the kernel) of each mapping."""
    header = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S+) ")
    current = None
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        match = header.match(line)
        if match:
            current = int(match[1], 16), int(match[2], 16), match[3], {}, line
        elif line.startswith(("Rss:", "Anonymous:", "Swap:")):
            what, size, _ = line.split()
            current[3][what[:-1]] = int(size)
        elif line.startswith("VmFlags:"):
            yield (*current, line.split()[1:])


def memory(pid):
    """All that a process has written to and still holds, mapping by mapping."""
    parts = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem, \
            open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        for start, end, access, size, line, vm in _mappings(pid):
            if "r" not in access or size["Rss"] == 0 or line.endswith(("[vvar]", "[vsyscall]")):
                continue
            if "dd" in vm and end - start >= SHADOW:
                continue
            # Code and constants, as they are in the file.
            if OF_A_FILE.search(line) and size["Anonymous"] + size["Swap"] == 0:
                continue
            parts.append(_present(mem, pagemap, start, end))
    return b"".join(parts)


def _present(mem, pagemap, start, end):
    """Pages that are there; a hole between two becomes one zero octet."""
    pages = bytearray()
    step = 4096 * PAGE
    for begin in range(start, end, step):
        pagemap.seek(begin // PAGE * 8)
        entries = memoryview(pagemap.read(min(step, end - begin) // PAGE * 8)).cast("Q")
        at = begin
        for is_there, run in itertools.groupby(entry & PRESENT != 0 for entry in entries):
            until = at + sum(PAGE for _ in run)
            while is_there and at < until:
                try:
                    octets = os.pread(mem.fileno(), until - at, at)
                except OSError:  # unmapped since
                    octets = b""
                pages += octets
                at += len(octets) or PAGE
            at = until
            pages += b"\0"
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
