# SPDX-License-Identifier: Apache-2.0
"""§10: GROUP_REKEY, announcements and key roll; the tree update itself is octets here, the root comes from outside."""
from dataclasses import dataclass, field

from . import content, message, schedule, seal
from .octets import Reader, Refused, require, u32
from .payloads import *
from .prf import H, ZERO, equal, kdf, mac
from .tables import *

TREE, SUBSET, ANNOUNCEMENT = 1, 2, 3
BY_MKI = 0xFFFFFFFF


@dataclass(frozen=True)
class Update:
    """EXT 246 and what names the update."""
    key_domain: bytes
    msk_id: bytes  # the new one
    csb_id: int
    kind: int
    tree_id: bytes
    epoch: int
    nonce: bytes
    t: int
    first_use: int = BY_MKI
    window: int = 1000

    def ext(self):
        return bytes((self.kind,)) + self.tree_id + u32(self.epoch) + self.nonce + u32(self.first_use) + u32(self.window)

    def named(self):
        return self.key_domain + self.msk_id[:2] + self.tree_id + u32(self.epoch)

    def wrapping(self, root):
        """Keys of the KEMAC (§4.4)."""
        inkey = kdf(root, b"rekey", self.tree_id + u32(self.epoch))
        return schedule.MessageKeys(inkey, PRF_SHA256, self.csb_id, DT_GROUP_REKEY, self.nonce, b"", H(self.named()), ZERO, ZERO,
                                    self.t)

    def filter_key(self, msk):
        return kdf(msk, b"filter", self.tree_id + u32(self.epoch))

    def signed(self, key_id, leaves, root):
        return b"MIKEYv2 group_rekey\0" + self.named() + u32(self.t) + u32(key_id) + bytes((leaves,)) + root

    def roll(self, old_id, new_id, public):
        return b"MIKEYv2 key_roll\0" + self.named() + u32(self.t) + u32(old_id) + u32(new_id) + public


# Merkle tree of the packets of an update

def leaf_of(index, body):
    return H(b"\0" + bytes((index,)) + body)[:16]


def levels_of(leaves):
    levels = [leaves]
    while len(levels[-1]) > 1:
        row = levels[-1]
        levels.append([H(b"\1" + row[i] + row[i + 1])[:16] if i + 1 < len(row) else row[i] for i in range(0, len(row), 2)])
    return levels


def path_of(levels, index):
    """The neighbours from the leaf upward; none where the node moves up."""
    path = []
    for row in levels[:-1]:
        if index ^ 1 < len(row):
            path.append(row[index ^ 1])
        index //= 2
    return path


def root_of(leaf, index, leaves, path):
    node, path, width = leaf, list(path), leaves
    while width > 1:
        if index ^ 1 < width:
            require(path, "Merkle path", "§10")
            neighbour = path.pop(0)
            node = H(b"\1" + (neighbour + node if index & 1 else node + neighbour))[:16]
        index, width = index // 2, (width + 1) // 2
    require(not path, "Merkle path", "§10")
    return node


# building

def build(update, trees, signing, old_msk=None, old_msk_id=None, root=None, msk=None, roll=None, encr=AES_CM_256, change=list,
          prf=PRF_SHA256):
    """The packets of an update: one for each of `trees`. signing and roll: (key id, Ed25519 private key). change: a twist of the payloads
    before any proof."""
    key_id, private = signing
    header = message.Header(DT_GROUP_REKEY, update.csb_id, prf)
    plain = msk.encode() if msk else None
    drafts = [_draft(update, header, tree, len(trees), i, signing, old_msk_id, root, plain, roll, encr, change)
              for i, tree in enumerate(trees)]
    levels = levels_of([leaf_of(i, body) for i, (_, body, _) in enumerate(drafts)])
    signature = private.sign(update.signed(key_id, len(trees), levels[-1][0]))
    packets = []
    for i, (payloads, body, _) in enumerate(drafts):
        path = u32(key_id) + bytes((i, len(trees))) + b"".join(path_of(levels, i))
        payloads = payloads[:-2] + [Ext(E_PATH, path), Sign(S_ED25519, signature)]
        octets, ends = message.encode(header, payloads)
        if old_msk is not None:  # sign, then compute the filter MAC, then fill it in
            at = ends[-3] - 8
            octets[at : at + 8] = mac(update.filter_key(old_msk), body + octets[ends[-3] :])[:8]
        packets.append(bytes(octets))
    return packets


