#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Spells docs/mikeyv2-examples.md from the published vectors, so that page and code cannot drift.

mikeyv2_examples.py > docs/mikeyv2-examples.md     writes it
mikeyv2_examples.py --check docs/mikeyv2-examples.md   fails where it is another
"""
import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent / "published"
SHOWN = ("psk_join", "rsa_session", "dh_session", "dhhmac_join", "early_dh_join", "early_dhhmac_join")
HEAD = """# Worked examples of MIKEYv2

Exchanges of [the specification](mikeyv2.md), octet by octet: one a mode. The same and more, with every field, stand for programs in
`tests/vectors/published/mikeyv2.json`: a cookie, a refusal, secp256r1, the primitives of RFC 3830, resumption by a ticket and by its id, a CAP with V and
SIGN. This page is spelled from that file, which `keymast-mikey vectors` writes; a peer that was written from the
specification alone computes it again in the tests. The keys are published, private ones with their certificates in that file, and protect nothing.

Each line is a payload with all of its octets. Under a message stand: the name of the inkey of §4.4, the keys that follow from it by §4.3, the octets that
are covered before the message (§4.2), and what the KEMAC has inside.
"""
WIDTH = 64  # octets a line
NAME = 13


def rows(name, octets, column=NAME, width=WIDTH):
    lines = [octets[at : at + width].hex() for at in range(0, len(octets), width)] or ["none"]
    return [f"{name if number == 0 else '':{column}}{line}" for number, line in enumerate(lines)]


def shortened(name, octets):
    """PADDING is zeros: they need not be seen."""
    if name != "PADDING" or len(octets) < WIDTH:
        return rows(name, octets)
    return [f"{name:{NAME}}{octets[:3].hex()}, and {len(octets) - 3} octets of zeros"]


def payloads(message):
    octets, lines, chain = bytes.fromhex(message["octets"]), [], message["fields"]
    ends = [group["offset"] for group in chain[1:]] + [len(octets)]
    for group, end in zip(chain, ends):
        lines += shortened(group["group"], octets[group["offset"] : end])
    return lines


def inside(message):
    """The payloads that were encrypted."""
    plain = bytes.fromhex(message["encryption"]["plain"])
    kemac = next(group for group in message["fields"] if group["group"] == "KEMAC")
    decrypted = next(field for field in kemac["fields"] if field.get("group") == "Decrypted")
    lines = []
    for group in decrypted["fields"]:
        at = group["offset"] - decrypted["offset"]
        lines += rows("  " + group["group"], plain[at : at + group["length"]])
    return lines


def proof(message):
    lines = []
    if "inkey" in message:
        lines.append(f"{'inkey':{NAME}}{message['inkey']}")
        lines += rows("context", bytes.fromhex(message["context"]))
    covers = {told["covers"] for told in message["proofs"]}
    assert len(covers) == 1
    for told in message["proofs"]:
        if "auth_key" in told:
            lines += rows("auth key", bytes.fromhex(told["auth_key"]))
    lines += rows("covers first", bytes.fromhex(covers.pop()))
    if "encryption" in message:
        encryption = message["encryption"]
        lines += rows("encr key", bytes.fromhex(encryption["encr_key"])) + rows("salt", bytes.fromhex(encryption["salt"]))
        lines += [f"{'inside':{NAME}}"] + inside(message)
    return lines


def block(lines):
    return "\n".join(("    " + line).rstrip() for line in lines) + "\n"


def secrets(vector):
    lines = []
    for kind in ("test_keys", "private_values", "hashes", "secrets"):
        for name, value in vector[kind].items():
            lines += rows(f"{name[:NAME - 1]}", bytes.fromhex(value))
    for told in vector.get("traffic_keys", ()):
        lines.append(f"CS {told['cs_id']}: SSRC {told['ssrc']:08x}, key {told['master_key']}, salt {told['master_salt']}")
    return lines


def page(vectors):
    parts = [HEAD]
    for vector in vectors:
        offerer, answerer = vector["offerer"], vector["answerer"]
        parts.append(f"## {vector['about']}\n\nOfferer: {offerer['id_type']} `{offerer['identity']}`, Answerer: {answerer['id_type']} "
                     f"`{answerer['identity']}`. Values under `private_values` of the vector are called by whose they are.\n")
        parts.append(block(secrets(vector)))
        for message in vector["messages"]:
            size = len(message["octets"]) // 2
            parts.append(f"**{message['kind']}** of the {message['from']}, {size} octets\n")
            parts.append(block(payloads(message) + ([""] + proof(message) if "proofs" in message else [])))
    return "\n".join(parts)


def spell(text):
    """What the program does with its page: prints it, or compares it."""
    program = pathlib.Path(sys.argv[0]).name
    if sys.argv[1:2] != ["--check"]:
        return print(text, end="")
    if pathlib.Path(sys.argv[2]).read_text(encoding="utf-8") != text:
        sys.exit(f"{sys.argv[2]} is not what the vectors say: tests/vectors/{program} > {sys.argv[2]}")
    return None


def main():
    told = {vector["name"]: vector for vector in json.loads((FOLDER / "mikeyv2.json").read_text(encoding="utf-8"))["vectors"]}
    spell(page([told[name] for name in SHOWN]))


if __name__ == "__main__":
    main()
