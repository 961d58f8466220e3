# SPDX-License-Identifier: Apache-2.0
"""Messages of the Python peer for a dissector: of every data type, with every payload, TLV and extension that may stand in one; and
malformed ones, each for one reason."""
import os

from mikeyv2 import fragments, group_vectors, lab, message, signatures, srtp
from mikeyv2.capabilities import Capabilities
from mikeyv2.message import Header, MapEntry
from mikeyv2.payloads import *
from mikeyv2.tables import *

RAND_O, RAND_A = Randr(ROLE_O, bytes(range(32))), Randr(ROLE_A, bytes(range(16)))
IDR_O, IDR_A = Idr(ROLE_O, group_vectors.MEMBER), Idr(ROLE_A, group_vectors.GROUP)
PROOF, SIGNED = V(HMAC_SHA256, bytes(32)), Sign(S_ED25519, bytes(range(64)))
SEALED = Kemac(AES_CM_256, b"", HMAC_SHA256, bytes(32))
TLVS = {T_MODES: bytes(range(1, 7)), T_PRF: b"\1\0", T_ENCR: b"\3\1\xf1", T_MAC: b"\2\1", T_GROUPS: b"\xf2\xf1\0", T_SIGNATURES: b"\x0f\x0e\1",
        T_PROFILES: bytes.fromhex("0008000700010002"), T_FEATURES: b"\0\0\0\x5a", T_DATAGRAM: b"\5\xdc", T_SESSION: bytes(16),
        T_COOKIE: bytes(20), T_FRESH: bytes(16), T_TICKET: bytes(40), T_FRAGMENTS: b"\4", T_STREAMS: bytes.fromhex("01000000110200000000"),
        99: b"unknown"}


def cap(without=(), **more):
    return Cap(Capabilities({k: v for k, v in {**TLVS, **more.get("tlvs", {})}.items() if k not in without}).encode())


def encode(kind, *payloads, map_=None, prf=PRF_SHA256, csb_id=0x4D):
    return bytes(message.encode(Header(kind, csb_id, prf, map_), list(payloads))[0])


def of_exchanges():
    """Every mode, unicast and joins, as the peer runs them."""
    found = []
    for mode in MODE_NAMES:
        for join in (False, True):
            for policy in ({}, {"encr": (KEY_WRAP,)}, {"mac": (HMAC_SHA1,), "prf": (PRF_MIKEY1,), "groups": (P256,)}):
                seen = lab.Lab((mode,), join, o=policy, a={"mac": (2, 1), "prf": (1, 0)} if "mac" in policy else {})
                found += [datagram for datagrams in seen.run() for datagram in datagrams]
    return found


def made():
    """What no exchange of the lab has."""
    whole, chash = os.urandom(3000), Chash(bytes(range(32)))
    told = Cap(Capabilities({T_COOKIE: bytes(20), T_FRESH: bytes(16)}).encode())
    piece = Fragment(bytes(range(16)), 1, 3, b"")
    entries = (MapEntry(1, (0, 1), 7, None, b""), MapEntry(2, (1,), 8, (1, 2), b"\0\7\0\2\0\5"))
    policies = [srtp.policy(number, profile) for number, profile in ((0, 1), (1, 8))]
    odd = Ext(99, b"odd")
    return [
        encode(DT_CAP, RAND_O, cap(), IDR_O, Cert(b"one"), Cert(b"two"), IDR_A, Ext(E_SDP, b"\0\1"), Ext(0, b"vendor"), odd,
               Dh(X25519, bytes(32)), Padding(9), PROOF, SIGNED),
        encode(DT_CAP, RAND_O, cap((T_TICKET, T_STREAMS), tlvs={T_TICKET_ID: bytes(16)}), IDR_O, chash, IDR_A,
               Ext(E_KEY_ID, message.encode_key_id(b"\1\2\3", b"\0\7\0\0")), PROOF),
        encode(DT_RETRY, RAND_O, told), encode(DT_RETRY, piece, told),
        encode(DT_ERROR, RAND_O, Err(11)), encode(DT_ERROR, RAND_O, RAND_A, Err(7), PROOF),
        encode(DT_ERROR, RAND_O, RAND_A, chash, Err(8), SIGNED),
        encode(DT_ERROR, RAND_O, RAND_A, Cert(b"one"), Cert(b"two"), Err(12), SIGNED),
        encode(DT_DH_RESP, RAND_O, RAND_A, cap((T_COOKIE,)), IDR_A, odd, Dh(OAKLEY5, bytes(192)), SIGNED),
        encode(DT_PSK_RESP, RAND_O, RAND_A, cap((T_COOKIE,)), IDR_A, *policies, odd, SEALED, map_=entries),
        encode(DT_PSK_FIN, RAND_O, RAND_A, *policies, odd, V(HMAC_SHA1, bytes(20)), prf=PRF_MIKEY1),
        encode(DT_KEYS, RAND_O, RAND_A, Cap(Capabilities({T_FRESH: bytes(16)}).encode()), odd, SEALED),
        *fragments.split(whole, 0x4D), *fragments.split(whole, 0x4D, cookie=bytes(20))]


