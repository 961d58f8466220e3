# SPDX-License-Identifier: Apache-2.0
"""The fields that deploy/wireshark/mikeyv2.lua must show of a message, with their values, from what the Python peer reads of it; and
captures to show them of."""
import struct

from mikeyv2.octets import Reader
from mikeyv2.payloads import (OUTER, Cap, Cert, Chash, Dh, Err, Ext, Fragment, Idr, Kemac, Padding, Pke, Randr, Sign, Sp, T, V,
                              decode_chain)


def num(name, value):
    return [(name, str(value))]


def hexa(name, value, size=4):
    return [(name, f"0x{value:0{2 * size}x}")]


def octets(name, value):
    return [(name, value.hex(":"))] if value else []


def sized(length, name, value):
    return num(length, len(value)) + octets(name, value)


def nodes(path):
    return [field for i in range(0, len(path), 16) for field in octets("path_node", path[i : i + 16])]


def merkle(r):
    return num("verification_key", r.uint(4)) + num("leaf_index", r.uint(1)) + num("leaves", r.uint(1))


def key_ids(data):
    r, found = Reader(data), []
    while r.left():
        found += num("key_id_type", r.uint(1)) + sized("key_id_length", "key_id", r.sized(1))
    return found


def numbers(data, *fields):
    """fields: name and size; a name of octets has a size below 0, one in hexadecimal ends with !."""
    r, found = Reader(data), []
    for name, size in fields:
        if size < 0:
            found += octets(name, r.take(-size))
        elif name.endswith("!"):
            found += hexa(name[:-1], r.uint(size), size)
        else:
            found += num(name, r.uint(size))
    r.end()
    return found


def of_ext(p):
    r = Reader(p.data)
    body = {
        3: lambda: key_ids(p.data),
        4: lambda: hexa("group_csb_id", r.uint(4)),
        241: lambda: octets("tree_update", p.data),
        242: lambda: merkle(r) + nodes(p.data[6:-64]) + octets("mtk_signature", p.data[-64:]),
        243: lambda: numbers(p.data, ("msk_id!", 4), ("filter_mac", -8)),
        244: lambda: numbers(p.data, ("new_verification_key", 4), ("new_public_key", -32), ("roll_signature", -64)),
        245: lambda: merkle(r) + nodes(p.data[6:]),
        246: lambda: numbers(p.data, ("update_kind", 1), ("tree_id", -8), ("epoch", 4), ("update_nonce", -16), ("first_use", 4),
                             ("repair_window", 4)),
        247: lambda: numbers(p.data, ("key_domain", -3), ("msk_id!", 4), ("counter", 4)),
        248: lambda: numbers(p.data, ("tree_id", -8), ("epoch", 4), ("rekey_t", 4), ("tree_leaf", 4), ("leaf_generation", 4),
                             ("largest_rekey", 2), ("repair_window", 4), ("report_t", 4), ("keys_t", 4)),
        249: lambda: numbers(p.data, ("report_kind", 1), ("tree_id", -8), ("epoch", 4), ("rekey_t", 4), ("msk_id!", 4), ("held", 4)),
        250: lambda: octets("ticket", p.data),
    }.get(p.type, lambda: octets("ext_data", p.data))
    return num("ext_type", p.type) + num("ext_length", len(p.data)) + body()


LISTS = {1: "mode", 2: "tlv_prf", 3: "tlv_encr", 4: "tlv_mac", 5: "tlv_group", 6: "tlv_signature"}
WHOLE = {10: "session_id", 11: "cookie", 12: "fresh", 13: "ticket", 14: "ticket_id"}


def of_tlv(kind, value):
    number = int.from_bytes(value, "big")
    if kind in LISTS:
        return [field for octet in value for field in num(LISTS[kind], octet)]
    if kind == 7:
        return [field for i in range(0, len(value), 2) for field in hexa("profile", int.from_bytes(value[i : i + 2], "big"), 2)]
    if kind == 8:
        return hexa("features", number) + [(f"feature_{bit}", str(number >> bit & 1)) for bit in range(7)]
    if kind in (9, 15):
        return num("datagram" if kind == 9 else "fragments", number)
    if kind == 16:
        return [field for i in range(0, len(value), 5) for field in numbers(value[i : i + 5], ("stream_direction", 1), ("stream_ssrc!", 4))]
    return octets(WHOLE.get(kind, "tlv_value"), value)