def _draft(update, header, tree, leaves, index, signing, old_msk_id, root, plain, roll, encr, change):
    payloads = [T(update.t), Ext(E_KEY_ID, message.encode_key_id(update.key_domain, update.msk_id)), Ext(E_UPDATE, update.ext())]
    if tree is not None:
        payloads.append(Ext(E_TREE, tree))
    if roll:
        new_id, new_private = roll
        public = public_of(new_private)
        payloads.append(Ext(E_ROLL, u32(new_id) + public + new_private.sign(update.roll(signing[0], new_id, public))))
    if plain is not None:
        payloads.append(seal.kemac(update.wrapping(root), encr, HMAC_SHA256, plain))
    if old_msk_id is not None:
        payloads.append(Ext(E_FILTER, old_msk_id + bytes(8)))
    payloads += [Ext(E_PATH, bytes(6 + 16 * len(path_of(levels_of([b""] * leaves), index)))), Sign(S_ED25519, bytes(64))]
    payloads = change(payloads)
    octets, ends = message.encode(header, payloads)
    if plain is not None:
        at = next(i for i, p in enumerate(payloads) if isinstance(p, Kemac))
        proof = update.wrapping(root).mac(HMAC_SHA256, bytes(octets[: ends[at] - 32]))
        payloads[at] = Kemac(encr, payloads[at].data, HMAC_SHA256, proof)
        octets, ends = message.encode(header, payloads)
    return payloads, bytes(octets[: ends[-3]]), ends


def public_of(private):
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


# receiving

@dataclass
class Member:
    """What a member of a group takes. derive(tree octets, epoch) gives the new root, or None where it has none of its keys."""
    key_domain: bytes
    key_group: bytes
    csb_id: int
    tree_id: bytes
    epoch: int
    t: int
    msks: dict  # MSK ID: MSK
    key_id: int
    key: object  # Ed25519 public
    derive: object
    encr: int = AES_CM_256  # the group's
    announced_t: int = 0
    rolled: tuple = None  # (key id, key, (tree id, epoch, T)) before the last roll: for the other packets of that update
    rolled_at: float = 0
    wrong: list = field(default_factory=list)  # moments of wrong signatures without a good filter MAC
    missing: bool = False  # REPORT `missing` is due

    def receive(self, now, octets):
        """`applied`, `announced`, `stale`, `foreign`; what is refused raises and changes nothing but counters."""
        m = message.decode(octets)
        require(m.header.data_type == DT_GROUP_REKEY, "data type", "§7")
        update, key_id, index, leaves, path = read(m)
        require((update.key_domain, update.msk_id[:2], update.csb_id) == (self.key_domain, self.key_group, self.csb_id), "group", "§10")
        foreign = update.tree_id != self.tree_id
        require(not foreign or update.kind == ANNOUNCEMENT, "tree id", "§10")
        require(foreign or update.epoch > self.epoch, "epoch", "§10")
        require(update.t > max(self.t, self.announced_t if foreign else 0), "T", "§10")
        filtered = self._filter(m, update)
        self._signature(now, m, update, key_id, index, leaves, path, filtered)
        roll = self._roll(m, update, key_id)
        if foreign:
            self.announced_t, self.missing = update.t, True
            return "foreign"
        if roll and key_id == self.key_id:
            self.rolled = (self.key_id, self.key, (update.tree_id, update.epoch, update.t))
            self.key_id, self.key = roll
            self.rolled_at = now
        if update.kind == ANNOUNCEMENT:
            return "announced"
        if update.epoch > self.epoch + 64:
            self.missing = True
            return "stale"
        return self._apply(m, update)

    def _filter(self, m, update):
        """True if good, None if absent or of an MSK that this member lacks."""
        data = m.ext(E_FILTER)
        if data is None or data[:4] not in self.msks:
            return None
        octets = body_of(m) + m.octets[m.ends[-3] :]
        require(equal(mac(update.filter_key(self.msks[data[:4]]), octets)[:8], data[4:]), "filter MAC", "§10")
        return True

    def _signature(self, now, m, update, key_id, index, leaves, path, filtered):
        self.wrong = [w for w in self.wrong if now - w < 1]
        require(filtered or len(self.wrong) < 20, "wrong signatures", "§10")
        key = self._key_of(update, key_id)
        require(key is not None, "verification key", "§10")
        root = root_of(leaf_of(index, body_of(m)), index, leaves, path)
        try:
            key.verify(m.one(Sign).signature, update.signed(key_id, leaves, root))
        except Exception:
            if not filtered:
                self.wrong.append(now)
            raise Refused("signature", "§10") from None

    def _key_of(self, update, key_id):
        if key_id == self.key_id:
            return self.key
        old_id, old, of = self.rolled or (None, None, None)
        return old if key_id == old_id and of == (update.tree_id, update.epoch, update.t) else None

    def _roll(self, m, update, signer):
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        data = m.ext(E_ROLL)
        if data is None:
            return None
        new_id, public = int.from_bytes(data[:4], "big"), Ed25519PublicKey.from_public_bytes(data[4:36])
        try:
            public.verify(data[36:], update.roll(signer, new_id, data[4:36]))
        except Exception:
            raise Refused("key roll", "§10") from None
        return new_id, public

    def _apply(self, m, update):
        root = self.derive(m.ext(E_TREE), update.epoch)
        require(root is not None, "nothing for this member in this packet", "§10")
        keys, kemac = update.wrapping(root), m.one(Kemac)
        require(kemac.encr == self.encr, "algorithm of GROUP_REKEY", "§4.4")
        try:
            seal.check_mac(m, Kemac, keys)
        except Refused:
            self.missing = True  # behind a good signature: the member's own keys are stale
            return "stale"
        got = content.decode(keys.decrypt(kemac.encr, kemac.data), False)
        require(len(got.keys) == len(got.msks()) == 1 and not got.rands, "content of GROUP_REKEY", "§10")
        self.msks = {update.msk_id: got.keys[0].key}
        self.epoch, self.t, self.missing = update.epoch, update.t, False
        return "applied"

    def install(self, got, asked, asked_at=0):
        """Content of KEYS or of an answer; asked: of an exchange or a REPORT that this member opened, when. Nothing older is installed."""
        r = Reader(got.member_state)
        tree_id, epoch, t = r.take(8), r.uint(4), r.uint(4)
        msk_ids = [state[3:7] for state in got.msk_states]
        require(all(state[:3] == self.key_domain and state[3:5] == self.key_group for state in got.msk_states), "group", "§10")
        if tree_id == self.tree_id:
            newest = max(int.from_bytes(i[2:], "big") for i in self.msks)
            require((epoch, max(int.from_bytes(i[2:], "big") for i in msk_ids)) >= (self.epoch, newest), "older keys", "§10")
        else:
            require(asked, "tree id that was not asked for", "§10")
        if not (self.rolled and self.rolled[2][0] == tree_id and self.rolled[2][1] > epoch and (not asked or self.rolled_at >= asked_at)):
            self._verifier(got)
        self.tree_id, self.epoch, self.t = tree_id, epoch, max(t, self.t)
        self.msks = {i: k.key for i, k in zip(msk_ids, got.msks())}
        self.missing = False

    def _verifier(self, got):
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        for key in got.of(K_VERIFY):
            self.key_id, self.key, self.rolled = int.from_bytes(key.spi, "big"), Ed25519PublicKey.from_public_bytes(key.key), None


