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
SHOWN = ("psk_session", "psk_join", "psk_join_cookie", "dhhmac_session", "dhhmac_join", "early_dhhmac_join")
HEAD = """# Worked examples of MIKEYv2

Exchanges of [the specification](mikeyv2.md), octet by octet: one a mode. The same and more, with every field, stand for programs in
`tests/vectors/published/mikeyv2.json`. This page is spelled from that file, which `keymast-mikey vectors` writes; a peer that was written from the
specification alone computes it again in the tests. The keys are published here and protect nothing.

Each line is a payload with all of its octets. Under a message stand: the name of the inkey of §4.4, the keys that follow from it by §4.3, the octets that
are covered before the message (§4.2), and what the KEMAC has inside.
"""
WIDTH = 48  # octets a line
NAME = 13


def rows(name, octets):
    lines = [octets[at : at + WIDTH].hex() for at in range(0, len(octets), WIDTH)] or ["none"]
    return [f"{name if number == 0 else '':{NAME}}{line}" for number, line in enumerate(lines)]


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
    told = message["proof"]
    lines = [f"{'inkey':{NAME}}{message['inkey']}"]
    lines += rows("context", bytes.fromhex(message["context"])) + rows("auth key", bytes.fromhex(told["auth_key"]))
    lines += rows("covers first", bytes.fromhex(told["covers"]))
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
            parts.append(block(payloads(message) + ([""] + proof(message) if "proof" in message else [])))
    return "\n".join(parts)


def main():
    told = {vector["name"]: vector for vector in json.loads((FOLDER / "mikeyv2.json").read_text(encoding="utf-8"))["vectors"]}
    text = page([told[name] for name in SHOWN])
    if sys.argv[1:2] != ["--check"]:
        return print(text, end="")
    if pathlib.Path(sys.argv[2]).read_text(encoding="utf-8") != text:
        sys.exit(f"{sys.argv[2]} is not what the vectors say: tests/vectors/mikeyv2_examples.py > {sys.argv[2]}")
    return None


if __name__ == "__main__":
    main()