def of_cap(p):
    r, found = Reader(p.tlvs), num("cap_version", 1) + num("cap_length", len(p.tlvs))
    while r.left():
        kind, value = r.uint(1), r.sized(2)
        found += num("tlv_type", kind) + num("tlv_length", len(value)) + of_tlv(kind, value)
    return found


def of_sp(p):
    r, found = Reader(p.parameters), num("policy", p.number) + num("protocol", 0) + num("params_length", len(p.parameters))
    while r.left():
        found += num("param_type", r.uint(1)) + sized("param_length", "param_value", r.sized(1))
    return found


PAYLOADS = {
    Kemac: lambda p: num("encr", p.encr) + sized("encr_length", "encr_data", p.data) + num("mac_alg", p.mac_alg) + octets("mac", p.mac),
    Pke: lambda p: num("pke_cache", 0) + sized("pke_length", "pke", p.data),
    Dh: lambda p: num("dh_group", p.group) + octets("dh_value", p.value) + num("dh_reserved", 0) + num("dh_kv", 0),
    Sign: lambda p: num("sign_type", p.s_type) + sized("sign_length", "signature", p.signature),
    T: lambda p: num("ts_type", 2) + num("t", p.value),
    Cert: lambda p: num("cert_type", 0) + sized("cert_length", "certificate", p.der),
    Chash: lambda p: num("hash_func", 2) + octets("hash", p.hash),
    V: lambda p: num("mac_alg", p.mac_alg) + octets("mac", p.mac),
    Sp: of_sp,
    Err: lambda p: num("error", p.number) + num("error_reserved", 0),
    Idr: lambda p: (num("id_role", p.role) + num("id_type", p.identity.type) + num("id_length", len(p.identity.value))
                    + [("id", p.identity.value.decode())]),
    Randr: lambda p: num("rand_role", p.role) + sized("rand_length", "rand", p.value),
    Ext: of_ext,
    Cap: of_cap,
    Padding: lambda p: num("padding_length", p.size) + octets("padding", bytes(p.size)),
    Fragment: lambda p: (octets("whole_hash", p.hash) + num("fragment_index", p.index) + num("fragment_count", p.count)
                         + sized("fragment_length", "fragment", p.data)),
}


def of_map(r, count):
    found = []
    for _ in range(count):
        found += num("cs_id", r.uint(1)) + num("cs_protocol", r.uint(1))
        head = r.uint(1)
        found += num("cs_s", head >> 7) + num("cs_policies", head & 127)
        found += [field for octet in r.take(head & 127) for field in num("cs_policy", octet)]
        found += num("cs_data_length", r.uint(2)) + hexa("ssrc", r.uint(4))
        if head >> 7:
            found += num("roc", r.uint(4)) + num("seq", r.uint(2))
        found += sized("spi_length", "spi", r.sized(1))
    return found


def fields_of(message):
    """[(name, value)] of a well-formed message in the order of its octets."""
    r = Reader(message)
    found = num("version", r.uint(1)) + num("data_type", r.uint(1))
    first = r.uint(1)
    prf, csb_id, count, kind = r.uint(1), r.uint(4), r.uint(1), r.uint(1)
    found += num("next_payload", first) + num("v", prf >> 7) + num("prf", prf & 127)
    found += hexa("csb_id", csb_id) + num("cs_count", count) + num("map_type", kind) + of_map(r, count)
    chain = [p for p, _ in decode_chain(first, r, OUTER)]
    r.end()
    for p, following in zip(chain, [p.KIND for p in chain[1:]] + [0]):
        found += ([] if isinstance(p, Sign) else num("next_payload", following)) + PAYLOADS[type(p)](p)
    return [("mikeyv2." + name, value) for name, value in found]


def packet(datagram, port):
    udp = struct.pack(">HHHH", port, port, 8 + len(datagram), 0) + datagram
    return struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, 0x7F000001, 0x7F000001) + udp


def write_pcap(path, datagrams, port=2269, snap=65535):
    """A capture of raw IP (LINKTYPE_RAW), each packet cut to `snap` octets."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for datagram in datagrams:
            whole = packet(datagram, port)
            out.write(struct.pack("<IIII", 0, 0, len(whole[:snap]), len(whole)) + whole[:snap])
