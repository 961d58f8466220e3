// SPDX-License-Identifier: Apache-2.0
#include "tools/builder.h"

#include <map>
#include <utility>

#include "tools/inside.h"
#include "tools/json_io.h"
#include "tools/seal.h"

namespace keymast::tools {
namespace {

using namespace mikey;

constexpr size_t kNowhere = SIZE_MAX;

tl::unexpected<Failure> Wrong(const std::string& what) {
  return Fail(Error::kInvalidArgument, what);
}

using Done = tl::expected<void, Failure>;

tl::expected<Bytes, Failure> HexMember(const Json& object, const char* name) {
  if (!object.contains(name)) return Bytes();
  if (auto octets = ReadOctets(object[name], std::nullopt)) return *octets;
  return Wrong(std::string(name) + ": hexadecimal digits are wanted");
}

// Chain makes one message.
class Chain {
 public:
  Chain(const Json& description, const Keys& keys, const crypto::Suite& suite)
      : description_(description), keys_(keys), suite_(suite) {}

  tl::expected<Bytes, Failure> Make(const std::map<uint32_t, Told>& earlier) {
    if (Done done = PutHeader(); !done) return tl::unexpected<Failure>(done.error());
    if (description_.contains("payloads")) TellFrom(description_["payloads"], own_);
    const auto before = earlier.find(header_.csb_id);
    if (before != earlier.end()) earlier_ = before->second;
    for (const auto step : {&Chain::PutPayloads, &Chain::Patch, &Chain::PutMacs, &Chain::Damage,
                            &Chain::PutTrailing}) {
      if (Done done = (this->*step)(); !done) return tl::unexpected<Failure>(done.error());
    }
    return std::move(out_);
  }
  uint32_t csb_id() const { return header_.csb_id; }
  const Told& own() const { return own_; }

 private:
  SealContext Context() const { return {suite_, keys_, header_, own_, earlier_}; }
  void Append(ByteView octets) { out_.insert(out_.end(), octets.begin(), octets.end()); }

  // Write appends what a description of fields writes; false when it cannot be written.
  template <class Describe>
  bool Write(Describe describe) {
    const size_t before = out_.size();
    out_.resize(before + kMaxMessage);
    Writer writer(MutableBytes(out_).subspan(before));
    WriteIo io(writer);
    describe(io);
    out_.resize(before + writer.size());
    return writer.ok();
  }

  Done PutHeader() {
    static const Json kNone = Json::object();
    const Json& json = description_.contains("header") ? description_["header"] : kNone;
    if (!json.is_object()) return Wrong("header: an object is wanted");
    uint8_t version = kVersion1;
    auto next = PayloadType::kLast;
    FromJsonIo io(json, arena_);
    io.U8("version", version);
    io.U8("data_type", header_.data_type);
    io.U8("next_payload", next);
    io.Known("map");
    DescribeHeader(io, header_);
    if (std::string problem = io.Finish(); !problem.empty()) return Wrong("header: " + problem);
    if (Done map = ReadMap(json); !map) return map;
    const bool is_count_given = json.contains("cs_count");
    if (!is_count_given) header_.cs_count = static_cast<uint8_t>(entries_);
    if (!is_count_given && entries_ > kMaxCryptoSessions) return Wrong("map: too many entries");
    out_ = {version, static_cast<uint8_t>(header_.data_type), static_cast<uint8_t>(next)};
    next_at_ = json.contains("next_payload") ? kNowhere : 2;
    if (!Write([&](WriteIo& to) { DescribeHeader(to, header_); })) return Wrong("header: too long");
    Append(map_);
    return {};
  }

  Done ReadMap(const Json& header) {
    if (!header.contains("map")) return {};
    const Json& map = header["map"];
    if (map.is_array() && header_.map_type == CsIdMapType::kSrtpId) {
      return ReadEntries<SrtpIdEntry>(map);
    }
    if (map.is_array() && header_.map_type == CsIdMapType::kGenericId) {
      return ReadEntries<GenericIdEntry>(map);
    }
    if (map.is_array() && map.empty()) return {};
    auto octets = HexMember(header, "map");
    if (!octets) return Wrong("map: entries of an SRTP-ID or GENERIC-ID map, or hexadecimal");
    map_ = std::move(*octets);
    return {};
  }

  template <class Entry>
  Done ReadEntries(const Json& map) {
    for (const Json& json : map) {
      if (!json.is_object()) return Wrong("map: a list of objects is wanted");
      Entry entry;
      FromJsonIo io(json, arena_);
      Entry::Describe(io, entry);
      if (std::string problem = io.Finish(); !problem.empty()) return Wrong("map: " + problem);
      Bytes octets(kMaxMessage);
      Writer writer(octets);
      WriteIo to(writer);
      Entry::Describe(to, entry);
      if (!writer.ok()) return Wrong("map: an entry does not fit");
      map_.insert(map_.end(), octets.begin(),
                  octets.begin() + static_cast<ptrdiff_t>(writer.size()));
      ++entries_;
    }
    return {};
  }

