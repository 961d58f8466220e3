-- SPDX-License-Identifier: Apache-2.0
-- MIKEYv2 (docs/mikeyv2.md) in Wireshark and tshark 4.0 or later. UDP port 2269 is shared with version 1, which is left to
-- Wireshark's own dissector; on other ports what has the form of a MIKEYv2 message is shown as one, or whatever Decode As says.
-- What is inside a KEMAC is encrypted and stays so.

local mikeyv2 = Proto("mikeyv2", "Multimedia Internet KEYing, version 2")

local PORT = 2269
local STUN_COOKIE = 0x2112A442 -- §2: what tells STUN from us on a shared port
local MAX_PAYLOADS = 64 -- §3.2

-- Numbers

local DATA_TYPES = {
  [6] = "ERROR", [241] = "CAP", [242] = "PSK_RESP", [243] = "PSK_FIN", [244] = "RSA_RESP", [245] = "RSA_FIN", [246] = "DH_RESP",
  [247] = "DH_FIN", [248] = "DHHMAC_RESP", [249] = "DHHMAC_FIN", [250] = "RETRY", [251] = "FRAGMENT", [252] = "KEYS",
  [253] = "GROUP_REKEY", [254] = "REPORT",
}
local PAYLOADS = {
  [0] = "Last payload", [1] = "KEMAC", [2] = "PKE", [3] = "DH", [4] = "SIGN", [5] = "T", [7] = "CERT", [8] = "CHASH", [9] = "V",
  [10] = "SP", [12] = "ERR", [14] = "IDR", [15] = "RANDR", [21] = "EXT", [241] = "CAP", [242] = "PADDING", [243] = "FRAGMENT",
}
local PRFS = {[0] = "MIKEY-1", [1] = "PRF-HMAC-SHA-256"}
local MAPS = {[1] = "Empty map", [2] = "GENERIC-ID"}
local ENCRS = {[1] = "AES-CM-128", [3] = "AES-CM-256", [241] = "AES-256 key wrap with padding"}
local MACS = {[1] = "HMAC-SHA-1-160", [2] = "HMAC-SHA-256-256"}
local GROUPS = {[0] = "OAKLEY 5", [241] = "secp256r1", [242] = "x25519"}
local SIGNATURES = {[1] = "RSA-PSS", [14] = "ECDSA P-256", [15] = "Ed25519"}
local MODES = {[1] = "PSK", [2] = "RSA", [3] = "DH", [4] = "DHHMAC", [5] = "early DH", [6] = "early DHHMAC"}
local PROFILES = {
  [0x0001] = "AES128_CM_HMAC_SHA1_80", [0x0002] = "AES128_CM_HMAC_SHA1_32", [0x0007] = "AEAD_AES_128_GCM",
  [0x0008] = "AEAD_AES_256_GCM",
}
local ROLES = {[1] = "Offerer", [2] = "Answerer"}
local ID_TYPES = {[0] = "NAI", [1] = "URI", [2] = "Octet string"}
local ERRORS = {[7] = "Not entitled, or group unknown", [8] = "Certificate unknown", [11] = "No mode in common", [12] = "Other"}
local DIRECTIONS = {[1] = "Offerer sends", [2] = "Answerer sends", [3] = "Both send"}
local UPDATES = {[1] = "tree update", [2] = "subset difference", [3] = "announcement"}
local REPORTS = {[1] = "acknowledge", [2] = "missing", [3] = "leave"}
local KEY_IDS = {[0] = "Key Domain ID", [1] = "MSK ID", [2] = "MTK ID"}
local EXTS = {
  [0] = "Vendor", [1] = "SDP IDs", [3] = "Key ID information", [4] = "CSB ID", [241] = "Tree update", [242] = "MTK signature",
  [243] = "Filter MAC", [244] = "Key roll", [245] = "Merkle path", [246] = "Update", [247] = "MSK state", [248] = "Member state",
  [249] = "Report", [250] = "Ticket",
}
local TLVS = {
  [1] = "modes", [2] = "prf", [3] = "encr", [4] = "mac", [5] = "groups", [6] = "signatures", [7] = "profiles", [8] = "features",
  [9] = "datagram", [10] = "session", [11] = "cookie", [12] = "fresh", [13] = "ticket", [14] = "ticket id", [15] = "fragments",
  [16] = "streams",
}
local SP_PARAMS = { -- RFC 3830 §6.10.1, RFC 7714 §14.2
  [0] = "Encryption algorithm", [1] = "Session encryption key length", [2] = "Authentication algorithm",
  [3] = "Session authentication key length", [4] = "Session salt key length", [5] = "SRTP PRF", [6] = "Key derivation rate",
  [7] = "SRTP encryption", [8] = "SRTCP encryption", [9] = "Sender's FEC order", [10] = "SRTP authentication",
  [11] = "Authentication tag length", [12] = "SRTP prefix length", [20] = "AEAD authentication tag length",
}
local FEATURES = {"tree updates", "subset difference", "parity packets", "signed MTK messages", "tickets", "MSKs of 3GPP", "REPORT"}
local MAC_SIZES = {[1] = 20, [2] = 32}
local DH_SIZES = {[0] = 192, [241] = 65, [242] = 32}

