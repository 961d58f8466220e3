# SPDX-License-Identifier: Apache-2.0
"""offer and answer over UDP. Keys come from files, never from arguments; the result is one JSON object on stdout, with fingerprints of
keys unless --reveal is there."""
import argparse
import base64
import json
import os
import select
import socket
import sys
import time

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from . import misbehave
from .answerer import Answerer
from .certificates import Credentials, Trust
from .group import Group
from .offerer import Offerer, Plan
from .party import Event, Party, Policy, Send, untwisted
from .payloads import Identity
from .prf import H
from .randomness import Seeded, System
from .tables import *
from .tickets import Resumption

MODES = {"psk": PSK, "rsa": RSA, "dh": DH, "dhhmac": DHHMAC, "early-dh": EARLY_DH, "early-dhhmac": EARLY_DHHMAC}
GROUPS = {"x25519": X25519, "p256": P256, "oakley5": OAKLEY5}
ENCR = {"aes-cm-256": AES_CM_256, "aes-cm-128": AES_CM_128, "key-wrap": KEY_WRAP}
MACS = {"sha256": HMAC_SHA256, "sha1": HMAC_SHA1}
PRFS = {"sha256": PRF_SHA256, "mikey1": PRF_MIKEY1}
DIRECTIONS = {"send": 1, "receive": 2, "both": 3}


def identity(text):
    """uri:..., nai:... or hex:..."""
    kind, _, value = text.partition(":")
    kinds = {"uri": (URI, value.encode()), "nai": (NAI, value.encode())}
    if kind == "hex":
        return Identity(OCTET_STRING, bytes.fromhex(value))
    if kind not in kinds:
        raise argparse.ArgumentTypeError("identity is uri:..., nai:... or hex:...")
    return Identity(*kinds[kind])