  Done PutPayloads() {
    if (!description_.contains("payloads")) return {};
    const Json& payloads = description_["payloads"];
    if (!payloads.is_array()) return Wrong("payloads: a list is wanted");
    for (size_t i = 0; i < payloads.size(); ++i) {
      Done done = PutPayload(payloads[i]);
      if (!done) return Wrong("payloads[" + std::to_string(i) + "]: " + done.error().message);
      if (out_.size() > kMaxMessage) return Wrong("payloads: longer than a datagram");
    }
    return {};
  }

  Done PutPayload(const Json& json) {
    if (!json.is_object() || !json.contains("type"))
      return Wrong("an object with `type` is wanted");
    const auto number = ReadNumber(json["type"], CodePointsOf<PayloadType>());
    if (!number || *number > 0xff) return Wrong("type: no payload of that name or number");
    const auto type = static_cast<PayloadType>(*number);
    Link(type);
    if (json.contains("rest")) return PutRest(json);
    if (json.contains("body")) return PutBody(json, type);
    return PutKnown(json, type, std::make_index_sequence<std::variant_size_v<Payload> - 1>());
  }

  void Link(PayloadType type) {
    if (next_at_ != kNowhere) out_[next_at_] = static_cast<uint8_t>(type);
    next_at_ = kNowhere;
  }

  // The octets of a payload with its `next payload`, and of all that follows.
  Done PutRest(const Json& json) {
    if (json.size() != 2) return Wrong("rest: it stands beside `type` alone");
    const auto octets = HexMember(json, "rest");
    if (!octets) return tl::unexpected<Failure>(octets.error());
    Append(*octets);
    return {};
  }

  // The octets behind `next payload`, as they are.
  Done PutBody(const Json& json, PayloadType type) {
    const size_t known = json.contains("next_payload") ? 3 : 2;
    if (json.size() != known)
      return Wrong("body: it stands beside `type` and `next_payload` alone");
    if (Done next = PutNext(json, type); !next) return next;
    const auto octets = HexMember(json, "body");
    if (!octets) return tl::unexpected<Failure>(octets.error());
    Append(*octets);
    return {};
  }

  // SIGN has no `next payload` (RFC 3830 §6.5).
  Done PutNext(const Json& json, PayloadType type) {
    if (type == PayloadType::kSign) return {};
    next_at_ = out_.size();
    out_.push_back(0);
    if (!json.contains("next_payload")) return {};
    const auto next = ReadNumber(json["next_payload"], CodePointsOf<PayloadType>());
    if (!next || *next > 0xff) return Wrong("next_payload: no payload of that name or number");
    out_.back() = static_cast<uint8_t>(*next);
    next_at_ = kNowhere;
    return {};
  }

  template <size_t... I>
  Done PutKnown(const Json& json, PayloadType type, std::index_sequence<I...>) {
    Done done = Wrong("type: `body` or `rest` is wanted for this one");
    (void)((type == std::variant_alternative_t<I, Payload>::kInfo.type &&
            (done = PutAs<std::variant_alternative_t<I, Payload>>(json), true)) ||
           ...);
    return done;
  }

  template <class P>
  Done PutAs(const Json& json) {
    Json object = json;
    if (std::string problem = HideInside(P::kInfo.type, object); !problem.empty()) {
      return Wrong(problem);
    }
    constexpr bool kCanSeal = std::is_same_v<P, KemacPayload> || std::is_same_v<P, VPayload>;
    const bool is_sealed = kCanSeal && json.contains("seal");
    P payload;
    FromJsonIo io(object, arena_, is_sealed);
    io.Known("type");
    io.Known("next_payload");
    if (kCanSeal) io.Known("seal");
    P::Describe(io, payload);
    if (std::string problem = io.Finish(); !problem.empty()) return Wrong(problem);
    if (is_sealed) {
      if (Done sealed = Seal(json, payload); !sealed) return sealed;
    }
    if (Done next = PutNext(json, P::kInfo.type); !next) return next;
    if (!Write([&](WriteIo& to) { P::Describe(to, payload); })) return Wrong("it does not fit");
    if (!pending_.empty() && pending_.back().mac_at == kNowhere) {
      pending_.back().mac_at = out_.size() - pending_.back().mac_size;
    }
    return {};
  }

  template <class P>
  Done Seal(const Json&, P&) {
    return {};
  }
  Done Seal(const Json& json, KemacPayload& kemac) {
    if (!json.contains("encr_data")) {
      auto data = EncryptSealed(Context(), json["seal"], kemac.encr_alg);
      if (!data) return tl::unexpected<Failure>(data.error());
      kemac.encr_data = arena_.emplace_back(std::move(*data));
    }
    if (!json.contains("mac")) Await(json, kemac.mac_alg, false, kemac.mac.size());
    return {};
  }
  Done Seal(const Json& json, VPayload& v) {
    if (!json.contains("ver_data")) Await(json, v.auth_alg, true, v.ver_data.size());
    return {};
  }
  void Await(const Json& json, MacAlg alg, bool is_v, size_t mac_size) {
    pending_.push_back({&json["seal"], alg, is_v, out_.size(), kNowhere, mac_size});
  }

