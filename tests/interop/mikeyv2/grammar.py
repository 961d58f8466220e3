# SPDX-License-Identifier: Apache-2.0
"""§3.4 and §3.5 as regular expressions over the names of payloads."""
import re

from .octets import malformed
from .tables import *

_KEYS_ROW = "RANDR1? RANDR2 CAP? T? SP* EXT* KEMAC"
_PEER = "(CERT{1,4}|CHASH)"
ROWS = {
    (DT_CAP, None): f"RANDR1 CAP IDR1 {_PEER}? IDR2? EXT3? EXT1? EXT* DH? PADDING? V? SIGN?",
    (DT_PSK_RESP, PSK): "RANDR1 RANDR2 CAP IDR2 SP* EXT* KEMAC",
    (DT_RSA_RESP, RSA): f"RANDR1 RANDR2 CAP IDR2 {_PEER}? SP* EXT* KEMAC PKE SIGN",
    (DT_DH_RESP, DH): "RANDR1 RANDR2 CAP (IDR2|CERT{1,4}|CHASH) SP* EXT* DH SIGN",
    (DT_DH_RESP, EARLY_DH): "RANDR1 RANDR2 CAP (IDR2|CERT{1,4}|CHASH) SP* EXT* DH KEMAC SIGN",
    (DT_DHHMAC_RESP, DHHMAC): "RANDR1 RANDR2 CAP IDR2 SP* EXT* DH KEMAC",
    (DT_DHHMAC_RESP, EARLY_DHHMAC): "RANDR1 RANDR2 CAP IDR2 SP* EXT* DH KEMAC",
    (DT_PSK_FIN, PSK): "RANDR1 RANDR2 SP* EXT* V",
    (DT_RSA_FIN, RSA): "RANDR1 RANDR2 SP* EXT* V",
    (DT_DH_FIN, EARLY_DH): "RANDR1 RANDR2 SP* EXT* V",
    (DT_DHHMAC_FIN, EARLY_DHHMAC): "RANDR1 RANDR2 SP* EXT* V",
    (DT_DH_FIN, DH): "RANDR1 RANDR2 SP* EXT* DH SIGN",
    (DT_DHHMAC_FIN, DHHMAC): "RANDR1 RANDR2 SP* EXT* DH KEMAC",
    (DT_KEYS, None): _KEYS_ROW,
    (DT_ERROR, None): "RANDR1 RANDR2? (IDR2|CERT{1,4}|CHASH)? ERR (V|SIGN)?",
    (DT_RETRY, None): "(RANDR1|FRAGMENT) CAP",
    (DT_FRAGMENT, None): "CAP? FRAGMENT",
    (DT_REPORT, None): "RANDR1 T IDR1 IDR2 EXT3 EXT249 EXT250? PADDING? V",
    (DT_GROUP_REKEY, None): "T EXT3 EXT246 EXT241? EXT244? KEMAC? EXT243? EXT245 SIGN",
}
INNER_ROW = "IDR2? KEY* RAND* EXT4? EXT247* EXT248? EXT*"


def _expression(row):
    words = re.sub(r"\s+", "", re.sub(r"[A-Z]+[0-9]*", lambda word: f"(?:{word[0]}~)", row))
    return re.compile(words)


_EXPRESSIONS = {key: _expression(row) for key, row in ROWS.items()}
_INNER = _expression(INNER_ROW)
_PLAIN = {P_KEMAC: "KEMAC", P_PKE: "PKE", P_DH: "DH", P_SIGN: "SIGN", P_T: "T", P_CERT: "CERT", P_CHASH: "CHASH", P_V: "V",
          P_SP: "SP", P_RAND: "RAND", P_ERR: "ERR", P_KEY: "KEY", P_CAP: "CAP", P_PADDING: "PADDING", P_FRAGMENT: "FRAGMENT"}


def _name(payload):
    if payload.KIND == P_EXT:
        return f"EXT{payload.type}~" if payload.type in KNOWN_EXT else "EXT~"
    if payload.KIND in (P_IDR, P_RANDR):
        return ("IDR" if payload.KIND == P_IDR else "RANDR") + f"{payload.role}~"
    return _PLAIN[payload.KIND] + "~"


def check_rows(data_type, payloads):
    """The modes whose row of §3.4 the payloads are, [None] where the message has no mode."""
    sentence = "".join(map(_name, payloads))
    modes = [mode for (kind, mode), e in _EXPRESSIONS.items() if kind == data_type and e.fullmatch(sentence)]
    if not modes:
        raise malformed("order of payloads", "§3.4")
    return modes


def check_inner(payloads):
    if not _INNER.fullmatch("".join(map(_name, payloads))):
        raise malformed("order inside KEMAC", "§3.5")