def of_groups():
    groups = [p for u in group_vectors.updates() for p in u["packets"]]
    return groups + [r["octets"] for r in group_vectors.reports()] + [k["octets"] for k in group_vectors.all_keys()]


def good():
    return of_exchanges() + made() + of_groups()


def _tlvs(*tlvs):
    return encode(DT_CAP, RAND_O, Cap(b"".join(bytes((k,)) + len(v).to_bytes(2, "big") + v for k, v in tlvs)), IDR_O, PROOF)


def _put(octets, at, *values):
    return octets[:at] + bytes(values) + octets[at + len(values) :]


def _raw(kind, payload_type, body, behind=b""):
    """A message of one payload, given as octets behind `next payload`."""
    return bytes((2, kind, payload_type, 1, 0, 0, 0, 0x4D, 0, 1, 0)) + body + behind


def _ext(kind, data):
    return encode(DT_GROUP_REKEY, T(1), Ext(E_KEY_ID, message.encode_key_id(b"\1\2\3", b"\0\7\0\2")), Ext(kind, data), SIGNED)


def malformed():
    """(why, message)."""
    fine = encode(DT_PSK_FIN, RAND_O, RAND_A, PROOF)
    told, piece = Cap(Capabilities({T_COOKIE: bytes(20)}).encode()), Fragment(bytes(16), 0, 2, b"data")
    entry = (MapEntry(1, (0,), 7, (1, 2), b""),)
    yield "V is set", _put(fine, 3, 0x81)
    yield "PRF func", _put(fine, 3, 2)
    yield "PRF func", encode(DT_CAP, RAND_O, cap(), IDR_O, prf=PRF_MIKEY1)
    yield "data type", _put(fine, 1, 2)
    yield "data type", _put(fine, 1, 255)
    yield "CS ID map", _put(fine, 9, 0)
    yield "CS ID map", _put(fine, 8, 1)
    yield "CS ID map", encode(DT_PSK_FIN, RAND_O, RAND_A, PROOF, map_=entry)
    keys = encode(DT_KEYS, RAND_O, RAND_A, SEALED, map_=entry)
    yield "protocol of a crypto session", _put(keys, 11, 1)
    yield "session data", _put(keys, 15, 9)
    yield "octets behind the chain", fine + b"\0"
    yield "payload type 6", _raw(DT_CAP, 6, b"")
    yield "payload type 20", _raw(DT_CAP, P_KEY, b"\0\0\0")
    yield "more than 64 payloads", encode(DT_CAP, RAND_O, cap(), IDR_O, *[Ext(99, b"")] * 62)
    yield "does not have these payloads", encode(DT_CAP, cap(), RAND_O, IDR_O)
    yield "does not have these payloads", encode(DT_CAP, RAND_O, cap())
    yield "does not have these payloads", encode(DT_CAP, RAND_O, cap(), IDR_O, *[Cert(b"x")] * 5)
    yield "does not have these payloads", encode(DT_CAP, RAND_O, cap(), IDR_O, Cert(b"x"), Chash(bytes(32)))
    yield "does not have these payloads", encode(DT_CAP, RAND_A, cap(), IDR_O)
    yield "does not have these payloads", encode(DT_PSK_FIN, RAND_O, RAND_A, PROOF, PROOF)
    yield "does not have these payloads", encode(DT_KEYS, RAND_O, RAND_A, T(1), SEALED)
    yield "does not have these payloads", encode(DT_KEYS, RAND_A, SEALED)
    yield "does not have these payloads", encode(DT_ERROR, RAND_O, RAND_A, Err(7))
    yield "does not have these payloads", encode(DT_ERROR, RAND_O, RAND_A, Err(7), SIGNED)
    yield "does not have these payloads", encode(DT_DH_RESP, RAND_O, RAND_A, cap(), Dh(X25519, bytes(32)), SIGNED)
    yield "does not have these payloads", _ext(247, bytes(11))
    yield "does not have these payloads", _ext(248, bytes(38))
    yield "does not have these payloads", _ext(242, bytes((0, 0, 0, 1, 0, 1)) + bytes(80))
    yield "does not have these payloads", _ext(4, bytes(4))
    yield "TLV modes in RETRY", encode(DT_RETRY, RAND_O, cap((T_TICKET, T_STREAMS)))
    yield "TLV fresh in FRAGMENT", encode(DT_FRAGMENT, Cap(Capabilities({T_FRESH: bytes(16)}).encode()), piece)
    yield "TLV cookie in KEYS", encode(DT_KEYS, RAND_O, RAND_A, told, SEALED)
    yield "RETRY whose FRAGMENT has data", encode(DT_RETRY, piece, told)
    yield "FRAGMENT without data", encode(DT_FRAGMENT, Fragment(bytes(16), 0, 2, b""))
    for index, count in ((0, 1), (0, 9), (2, 2)):
        yield "index or count", encode(DT_FRAGMENT, Fragment(bytes(16), index, count, b"x"))
    yield "order of the TLVs", _tlvs((2, b"\1"), (1, b"\1"))
    yield "order of the TLVs", _tlvs((1, b"\1"), (1, b"\1"))
    yield "repetition in TLV modes", _tlvs((1, b"\1\2\1"))
    yield "repetition in TLV profiles", _tlvs((7, b"\0\1\0\1"))
    for kind, value in ((1, b""), (7, b"\0"), (8, b"\0\0\0"), (9, b"\5"), (10, bytes(15)), (10, bytes(33)), (11, b""), (11, bytes(65)),
                        (12, bytes(15)), (13, b""), (13, bytes(1025)), (14, bytes(17)), (15, b"\2\2"), (16, bytes(4)), (16, b"")):
        yield "length of TLV", _tlvs((kind, value))
    yield "datagram below 1,232", _tlvs((9, b"\4\xcf"))
    yield "fragments", _tlvs((15, b"\1"))
    yield "direction of a stream", _tlvs((16, b"\4\0\0\0\1"))
    yield "SSRC of a stream", _tlvs((16, b"\2\0\0\0\1"))
    yield "ends too early", encode(DT_CAP, RAND_O, Cap(b"\1\0\5\1"), IDR_O)
    yield "unknown encryption algorithm", _raw(DT_KEYS, P_KEMAC, b"\0\0\0\2" + bytes(32))
    yield "unknown MAC algorithm", _raw(DT_KEYS, P_KEMAC, b"\3\0\0\0")
    yield "unknown MAC algorithm", _raw(DT_PSK_FIN, P_V, b"\0")
    yield "C of PKE", _raw(DT_RSA_RESP, P_PKE, b"\x40\0")
    yield "unknown DH group", _raw(DT_DH_FIN, P_DH, b"\1" + bytes(97))
    yield "reserved bits or KV", _raw(DT_DH_FIN, P_DH, b"\xf2" + bytes(32) + b"\1")
    yield "unknown signature type", bytes((2, DT_DH_FIN, P_SIGN, 1, 0, 0, 0, 0, 0, 1)) + b"\0\0"
    yield "TS type", _raw(DT_REPORT, P_T, bytes(9))
    yield "certificate type", _raw(DT_CAP, P_CERT, b"\1\0\0")
    yield "hash function", _raw(DT_CAP, P_CHASH, b"\0" + bytes(20))
    yield "protocol type", _raw(DT_PSK_FIN, P_SP, b"\0\1\0\0")
    yield "reserved octets of ERR", _raw(DT_ERROR, P_ERR, b"\7\0\1")
    yield "role of IDR", _raw(DT_CAP, P_IDR, b"\3\0\0\1x")
    yield "ID type", _raw(DT_CAP, P_IDR, b"\1\3\0\1x")
    yield "identity of 1 to 255", _raw(DT_CAP, P_IDR, b"\1\0\0\0")
    yield "identity of 1 to 255", _raw(DT_CAP, P_IDR, b"\1\0\1\0" + bytes(256))
    yield "role of RANDR", _raw(DT_CAP, P_RANDR, b"\0\x10" + bytes(16))
    yield "RAND of 16 to 32", _raw(DT_CAP, P_RANDR, b"\1\x0f" + bytes(15))
    yield "RAND of 16 to 32", _raw(DT_CAP, P_RANDR, b"\1\x21" + bytes(33))
    yield "version of CAP", _raw(DT_CAP, P_CAP, b"\2\0\0")
    yield "padding that is not zero", _raw(DT_CAP, P_PADDING, b"\0\2\0\1")
    yield "kind of update", _ext(246, bytes(37))
    yield "kind of report", _ext(249, b"\4" + bytes(24))
    yield "leaf outside of its tree", _ext(245, bytes((0, 0, 0, 1, 2, 2)))
    yield "more than 16 leaves", _ext(245, bytes((0, 0, 0, 1, 0, 17)))
    for kind, size in ((243, 12), (244, 100), (246, 37), (247, 11), (248, 38), (249, 25), (4, 4)):
        yield "ends too early", _ext(kind, b"\1" * (size - 1))
        yield "is longer than what is in it", _ext(kind, b"\1" * (size + 1))
    yield "ends too early", _ext(245, bytes((0, 0, 0, 1, 0, 2)) + bytes(15))
    yield "ends too early", _ext(3, b"\0\3\1\2")