  Done PutMacs() {
    for (const Sealed& sealed : pending_) {
      if (Done done = PutMac(Context(), sealed, out_); !done) return done;
    }
    return {};
  }

  // `patch` comes before the MACs, which then cover it; `damage` behind them.
  Done Patch() { return Overwrite("patch"); }
  Done Damage() { return Overwrite("damage"); }
  Done Overwrite(const char* member) {
    if (!description_.contains(member)) return {};
    const std::string name = member;
    if (!description_[member].is_array()) return Wrong(name + ": a list is wanted");
    for (const Json& json : description_[member]) {
      const bool is_pair = json.is_object() && json.size() == 2 && json.contains("at") &&
                           json.contains("octets") && json["at"].is_number_unsigned();
      const auto octets = is_pair ? ReadOctets(json["octets"], std::nullopt) : std::nullopt;
      if (!octets) return Wrong(name + ": `at` is an offset, `octets` are hexadecimal");
      const auto at = json["at"].get<uint64_t>();
      if (at > out_.size() || octets->size() > out_.size() - at) {
        return Wrong(name + ": the message ends before");
      }
      std::copy(octets->begin(), octets->end(), out_.begin() + static_cast<ptrdiff_t>(at));
    }
    return {};
  }

  Done PutTrailing() {
    const auto octets = HexMember(description_, "trailing");
    if (!octets) return tl::unexpected<Failure>(octets.error());
    Append(*octets);
    return {};
  }

  const Json& description_;
  const Keys& keys_;
  const crypto::Suite& suite_;
  std::deque<Bytes> arena_;
  Header header_;
  Bytes map_;
  size_t entries_ = 0;
  Told own_;
  Told earlier_;
  Bytes out_;
  size_t next_at_ = kNowhere;  // the octet that is to name the payload after the last one
  std::vector<Sealed> pending_;
};

Done CheckMembers(const Json& description) {
  static const std::set<std::string> kMembers{"header",   "payloads", "patch", "damage",
                                              "trailing", "raw",      "about"};
  if (!description.is_object()) return Wrong("an object is wanted");
  for (const auto& [name, value] : description.items()) {
    if (!kMembers.contains(name)) return Wrong(name + ": there is no such member");
  }
  return {};
}

tl::expected<Bytes, Failure> BuildOne(const Json& description, const Keys& keys,
                                      const crypto::Suite& suite,
                                      std::map<uint32_t, Told>& earlier) {
  if (Done checked = CheckMembers(description); !checked) {
    return tl::unexpected<Failure>(checked.error());
  }
  if (description.contains("raw")) return HexMember(description, "raw");
  Chain chain(description, keys, suite);
  tl::expected<Bytes, Failure> octets = chain.Make(earlier);
  // An answer or an update tells nothing that replaces what the first message told.
  if (octets && chain.own().rand) earlier[chain.csb_id()] = chain.own();
  return octets;
}

// DescriptionIn unwraps what `decode --json` says of one message.
const Json& DescriptionIn(const Json& json) {
  return json.is_object() && json.contains("message") ? json["message"] : json;
}

}  // namespace

tl::expected<std::vector<Json>, Failure> ParseDescriptions(std::string_view text) {
  Json document;
  try {
    document = Json::parse(text);
  } catch (const Json::parse_error& problem) {
    // Its own words repeat what was read, which may be a key, or no text.
    return Fail(Error::kMalformed, "no JSON: octet " + std::to_string(problem.byte) + " is wrong");
  } catch (const Json::exception&) {
    return Fail(Error::kMalformed, "no JSON: a number that is too large");
  }
  const Json& list =
      document.is_object() && document.contains("messages") ? document["messages"] : document;
  std::vector<Json> descriptions;
  if (!list.is_array()) return std::vector<Json>{DescriptionIn(list)};
  for (const Json& json : list) descriptions.push_back(DescriptionIn(json));
  return descriptions;
}

tl::expected<std::vector<Bytes>, Failure> BuildMessages(const std::vector<Json>& descriptions,
                                                        const Keys& keys,
                                                        const crypto::Suite& suite) {
  std::vector<Bytes> messages;
  std::map<uint32_t, Told> earlier;
  for (const Json& description : descriptions) {
    auto octets = BuildOne(description, keys, suite, earlier);
    if (!octets) {
      const std::string place = "message " + std::to_string(messages.size() + 1) + ": ";
      return Fail(octets.error().error, place + octets.error().message);
    }
    messages.push_back(std::move(*octets));
  }
  return messages;
}

}  // namespace keymast::tools