def address(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _list(table):
    def parse(text):
        try:
            return tuple(table[name] for name in text.split(","))
        except KeyError as unknown:
            raise argparse.ArgumentTypeError(f"unknown {unknown}; known: {', '.join(table)}") from None
    return parse


def _hex_list(text):
    return tuple(int(n, 16) for n in text.split(","))


def _stream(text):
    direction, _, ssrc = text.partition(":")
    return DIRECTIONS[direction], int(ssrc or "0", 0)


def _parser():
    parser = argparse.ArgumentParser(prog="python3 -m mikeyv2", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("offer", "answer"):
        p = commands.add_parser(name)
        p.add_argument("--identity", type=identity, required=True)
        p.add_argument("--psk-file", action="append", default=[], metavar="IDENTITY=FILE", help="hex PSK shared with that identity")
        p.add_argument("--key-file", help="own private key, PEM")
        p.add_argument("--certificate-file", help="own chain, PEM, leaf first")
        p.add_argument("--anchor-file", action="append", default=[], help="trust anchors, PEM")
        p.add_argument("--pin", action="append", default=[], metavar="IDENTITY=HEX", help="SHA-256 of that identity's certificate")
        p.add_argument("--known-certificate", action="append", default=[], metavar="IDENTITY=FILE", help="for CHASH and identity alone")
        p.add_argument("--controller-use", help="OID of the extended key usage of controllers")
        p.add_argument("--modes", type=_list(MODES), default=(PSK,))
        p.add_argument("--groups", type=_list(GROUPS), default=(X25519, P256))
        p.add_argument("--encr", type=_list(ENCR), default=(AES_CM_256, KEY_WRAP, AES_CM_128))
        p.add_argument("--mac", type=_list(MACS), default=(HMAC_SHA256,))
        p.add_argument("--prf", type=_list(PRFS), default=(PRF_SHA256,))
        p.add_argument("--profiles", type=_hex_list, default=(8, 7, 1, 2), help="hex numbers, in order")
        p.add_argument("--show", choices=("cert", "chash", "none"), default="cert")
        p.add_argument("--seed", help="replays an exchange; for tests alone")
        p.add_argument("--seconds", type=float, default=20, help="how long to stay at most")
        p.add_argument("--reveal", action="store_true", help="keys in full")
        p.add_argument("--misbehave", choices=sorted(misbehave.BY_NAME), metavar="NAME", help="what the command `misbehaviours` lists")
    _offer_arguments(commands.choices["offer"])
    _answer_arguments(commands.choices["answer"])
    commands.add_parser("vectors", help="worked numbers as JSON")
    commands.add_parser("misbehaviours", help="lists the names, with the clause that each attacks")
    return parser


def _offer_arguments(p):
    p.add_argument("--to", type=address, required=True, metavar="HOST:PORT")
    p.add_argument("--peer", type=identity, help="IDR(2): the peer, or the group's URI")
    p.add_argument("--join", action="store_true")
    p.add_argument("--key-domain", default="000000")
    p.add_argument("--key-group", default="0000")
    p.add_argument("--stream", type=_stream, action="append", metavar="DIRECTION[:SSRC]", help="send, receive or both")
    p.add_argument("--fresh", help="hex")
    p.add_argument("--session", help="hex")
    p.add_argument("--fingerprint", help="hex, of A's certificate")
    p.add_argument("--features", type=lambda t: int(t, 16), default=0x41, help="hex, of a join (§10); 10 asks for tickets")
    p.add_argument("--ticket-file", help="a ticket is read from it when it is there, and the next one written to it (JSON, secret)")


def _answer_arguments(p):
    p.add_argument("--listen", type=address, required=True, metavar="HOST:PORT", help="port 0: any; written to stderr")
    p.add_argument("--group-file", help="JSON of a group: see group.py")
    p.add_argument("--load", action="store_true", help="every CAP wants a cookie")
    p.add_argument("--no-v", action="store_true", help="V is switched off")
    p.add_argument("--policies", type=int, default=1)
    p.add_argument("--tickets", action="store_true")
    p.add_argument("--stay", action="store_true", help="not only one exchange")


def _read(path):
    with open(path, "rb") as f:
        return f.read()


def _pairs(texts):
    for text in texts:
        name, _, value = text.rpartition("=")
        yield identity(name), value


def _pem_chain(path):
    return tuple(x509.load_pem_x509_certificate(block + b"-----END CERTIFICATE-----\n").public_bytes(Encoding.DER)
                 for block in _read(path).split(b"-----END CERTIFICATE-----")[:-1])


def party_of(args):
    trust = Trust(controller_use=args.controller_use)
    trust.anchors = tuple(x509.load_der_x509_certificate(d) for path in args.anchor_file for d in _pem_chain(path))
    trust.pins = {who: {bytes.fromhex(value)} for who, value in _pairs(args.pin)}
    trust.known = {who: _pem_chain(path) for who, path in _pairs(args.known_certificate)}
    credentials = ()
    if args.key_file:
        credentials = (Credentials(load_pem_private_key(_read(args.key_file), None), _pem_chain(args.certificate_file)),)
    policy = Policy(args.modes, args.prf, args.encr, args.mac, args.groups, profiles=args.profiles, show=args.show)
    psks = {who: bytes.fromhex(_read(path).decode().strip()) for who, path in _pairs(args.psk_file)}
    return Party(args.identity, psks, credentials, trust, policy)


def _named(key, reveal):
    return key.hex() if reveal else "sha256:" + H(key).hex()[:16]


def _session_json(s, reveal):
    return {"cs": s.cs_id, "sender": s.sender, "ssrc": s.ssrc, "profile": s.profile, "mki": s.mki.hex(),
            "key": _named(s.key, reveal), "salt": _named(s.salt, reveal)}


def _content_json(c, reveal):
    return {"keys": [{"type": k.type, "key": _named(k.key, reveal), "salt": _named(k.salt, reveal), "spi": k.spi.hex() if k.spi else None,
                      "interval": [i.hex() for i in k.interval] if k.interval else None} for k in c.keys],
            "csb_id": c.csb_id, "rands": [r.hex() for r in c.rands], "msk_states": [s.hex() for s in c.msk_states],
            "member_state": c.member_state.hex() if c.member_state else None}


def _print(result):
    print(json.dumps(result), flush=True)


class Socket:
    """Connected to nobody: an answer is held to its address by the step machine."""

    def __init__(self, local):
        family = socket.getaddrinfo(local[0], local[1], type=socket.SOCK_DGRAM)[0][0]
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind(local)

    def perform(self, actions):
        for a in actions:
            if isinstance(a, Send):
                self.socket.sendto(a.octets, a.address)
        return [a for a in actions if isinstance(a, Event)]

    def wait(self, until):
        """(address, datagram) or None."""
        ready, _, _ = select.select([self.socket], [], [], max(0, until - time.time()))
        if not ready:
            return None
        octets, source = self.socket.recvfrom(65535)
        return source[:2], octets


def _twist(args, side):
    m = misbehave.BY_NAME.get(args.misbehave)
    if m and m.by != side:
        raise SystemExit(f"{m.name} is a misbehaviour of {m.by}")
    return misbehave.twist(m) if m else untwisted


def offer(args):
    party = party_of(args)
    plan = Plan(args.to, args.peer, args.modes, tuple(args.stream or [(3, 0)]))
    plan.join = (bytes.fromhex(args.key_domain), bytes.fromhex(args.key_group)) if args.join else None
    for name in ("fresh", "session", "fingerprint"):
        setattr(plan, name, bytes.fromhex(getattr(args, name)) if getattr(args, name) else None)
    plan.big_cap = True
    party.policy.features = args.features
    _load_ticket(args, plan)
    o = Offerer(party, plan, Seeded(args.seed) if args.seed else System(), _twist(args, "O"))
    net, end = Socket(("::" if ":" in args.to[0] else "0.0.0.0", 0)), time.time() + args.seconds
    events = net.perform(o.open(time.time()))
    while o.state not in ("done", "failed") and time.time() < end:
        got = net.wait(min(end, o.next_timer or end))
        events += net.perform(o.receive(time.time(), *got) if got else o.timer(time.time()))
    dropped = [str(e.value) for e in events if e.name == "dropped"]
    result = {"state": o.state, "mode": getattr(o, "mode", None), "events": [e.name for e in events if e.name != "dropped"],
              "dropped": dropped, "hints": o.hints, "retries": len(o.retries), "csb_id": o.csb_id}
    if o.sessions:
        result["sessions"] = [_session_json(s, args.reveal) for s in o.sessions]
    if o.content and o.content.msks():
        result["group"] = _content_json(o.content, args.reveal)
    if getattr(o, "fresh", None):
        result["fresh"] = o.fresh.hex()
    _store_ticket(args, party, plan, result)
    _print(result)
    return 0 if o.state == "done" else 1


def _load_ticket(args, plan):
    try:
        kept = json.loads(_read(args.ticket_file)) if args.ticket_file else None
    except FileNotFoundError:
        kept = None
    if kept:
        plan.resume = Resumption(base64.b64decode(kept["ticket"]), base64.b64decode(kept["secret"]), args.identity, args.peer,
                                 kept["expiry"], kept["dh_kind"], True)


def _store_ticket(args, party, plan, result):
    if not args.ticket_file or not args.peer:
        return
    kept, _ = party.peers.to(args.identity, args.peer, time.time())
    result["ticket"] = kept is not None
    if kept is None:
        return
    fields = {"ticket": base64.b64encode(kept.ticket).decode(), "secret": base64.b64encode(kept.secret).decode(),
              "expiry": kept.expiry, "dh_kind": kept.dh_kind}
    with open(os.open(args.ticket_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        json.dump(fields, f)


def group_of(path):
    """JSON: uri, key_domain, key_group, msk, rand, mtk key and salt in hex, csb_id, members (identities), encr, profile."""
    g = json.loads(_read(path))
    unhex = bytes.fromhex
    group = Group(identity(g["uri"]), unhex(g["key_domain"]), unhex(g["key_group"]), g["csb_id"], unhex(g["msk"]), unhex(g["rand"]),
                  (unhex(g["mtk"]["key"]), unhex(g["mtk"]["salt"])), members={identity(m) for m in g["members"]})
    group.profile, group.encr = g.get("profile", 7), g.get("encr", AES_CM_256)
    group.tree_keys = tuple(unhex(k) for k in g.get("tree_keys", ()))
    group.streams = tuple(tuple(s) for s in g.get("streams", group.streams))
    return group


def answer(args):
    party, groups = party_of(args), []
    party.policy.policies, party.policy.check_v, party.policy.give_tickets = args.policies, not args.no_v, args.tickets
    if args.group_file:
        groups = [group_of(args.group_file)]
        party.also = (groups[0].uri,)
    a = Answerer(party, Seeded(args.seed) if args.seed else System(), groups, _twist(args, "A"))
    a.load = args.load
    net, end, events = Socket(args.listen), time.time() + args.seconds, []
    print("listening on", net.socket.getsockname()[1], file=sys.stderr, flush=True)
    final = None
    while time.time() < end:
        got = net.wait(end)
        if not got:
            break
        new = net.perform(a.receive(time.time(), *got))
        events += new
        verified = next((e for e in new if e.name == "verified"), None)
        if verified and args.stay:
            _print(_verified_json(args, events, verified))
        elif verified:
            end = min(end, time.time() + 1)  # repetitions of the finish
            final = _verified_json(args, events, verified)
    result = final or {"state": "over", "events": [e.name for e in events if e.name != "dropped"],
                       "dropped": [str(e.value) for e in events if e.name == "dropped"]}
    _print(result)
    return 0 if result["state"] == "verified" or args.stay else 1


def _verified_json(args, events, verified):
    result = {"state": "verified", "events": [e.name for e in events if e.name != "dropped"],
              "dropped": [str(e.value) for e in events if e.name == "dropped"]}
    if isinstance(verified.value, list):
        result["sessions"] = [_session_json(s, args.reveal) for s in verified.value]
    else:
        result["member"] = verified.value.value.decode("utf-8", "replace")
    return result


def main(argv=None):
    args = _parser().parse_args(argv)
    if args.command == "misbehaviours":
        for m in misbehave.TABLE:
            print(f"{m.by:4} {m.clause:6} {m.name}")
        return 0
    if args.command == "vectors":
        from .vectors import everything
        print(json.dumps(everything(), indent=1))
        return 0
    return offer(args) if args.command == "offer" else answer(args)