def body_of(m):
    """§10: all octets before EXT 245, with the 8 MAC octets of EXT 243 zeroed."""
    octets = m.octets[: m.ends[-3]]
    return octets[:-8] + bytes(8) if m.payloads[-3] == Ext(E_FILTER, m.ext(E_FILTER)) else octets


def read(m):
    """(Update, key id, index, leaves, path): the form of what GROUP_REKEY has."""
    domain, msk_id = message.decode_key_id(m.ext(E_KEY_ID), (0, 1))
    data = m.ext(E_UPDATE)
    require(len(data) == 37 and data[0] in (TREE, SUBSET, ANNOUNCEMENT), "EXT 246", "§3.6")
    r = Reader(data[1:])
    update = Update(domain, msk_id, m.header.csb_id, data[0], r.take(8), r.uint(4), r.take(16), m.one(T).value, r.uint(4), r.uint(4))
    kemac = m.one(Kemac)
    plain = update.kind == ANNOUNCEMENT
    require((kemac is None) == plain and (m.ext(E_TREE) is None) == plain, "KEMAC and tree update", "§10")
    require(kemac is None or kemac.mac_alg == HMAC_SHA256, "MAC alg", "§4.4")
    require(len(m.ext(E_FILTER) or bytes(12)) == 12 and len(m.ext(E_ROLL) or bytes(100)) == 100, "extension", "§3.6")
    require(m.one(Sign).s_type == S_ED25519, "signature type", "§10")
    r = Reader(m.ext(E_PATH))
    key_id, index, leaves, path = r.uint(4), r.uint(1), r.uint(1), r.rest()
    require(1 <= leaves <= 16 and index < leaves and len(path) % 16 == 0, "Merkle path", "§3.6")
    return update, key_id, index, leaves, [path[i : i + 16] for i in range(0, len(path), 16)]
