// SPDX-License-Identifier: Apache-2.0
#include "tools/seal.h"

#include "mikey/key_data.h"
#include "tools/json_io.h"

namespace keymast::tools {
namespace {

using namespace mikey;

constexpr std::array<uint8_t, 1> kNoNext{0};

tl::unexpected<Failure> Wrong(const std::string& what) {
  return Fail(Error::kInvalidArgument, "seal: " + what);
}

// Names the members that a seal may have; another one is a slip of the pen.
tl::expected<void, Failure> CheckMembers(const Json& seal, bool is_v) {
  static const std::set<std::string> kOfKemac{"key",  "rand",  "timestamp", "id",
                                              "keys", "plain", "covers"};
  static const std::set<std::string> kOfV{"key", "rand", "timestamp", "idi", "idr"};
  if (!seal.is_object()) return Wrong("an object is wanted");
  for (const auto& [name, value] : seal.items()) {
    if (!(is_v ? kOfV : kOfKemac).contains(name)) return Wrong(name + ": there is no such member");
  }
  return {};
}

tl::expected<const Key*, Failure> KeyOf(const Keys& keys, const Json& name) {
  if (!name.is_string()) return Wrong("a key is named, as in the key file");
  const auto& text = name.get_ref<const std::string&>();
  const Key* key = FindKey(keys, text);
  if (key == nullptr) return Wrong("the key file has no key \"" + text + "\"");
  return key;
}

// OctetsOf takes a member, else what was told elsewhere.
tl::expected<Bytes, Failure> OctetsOf(const Json& seal, const char* name,
                                      const std::optional<Bytes>& told,
                                      const std::optional<Bytes>& earlier = std::nullopt) {
  if (seal.contains(name)) {
    if (auto octets = ReadOctets(seal[name], std::nullopt)) return *octets;
    return Wrong(std::string(name) + ": hexadecimal digits or {\"text\": …}");
  }
  if (told) return *told;
  if (earlier) return *earlier;
  return Wrong(std::string(name) + ": neither here nor in a payload");
}

// Material is a secret with the octets that it points at.
struct Material {
  Bytes rand;
  Secret secret;
};

tl::expected<Material, Failure> MaterialOf(const SealContext& context, const Json& seal) {
  if (!IsKnownPrf(context.header.prf)) return Wrong("no keys can be derived by this PRF function");
  if (!seal.contains("key")) return Wrong("key: the name of a key is wanted");
  const auto key = KeyOf(context.keys, seal["key"]);
  if (!key) return tl::unexpected<Failure>(key.error());
  auto rand = OctetsOf(seal, "rand", context.own.rand, context.earlier.rand);
  if (!rand) return tl::unexpected<Failure>(rand.error());
  if (rand->size() > 255) return Wrong("rand: at most 255 octets");
  Material material;
  material.rand = std::move(*rand);
  material.secret = {(*key)->octets, {}, CsbId(context.header.csb_id)};
  return material;
}

// SecretField takes `{"name": …}` out of an object: such octets stay in the key file's memory.
tl::expected<ByteView, Failure> SecretField(const Keys& keys, const char* name, Json& object) {
  if (!object.contains(name)) return ByteView();
  const Json value = object[name];
  if (!value.is_object() || value.size() != 1 || !value.contains("name")) return ByteView();
  const auto key = KeyOf(keys, value["name"]);
  if (!key) return tl::unexpected<Failure>(key.error());
  object.erase(name);
  return ByteView((*key)->octets);
}

tl::expected<KeyDataPayload, Failure> KeyDataOf(const Keys& keys, Json object,
                                                std::deque<Bytes>& arena) {
  if (!object.is_object()) return Wrong("keys: a list of objects is wanted");
  const auto key = SecretField(keys, "key", object);
  const auto salt = SecretField(keys, "salt", object);
  if (!key) return tl::unexpected<Failure>(key.error());
  if (!salt) return tl::unexpected<Failure>(salt.error());
  KeyDataPayload payload;
  FromJsonIo io(object, arena);
  KeyDataPayload::Describe(io, payload);
  if (std::string problem = io.Finish(); !problem.empty()) return Wrong("keys: " + problem);
  if (!key->empty()) payload.key = *key;
  if (!salt->empty()) payload.salt = *salt;
  return payload;
}

tl::expected<std::vector<KeyDataPayload>, Failure> KeysOf(const Keys& keys, const Json& seal,
                                                          std::deque<Bytes>& arena) {
  std::vector<KeyDataPayload> list;
  if (!seal.contains("keys")) return list;
  if (!seal["keys"].is_array()) return Wrong("keys: a list of objects is wanted");
  for (const Json& object : seal["keys"]) {
    auto key_data = KeyDataOf(keys, object, arena);
    if (!key_data) return tl::unexpected<Failure>(key_data.error());
    list.push_back(*key_data);
  }
  return list;
}

tl::expected<std::optional<IdPayload>, Failure> IdOf(const Json& seal, std::deque<Bytes>& arena) {
  if (!seal.contains("id")) return std::nullopt;
  if (!seal["id"].is_object()) return Wrong("id: an object with `id_type` and `id` is wanted");
  IdPayload id;
  FromJsonIo io(seal["id"], arena);
  IdPayload::Describe(io, id);
  if (std::string problem = io.Finish(); !problem.empty()) return Wrong("id: " + problem);
  return id;
}

tl::expected<crypto::SecretBytes, Failure> PlainOf(const Keys& keys, const Json& seal) {
  if (seal.contains("plain")) {
    const auto plain = ReadOctets(seal["plain"], std::nullopt);
    if (!plain) return Wrong("plain: hexadecimal digits are wanted");
    return crypto::SecretBytes(plain->begin(), plain->end());
  }
  std::deque<Bytes> arena;
  const auto id = IdOf(seal, arena);
  if (!id) return tl::unexpected<Failure>(id.error());
  const auto list = KeysOf(keys, seal, arena);
  if (!list) return tl::unexpected<Failure>(list.error());
  crypto::SecretBytes plain(kMaxMessage);
  const Result<size_t> size = WriteKeyData(*list, plain, *id ? &**id : nullptr);
  if (!size) return Wrong("keys: they do not fit in a message");
  plain.resize(*size);
  return plain;
}

tl::expected<Coverage, Failure> CoverageOf(const Json& seal, DataType type) {
  const bool by_envelope = type == DataType::kPkInit || type == DataType::kRsarResp;
  if (!seal.contains("covers")) return by_envelope ? Coverage::kKemac : Coverage::kMessage;
  if (seal["covers"] == "message") return Coverage::kMessage;
  if (seal["covers"] == "kemac") return Coverage::kKemac;
  return Wrong("covers: \"message\" or \"kemac\"");
}

// What a V covers beside the message: identities and T of the message that it answers.
tl::expected<std::vector<Bytes>, Failure> AnsweredBy(const SealContext& context, const Json& seal) {
  std::vector<Bytes> parts;
  const Told& own = context.own;
  const Told& earlier = context.earlier;
  // A message with one identity has IDr in the place of the first (RFC 3830 §3.1).
  const auto own_idr = own.idr ? own.idr : own.idi;
  const std::optional<Bytes> none = Bytes();
  const std::pair<const char*, std::array<const std::optional<Bytes>*, 2>> kParts[] = {
      {"idi", {&earlier.idi, &none}},
      {"idr", {&earlier.idr, own_idr ? &own_idr : &none}},
      {"timestamp", {&earlier.timestamp, &own.timestamp}}};
  for (const auto& [name, from] : kParts) {
    auto part = OctetsOf(seal, name, *from[0], *from[1]);
    if (!part) return tl::unexpected<Failure>(part.error());
    parts.push_back(std::move(*part));
  }
  return parts;
}

// CoveredBy lists what the MAC is computed over; views point into the message and `extra`.
tl::expected<std::vector<ByteView>, Failure> CoveredBy(const SealContext& context,
                                                       const Sealed& sealed, ByteView message,
                                                       std::vector<Bytes>& extra) {
  const ByteView behind = message.subspan(sealed.mac_at + sealed.mac_size);
  std::vector<ByteView> covered{message.first(sealed.mac_at), behind};
  if (sealed.is_v) {
    auto answered = AnsweredBy(context, *sealed.seal);
    if (!answered) return tl::unexpected<Failure>(answered.error());
    extra = std::move(*answered);
    covered.insert(covered.end(), extra.begin(), extra.end());
    return covered;
  }
  const auto coverage = CoverageOf(*sealed.seal, context.header.data_type);
  if (!coverage) return tl::unexpected<Failure>(coverage.error());
  if (*coverage == Coverage::kKemac) {
    const ByteView payload = message.subspan(sealed.begin, sealed.mac_at - sealed.begin);
    covered = {ByteView(kNoNext), payload.subspan(1)};
  }
  return covered;
}

template <class P>
std::optional<P> Read(const Json& json, PayloadType type, std::deque<Bytes>& arena) {
  if (!json.is_object() || !json.contains("type")) return std::nullopt;
  const auto number = ReadNumber(json["type"], CodePointsOf<PayloadType>());
  if (number != static_cast<uint64_t>(type)) return std::nullopt;
  P payload;
  FromJsonIo io(json, arena);
  P::Describe(io, payload);
  return io.ok() ? std::optional<P>(payload) : std::nullopt;
}

void Keep(std::optional<Bytes>& slot, ByteView octets) {
  if (!slot) slot = Bytes(octets.begin(), octets.end());
}

}  // namespace

void TellFrom(const Json& payloads, Told& told) {
  if (!payloads.is_array()) return;
  std::deque<Bytes> arena;
  for (const Json& json : payloads) {
    if (const auto rand = Read<RandPayload>(json, PayloadType::kRand, arena)) {
      Keep(told.rand, rand->rand);
    }
    if (const auto t = Read<TPayload>(json, PayloadType::kT, arena)) {
      if (!told.timestamp) told.ts_type = t->ts_type;
      Keep(told.timestamp, t->value);
    }
    if (const auto id = Read<IdPayload>(json, PayloadType::kId, arena)) {
      Keep(told.idi ? told.idr : told.idi, id->data);
    }
  }
}

tl::expected<Bytes, Failure> EncryptSealed(const SealContext& context, const Json& seal,
                                           EncrAlg alg) {
  if (auto checked = CheckMembers(seal, false); !checked) {
    return tl::unexpected<Failure>(checked.error());
  }
  auto plain = PlainOf(context.keys, seal);
  if (!plain) return tl::unexpected<Failure>(plain.error());
  if (CanCrypt(alg) && !plain->empty()) {
    auto material = MaterialOf(context, seal);
    if (!material) return tl::unexpected<Failure>(material.error());
    material->secret.rand = material->rand;
    const auto timestamp = OctetsOf(seal, "timestamp", context.own.timestamp);
    if (!timestamp) return tl::unexpected<Failure>(timestamp.error());
    if (timestamp->size() > 8) return Wrong("timestamp: at most 8 octets");
    Crypt(context.suite, material->secret, context.header.prf, alg,
          {context.own.ts_type, *timestamp}, *plain);
  } else if (alg != EncrAlg::kNull && !plain->empty()) {
    return Wrong("this encryption is not spoken: give encr_data instead");
  }
  return Bytes(plain->begin(), plain->end());
}

tl::expected<void, Failure> PutMac(const SealContext& context, const Sealed& sealed,
                                   MutableBytes message) {
  if (auto checked = CheckMembers(*sealed.seal, sealed.is_v); !checked) return checked;
  if (sealed.alg == MacAlg::kNull) return {};
  auto material = MaterialOf(context, *sealed.seal);
  if (!material) return tl::unexpected<Failure>(material.error());
  material->secret.rand = material->rand;
  std::vector<Bytes> extra;
  const auto covered = CoveredBy(context, sealed, message, extra);
  if (!covered) return tl::unexpected<Failure>(covered.error());
  ComputeMac(context.suite, material->secret, context.header.prf, sealed.alg, *covered,
             message.subspan(sealed.mac_at, sealed.mac_size));
  return {};
}

}  // namespace keymast::tools