-- Fields

local f, all_fields = {}, {}
local function field(name, kind, label, ...)
  f[name] = ProtoField[kind]("mikeyv2." .. name, label, ...)
  all_fields[#all_fields + 1] = f[name]
end
local function fields(kind, display, labels)
  for name, label in pairs(labels) do field(name, kind, label, display) end
end

fields("uint8", base.DEC, {
  version = "Version", cs_count = "#CS", cs_id = "CS ID", cs_policy = "Policy number", spi_length = "SPI length",
  policy = "Policy number", param_length = "Length", rand_length = "RAND length", key_id_length = "Key ID length",
  leaf_index = "Leaf", leaves = "Leaves", cap_version = "CAP version", fragments = "Fragments taken", fragment_index = "Index",
  fragment_count = "Count",
})
fields("uint16", base.DEC, {
  cs_data_length = "Session data length", seq = "SEQ", encr_length = "Encr data length", cert_length = "Certificate length",
  params_length = "Parameters length", error_reserved = "Reserved", id_length = "ID length", ext_length = "EXT length",
  largest_rekey = "Largest GROUP_REKEY", cap_length = "TLVs length", tlv_length = "TLV length", datagram = "Largest datagram",
  padding_length = "Padding length", fragment_length = "Fragment length",
})
fields("uint32", base.DEC, {
  roc = "ROC", t = "T", verification_key = "Verification key ID", new_verification_key = "New verification key ID",
  epoch = "Epoch", repair_window = "Repair window in milliseconds", counter = "Last COUNTER",
  rekey_t = "T of the last GROUP_REKEY", leaf_generation = "Leaf generation", report_t = "Greatest T of this member's REPORTs",
  keys_t = "T of the last unasked KEYS", held = "Milliseconds since the MSK is held",
})
fields("uint32", base.HEX, {
  csb_id = "CSB ID", ssrc = "SSRC", group_csb_id = "CSB ID of the group", msk_id = "MSK ID", features = "Features",
  stream_ssrc = "SSRC",
})
fields("bytes", nil, {
  spi = "SPI (MKI)", encr_data = "Encr data", mac = "MAC", pke = "Encrypted envelope key", dh_value = "Public value",
  signature = "Signature", certificate = "Certificate", hash = "Hash of the certificate", param_value = "Value", rand = "RAND",
  ext_data = "Data", key_id = "Key ID", tree_update = "Tree update", path_node = "Merkle path", mtk_signature = "Signature",
  filter_mac = "Filter MAC", new_public_key = "New public key", roll_signature = "Signature by the new key",
  tree_id = "Tree ID", update_nonce = "Update nonce", key_domain = "Key Domain ID", ticket = "Ticket", tlv_value = "Value",
  session_id = "Session", cookie = "Cookie", fresh = "FRESH", ticket_id = "Ticket ID", padding = "Padding",
  whole_hash = "Hash of the whole message", fragment = "Fragment",
})
fields("none", nil, {
  session = "Crypto session", payload = "Payload", param = "Parameter", tlv = "TLV", stream = "Stream",
})
for name, row in pairs({
  data_type = {"Data type", DATA_TYPES}, next_payload = {"Next payload", PAYLOADS}, map_type = {"CS ID map type", MAPS},
  cs_protocol = {"Protocol", {[0] = "SRTP"}}, encr = {"Encr alg", ENCRS}, mac_alg = {"MAC alg", MACS},
  dh_group = {"DH-Group", GROUPS}, ts_type = {"TS type", {[2] = "COUNTER"}},
  cert_type = {"Certificate type", {[0] = "X.509v3"}}, hash_func = {"Hash function", {[2] = "SHA-256"}},
  protocol = {"Protocol type", {[0] = "SRTP"}}, param_type = {"Type", SP_PARAMS}, error = {"Error number", ERRORS},
  id_role = {"Role", ROLES}, id_type = {"ID type", ID_TYPES}, rand_role = {"Role", ROLES}, ext_type = {"EXT type", EXTS},
  key_id_type = {"Key ID type", KEY_IDS}, update_kind = {"Kind", UPDATES}, report_kind = {"Kind", REPORTS},
  tlv_type = {"TLV type", TLVS}, mode = {"Mode", MODES}, tlv_prf = {"PRF", PRFS}, tlv_encr = {"Encryption", ENCRS},
  tlv_mac = {"MAC", MACS}, tlv_group = {"DH group", GROUPS}, tlv_signature = {"Signature", SIGNATURES},
  stream_direction = {"Direction", DIRECTIONS},
}) do
  field(name, "uint8", row[1], base.DEC, row[2])
end
for name, row in pairs({
  prf = {8, "PRF func", 0x7f, PRFS}, cs_policies = {8, "#P", 0x7f}, pke_cache = {16, "C", 0xc000},
  pke_length = {16, "Data length", 0x3fff}, dh_reserved = {8, "Reserved", 0xf0}, dh_kv = {8, "KV", 0x0f},
  sign_type = {16, "S type", 0xf000, SIGNATURES}, sign_length = {16, "Signature length", 0x0fff},
}) do
  field(name, "uint" .. row[1], row[2], base.DEC, row[4], row[3])
end
field("v", "bool", "V", 8, nil, 0x80)
field("cs_s", "bool", "S (ROC and SEQ)", 8, nil, 0x80)
field("id", "string", "Identity")
field("first_use", "uint32", "Milliseconds until first use", base.DEC, {[0xffffffff] = "by the MKI"})
field("tree_leaf", "uint32", "Leaf in the tree", base.DEC, {[0xffffffff] = "none"})
field("profile", "uint16", "SRTP protection profile", base.HEX, PROFILES)
for bit, name in ipairs(FEATURES) do
  field("feature_" .. bit - 1, "bool", "Feature: " .. name, 32, nil, math.floor(2 ^ (bit - 1)))
end
mikeyv2.fields = all_fields

local malformed = ProtoExpert.new("mikeyv2.malformed", "Malformed", expert.group.MALFORMED, expert.severity.ERROR)
local cut = ProtoExpert.new("mikeyv2.cut", "Cut by the capture", expert.group.UNDECODED, expert.severity.NOTE)
mikeyv2.experts = {malformed, cut}

-- Reading. What cannot be read ends the message by an error whose value is a table.

local function refuse(why, clause) error({why = why .. (clause and " (" .. clause .. ")" or "")}, 0) end
local function require_that(holds, why, clause) return holds or refuse(why, clause) end

local Cursor = {}
Cursor.__index = Cursor

-- A cursor over `size` octets from `at` on, which are there.
local function cursor(tvb, at, size) return setmetatable({tvb = tvb, at = at, stop = at + size}, Cursor) end

function Cursor:left() return self.stop - self.at end

function Cursor:take(size)
  if size > self:left() then
    if self.tvb:len() < self.tvb:reported_len() then error({cut = true}, 0) end
    refuse("ends too early", "§3")
  end
  local range = self.tvb(self.at, size)
  self.at = self.at + size
  return range
end

-- The number in the next octets, shown as one or two fields of them.
function Cursor:number(tree, size, name, second)
  local range = self:take(size)
  tree:add(f[name], range)
  if second then tree:add(f[second], range) end
  return range:uint()
end

-- Octets, of which none are not shown.
function Cursor:octets(tree, size, name)
  if size == 0 then return end
  local range = self:take(size)
  tree:add(f[name], range)
  return range
end

-- The next `size` octets by themselves, with the same tree.
function Cursor:inside(size)
  self:take(size)
  return cursor(self.tvb, self.at - size, size)
end

-- A subtree whose length is known when `show` has run.
local function group(c, tree, name, text, show)
  local start = c.at
  require_that(c:left() > 0, text .. " ends too early", "§3")
  local item = tree:add(f[name], c.tvb(start, c:left()))
  item:set_text(text)
  local more = show(item)
  item:set_len(c.at - start)
  if more then item:append_text(": " .. more) end
end

-- How a single value is shown: of some octets, or of all that are left.
local function one(size, name) return function(c, tree) c:number(tree, size, name) end end
local function whole(name) return function(c, tree) c:octets(tree, c:left(), name) end end

-- Bodies of extensions, §3.6

local function merkle(c, tree)
  c:number(tree, 4, "verification_key")
  local leaf, leaves = c:number(tree, 1, "leaf_index"), c:number(tree, 1, "leaves")
  require_that(leaf < leaves, "leaf outside of its tree", "§3.6")
  return leaves
end

local function nodes(c, tree, stop) while c:left() > stop do c:octets(tree, 16, "path_node") end end

-- Fields one behind the other: name:size of a number, name*size of octets.
local function record(spec)
  return function(c, tree)
    local epoch
    for name, kind, size in spec:gmatch("([%w_]+)([:*])(%d+)") do
      local read = kind == ":" and c.number or c.octets
      local value = read(c, tree, tonumber(size), name)
      if name == "epoch" then epoch = value end
    end
    return epoch
  end
end

-- A kind with a name, then a record.
local function kinds(name, names, more)
  return function(c, tree, info)
    local kind = names[c:number(tree, 1, name)]
    require_that(kind, "kind of " .. name:gsub("_.*", ""), "§3.6")
    info[#info + 1] = kind .. " of epoch " .. record(more)(c, tree)
  end
end

local BODIES = {
  [3] = function(c, tree)
    while c:left() > 0 do
      c:number(tree, 1, "key_id_type")
      c:octets(tree, c:number(tree, 1, "key_id_length"), "key_id")
    end
  end,
  [4] = record("group_csb_id:4"),
  [241] = whole("tree_update"),
  [242] = function(c, tree)
    merkle(c, tree)
    nodes(c, tree, 64)
    c:octets(tree, 64, "mtk_signature")
  end,
  [243] = record("msk_id:4 filter_mac*8"),
  [244] = record("new_verification_key:4 new_public_key*32 roll_signature*64"),
  [245] = function(c, tree)
    require_that(merkle(c, tree) <= 16, "more than 16 leaves", "§3.6")
    nodes(c, tree, 0)
  end,
  [246] = kinds("update_kind", UPDATES, "tree_id*8 epoch:4 update_nonce*16 first_use:4 repair_window:4"),
  [247] = record("key_domain*3 msk_id:4 counter:4"),
  [248] = record("tree_id*8 epoch:4 rekey_t:4 tree_leaf:4 leaf_generation:4 largest_rekey:2 repair_window:4 report_t:4 keys_t:4"),
  [249] = kinds("report_kind", REPORTS, "tree_id*8 epoch:4 rekey_t:4 msk_id:4 held:4"),
  [250] = whole("ticket"),
}

-- TLVs of a CAP payload, §3.3: octets of an item, least and most octets, how it is shown.

local function features(c, tree)
  local range = c:take(4)
  local item = tree:add(f.features, range)
  for bit = 0, #FEATURES - 1 do item:add(f["feature_" .. bit], range) end
end
local function stream(c, tree)
  group(c, tree, "stream", "Stream", function(item)
    local direction = c:number(item, 1, "stream_direction")
    require_that(DIRECTIONS[direction], "direction of a stream", "§3.3")
    local ssrc = c:number(item, 4, "stream_ssrc")
    require_that(direction ~= 2 or ssrc == 0, "SSRC of a stream that the Offerer does not send", "§3.3")
    return DIRECTIONS[direction]
  end)
end

local TLV_ROWS = {
  [1] = {unit = 1, show = one(1, "mode")}, [2] = {unit = 1, show = one(1, "tlv_prf")}, [3] = {unit = 1, show = one(1, "tlv_encr")},
  [4] = {unit = 1, show = one(1, "tlv_mac")}, [5] = {unit = 1, show = one(1, "tlv_group")},
  [6] = {unit = 1, show = one(1, "tlv_signature")}, [7] = {unit = 2, show = one(2, "profile")},
  [8] = {least = 4, most = 4, show = features}, [9] = {least = 2, most = 2, show = one(2, "datagram")},
  [10] = {least = 16, most = 32, show = whole("session_id")}, [11] = {least = 1, most = 64, show = whole("cookie")},
  [12] = {least = 16, most = 16, show = whole("fresh")}, [13] = {least = 1, most = 1024, show = whole("ticket")},
  [14] = {least = 16, most = 16, show = whole("ticket_id")}, [15] = {least = 1, most = 1, show = one(1, "fragments")},
  [16] = {least = 5, most = 635, unit = 5, show = stream},
}

local function check_tlv(row, range, name)
  local size = range and range:len() or 0
  require_that(size >= (row.least or row.unit) and size <= (row.most or size) and size % (row.unit or 1) == 0,
    "length of TLV " .. name, "§3.3")
  if not row.unit or row.unit == 5 then return end
  local seen = {}
  for at = 0, size - 1, row.unit do
    local item = range(at, row.unit):uint()
    require_that(not seen[item], "repetition in TLV " .. name, "§3.3")
    seen[item] = true
  end
end

local function tlv(c, tree, seen)
  local name
  group(c, tree, "tlv", "TLV", function(item)
    local kind = c:number(item, 1, "tlv_type")
    name = TLVS[kind] or "type " .. kind
    item:set_text("TLV " .. name)
    require_that(not seen.last or kind > seen.last, "order of the TLVs", "§3.3")
    seen.last, seen[name] = kind, true
    local size = c:number(item, 2, "tlv_length")
    local row, inside = TLV_ROWS[kind], c:inside(size)
    if not row then
      inside:octets(item, size, "tlv_value")
      return
    end
    check_tlv(row, size > 0 and c.tvb(inside.at, size) or nil, name)
    while inside:left() > 0 do row.show(inside, item) end
    if kind == 9 then require_that(c.tvb(c.at - 2, 2):uint() >= 1232, "datagram below 1,232", "§3.3") end
    if kind == 15 then
      local taken = c.tvb(c.at - 1, 1):uint()
      require_that(taken >= 2 and taken <= 8, "fragments", "§3.3")
    end
  end)
end

-- Payloads, §3.2: each behind its `next payload`. They return what stands behind their name, and their name in §3.4.

local function mac(c, tree)
  local size = MAC_SIZES[c:number(tree, 1, "mac_alg")]
  require_that(size, "unknown MAC algorithm", "§3.3")
  c:octets(tree, size, "mac")
end

local SHOW = {
  [1] = function(c, tree)
    require_that(ENCRS[c:number(tree, 1, "encr")], "unknown encryption algorithm", "§3.3")
    c:octets(tree, c:number(tree, 2, "encr_length"), "encr_data")
    mac(c, tree)
  end,
  [2] = function(c, tree)
    local head = c:number(tree, 2, "pke_cache", "pke_length")
    require_that(head < 0x4000, "C of PKE", "§3.2")
    c:octets(tree, head, "pke")
  end,
  [3] = function(c, tree)
    local group_number = c:number(tree, 1, "dh_group")
    require_that(DH_SIZES[group_number], "unknown DH group", "§3.3")
    c:octets(tree, DH_SIZES[group_number], "dh_value")
    require_that(c:number(tree, 1, "dh_reserved", "dh_kv") == 0, "reserved bits or KV of DH", "§3.2")
    return GROUPS[group_number]
  end,
  [4] = function(c, tree)
    local head = c:number(tree, 2, "sign_type", "sign_length")
    local kind = SIGNATURES[math.floor(head / 4096)]
    require_that(kind, "unknown signature type", "§3.3")
    c:octets(tree, head % 4096, "signature")
    return kind
  end,
  [5] = function(c, tree)
    require_that(c:number(tree, 1, "ts_type") == 2, "TS type is not COUNTER", "§3.2")
    return tostring(c:number(tree, 4, "t"))
  end,
  [7] = function(c, tree)
    require_that(c:number(tree, 1, "cert_type") == 0, "certificate type", "§3.2")
    c:octets(tree, c:number(tree, 2, "cert_length"), "certificate")
  end,
  [8] = function(c, tree)
    require_that(c:number(tree, 1, "hash_func") == 2, "hash function", "§3.2")
    c:octets(tree, 32, "hash")
  end,
  [9] = function(c, tree) mac(c, tree) end,
  [10] = function(c, tree)
    local policy = c:number(tree, 1, "policy")
    require_that(c:number(tree, 1, "protocol") == 0, "protocol type", "§3.2")
    local inside = c:inside(c:number(tree, 2, "params_length"))
    while inside:left() > 0 do
      group(inside, tree, "param", "Parameter", function(item)
        local kind = inside:number(item, 1, "param_type")
        inside:octets(item, inside:number(item, 1, "param_length"), "param_value")
        return SP_PARAMS[kind] or tostring(kind)
      end)
    end
    return tostring(policy)
  end,
  [12] = function(c, tree, info)
    local error_number = c:number(tree, 1, "error")
    require_that(c:number(tree, 2, "error_reserved") == 0, "reserved octets of ERR", "§3.2")
    info[#info + 1] = ERRORS[error_number] or "error " .. error_number
    return ERRORS[error_number]
  end,
  [14] = function(c, tree)
    local role = c:number(tree, 1, "id_role")
    require_that(ROLES[role], "role of IDR", "§3.2")
    require_that(ID_TYPES[c:number(tree, 1, "id_type")], "ID type", "§3.2")
    local size = c:number(tree, 2, "id_length")
    require_that(size >= 1 and size <= 255, "identity of 1 to 255 octets", "§3.2")
    c:octets(tree, size, "id")
    return ROLES[role], "IDR" .. role
  end,
  [15] = function(c, tree)
    local role = c:number(tree, 1, "rand_role")
    require_that(ROLES[role], "role of RANDR", "§3.2")
    local size = c:number(tree, 1, "rand_length")
    require_that(size >= 16 and size <= 32, "RAND of 16 to 32 octets", "§3.2")
    c:octets(tree, size, "rand")
    return ROLES[role], "RANDR" .. role
  end,
  [21] = function(c, tree, info)
    local kind = c:number(tree, 1, "ext_type")
    local inside = c:inside(c:number(tree, 2, "ext_length"))
    local body = BODIES[kind]
    if body then
      body(inside, tree, info)
      require_that(inside:left() == 0, "EXT " .. kind .. " is longer than what is in it", "§3.6")
    else
      inside:octets(tree, inside:left(), "ext_data")
    end
    local has_place = kind == 1 or kind == 3 or kind == 4 or (kind >= 241 and kind <= 250)
    return EXTS[kind] or tostring(kind), has_place and "EXT" .. kind or "EXT"
  end,
  [241] = function(c, tree, _, seen)
    require_that(c:number(tree, 1, "cap_version") == 1, "version of CAP", "§3.2")
    local inside = c:inside(c:number(tree, 2, "cap_length"))
    while inside:left() > 0 do tlv(inside, tree, seen) end
  end,
  [242] = function(c, tree)
    local range = c:octets(tree, c:number(tree, 2, "padding_length"), "padding")
    require_that(not range or not range:bytes():tohex():find("[^0]"), "padding that is not zero", "§3.2")
  end,
  [243] = function(c, tree, info, seen)
    c:octets(tree, 16, "whole_hash")
    local index, count = c:number(tree, 1, "fragment_index"), c:number(tree, 1, "fragment_count")
    require_that(count >= 2 and count <= 8 and index < count, "index or count of FRAGMENT", "§3.6")
    local size = c:number(tree, 2, "fragment_length")
    c:octets(tree, size, "fragment")
    seen.fragment_size = size
    info[#info + 1] = index + 1 .. " of " .. count
    return index + 1 .. " of " .. count
  end,
}

-- Which payloads a message has, §3.4. X: one, [X]: at most one, {X}: any number, X|Y: one of them; of CERT up to 4.

local MESSAGES = {
  CAP = {"RANDR1 CAP IDR1 [CERT|CHASH] [IDR2] [EXT3] [EXT1] {EXT} [DH] [PADDING] [V] [SIGN]"},
  PSK_RESP = {"RANDR1 RANDR2 CAP IDR2 {SP} {EXT} KEMAC"},
  RSA_RESP = {"RANDR1 RANDR2 CAP IDR2 [CERT|CHASH] {SP} {EXT} KEMAC PKE SIGN"},
  DH_RESP = {"RANDR1 RANDR2 CAP IDR2|CERT|CHASH {SP} {EXT} DH [KEMAC] SIGN"},
  DHHMAC_RESP = {"RANDR1 RANDR2 CAP IDR2 {SP} {EXT} DH KEMAC"},
  PSK_FIN = {"RANDR1 RANDR2 {SP} {EXT} V"},
  RSA_FIN = {"RANDR1 RANDR2 {SP} {EXT} V"},
  DH_FIN = {"RANDR1 RANDR2 {SP} {EXT} DH SIGN", "RANDR1 RANDR2 {SP} {EXT} V"},
  DHHMAC_FIN = {"RANDR1 RANDR2 {SP} {EXT} DH KEMAC", "RANDR1 RANDR2 {SP} {EXT} V"},
  KEYS = {"RANDR1 RANDR2 [CAP] {SP} {EXT} KEMAC", "RANDR2 [CAP] T {SP} {EXT} KEMAC"},
  ERROR = {"RANDR1 ERR", "RANDR1 RANDR2 ERR V", "RANDR1 RANDR2 IDR2|CERT|CHASH ERR SIGN"},
  RETRY = {"RANDR1 CAP", "FRAGMENT CAP"},
  FRAGMENT = {"[CAP] FRAGMENT"},
  REPORT = {"RANDR1 T IDR1 IDR2 EXT3 EXT249 [EXT250] [PADDING] V"},
  GROUP_REKEY = {"T EXT3 EXT246 [EXT241] [EXT244] [KEMAC] [EXT243] EXT245 SIGN"},
}
-- The TLVs that a CAP payload may have where it is not that of CAP or of an answer.
local OWN_TLVS = {RETRY = {cookie = true, fresh = true}, FRAGMENT = {cookie = true}, KEYS = {fresh = true}}
local MAY_HAVE_MAP = {PSK_RESP = true, RSA_RESP = true, DH_RESP = true, DHHMAC_RESP = true, KEYS = true}
local ALWAYS_PRF_1 = {CAP = true, RETRY = true, FRAGMENT = true, REPORT = true, GROUP_REKEY = true}

-- How many of the chain from `at` on a row's token takes: nothing when it may not be so.
local function taken(token, chain, at)
  local wanted = token:gsub("[%[%]{}]", "")
  local first = chain[at]
  local fits = first and ("|" .. wanted .. "|"):find("|" .. first .. "|", 1, true)
  if not fits then return token:find("^[%[{]") and 0 or nil end
  local most = token:find("^{") and #chain or first == "CERT" and 4 or 1
  local count = 1
  while count < most and chain[at + count] == first do count = count + 1 end
  return count
end

local function matches(row, chain)
  local at = 1
  for token in row:gmatch("%S+") do
    local count = taken(token, chain, at)
    if not count then return false end
    at = at + count
  end
  return at > #chain
end

local function check_chain(name, chain, seen)
  local fits = false
  for _, row in ipairs(MESSAGES[name]) do fits = fits or matches(row, chain) end
  require_that(fits, name .. " does not have these payloads in this order: " .. table.concat(chain, " "), "§3.4")
  for _, tlv_name in ipairs(TLVS) do
    require_that(not (OWN_TLVS[name] and seen[tlv_name]) or OWN_TLVS[name][tlv_name], "TLV " .. tlv_name .. " in " .. name, "§3.4")
  end
  require_that(name ~= "FRAGMENT" or seen.fragment_size > 0, "FRAGMENT without data", "§3.6")
  require_that(name ~= "RETRY" or (seen.fragment_size or 0) == 0, "RETRY whose FRAGMENT has data", "§3.4")
end

-- Messages

local function map_entry(c, tree)
  group(c, tree, "session", "Crypto session", function(item)
    local cs_id = c:number(item, 1, "cs_id")
    require_that(c:number(item, 1, "cs_protocol") == 0, "protocol of a crypto session", "§9")
    local head = c:number(item, 1, "cs_s", "cs_policies")
    for _ = 1, head % 128 do c:number(item, 1, "cs_policy") end
    local size = c:number(item, 2, "cs_data_length")
    require_that(size == (head >= 128 and 10 or 4), "session data", "§9")
    c:number(item, 4, "ssrc")
    if head >= 128 then
      c:number(item, 4, "roc")
      c:number(item, 2, "seq")
    end
    c:octets(item, c:number(item, 1, "spi_length"), "spi")
    return "CS ID " .. cs_id
  end)
end

local function header(c, tree)
  require_that(c:number(tree, 1, "version") == 2, "version", "§3.1")
  local name = DATA_TYPES[c:number(tree, 1, "data_type")]
  require_that(name, "data type that version 2 does not have", "§3.1")
  local first = c:number(tree, 1, "next_payload")
  local prf = c:number(tree, 1, "v", "prf")
  require_that(prf < 128, "V is set", "§3.1")
  require_that(PRFS[prf] and (prf == 1 or not ALWAYS_PRF_1[name]), "PRF func", "§3.1")
  local csb_id = c:number(tree, 4, "csb_id")
  local count, kind = c:number(tree, 1, "cs_count"), c:number(tree, 1, "map_type")
  local is_empty = kind == 1 and count == 0
  require_that(is_empty or (kind == 2 and count > 0 and MAY_HAVE_MAP[name]), "CS ID map", "§3.1")
  for _ = 1, count do map_entry(c, tree) end
  return name, first, csb_id
end

local function payload(c, tree, kind, state)
  local name = PAYLOADS[kind]
  require_that(SHOW[kind], "payload type " .. kind, "§3.2")
  require_that(#state.chain < MAX_PAYLOADS, "more than 64 payloads", "§3.2")
  local following = 0
  group(c, tree, "payload", name, function(item)
    if kind ~= 4 then following = c:number(item, 1, "next_payload") end -- SIGN has none
    local more, place = SHOW[kind](c, item, state.info, state.seen)
    state.chain[#state.chain + 1] = place or name
    return more
  end)
  return following
end

local function message(c, tree, pinfo)
  local name, kind, csb_id = header(c, tree)
  local state = {chain = {}, info = {}, seen = {}}
  local title = string.format("%s, CSB ID 0x%08x", name, csb_id)
  pinfo.cols.info:set(title)
  tree:append_text(", " .. title)
  while kind ~= 0 do kind = payload(c, tree, kind, state) end
  if #state.info > 0 then pinfo.cols.info:append(", " .. table.concat(state.info, ", ")) end
  require_that(c:left() == 0, "octets behind the chain", "§3.2")
  check_chain(name, state.chain, state.seen)
end

local function show(tvb, pinfo, root)
  pinfo.cols.protocol:set("MIKEYv2")
  local tree = root:add(mikeyv2, tvb())
  local ok, why = pcall(message, cursor(tvb, 0, tvb:len()), tree, pinfo)
  if ok then return tvb:len() end
  if type(why) ~= "table" then error(why, 0) end -- a fault of this file, to be seen
  if why.cut then
    tree:add_proto_expert_info(cut)
  else
    tree:add_proto_expert_info(malformed, "Malformed: " .. why.why)
    pinfo.cols.info:append(" [malformed]")
  end
  return tvb:len()
end

local has_version_1, version_1 = pcall(Dissector.get, "mikey")

-- On port 2269, and by Decode As, the first octet tells the version.
function mikeyv2.dissector(tvb, pinfo, root)
  if tvb:len() == 0 then return 0 end
  if tvb(0, 1):uint() == 2 or not has_version_1 then return show(tvb, pinfo, root) end
  return version_1:call(tvb, pinfo, root)
end

-- On other ports: what begins as a message does, and is not STUN (§2).
local function is_message(tvb)
  if tvb:len() < 10 or tvb(0, 1):uint() ~= 2 or tvb(4, 4):uint() == STUN_COOKIE then return false end
  local name, kind, map = DATA_TYPES[tvb(1, 1):uint()], tvb(2, 1):uint(), tvb(9, 1):uint()
  return name and kind ~= 0 and SHOW[kind] and PRFS[tvb(3, 1):uint()] and MAPS[map] and (map == 2) == (tvb(8, 1):uint() > 0)
end

mikeyv2:register_heuristic("udp", function(tvb, pinfo, root)
  if not is_message(tvb) then return false end
  show(tvb, pinfo, root)
  return true
end)

DissectorTable.get("udp.port"):add(PORT, mikeyv2)
