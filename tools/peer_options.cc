// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_options.h"

#include "sdp/text.h"
#include "shell/config.h"
#include "srtp/policy.h"
#include "tools/key_file.h"
#include "tools/peer_credentials.h"

namespace keymast::tools {
namespace {

using mikey::v2::Mode;
using mikey::v2::Policy;

constexpr size_t kMaxStreamsOfCall = mikey::kMaxSessions / 2;
constexpr size_t kMaxPlace = 64;

struct ModeName {
  std::string_view name;
  Mode mode;
};
constexpr ModeName kModes[] = {
    {"psk", Mode::kPsk}, {"dhhmac", Mode::kDhhmac},    {"early-dhhmac", Mode::kEarlyDhhmac},
    {"dh", Mode::kDh},   {"early-dh", Mode::kEarlyDh}, {"rsa", Mode::kRsa}};

tl::unexpected<Failure> Usage(const std::string& message) {
  return Fail(Error::kInvalidArgument, message);
}

bool StripPrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

Result<Place> ParsePlace(std::string_view text) {
  Place place;
  if (text == "none") return place;
  if (text == "tone") {
    place.kind = Place::Kind::kTone;
    return place;
  }
  if (text == "-") {
    place.kind = Place::Kind::kStandardInput;
    return place;
  }
  if (StripPrefix(text, "file:")) {
    place.kind = Place::Kind::kFile;
    place.path = text;
    return place.path.empty() ? Result<Place>(Err(Error::kMalformed)) : place;
  }
  if (!StripPrefix(text, "udp:")) return Err(Error::kMalformed);
  const Result<Endpoint> endpoint = ParseEndpoint(text);
  if (!endpoint || endpoint->port == 0) return Err(Error::kMalformed);
  place.kind = Place::Kind::kUdp;
  place.udp = *endpoint;
  return place;
}

// TakeModes: those of the kind of key that there is.
tl::expected<void, Failure> TakeModes(std::string_view text, bool has_certificate, Policy& policy) {
  if (text.empty()) text = has_certificate ? "dh" : "early-dhhmac,dhhmac,psk";
  policy.modes.clear();
  while (!text.empty()) {
    const std::string_view name = sdp::Cut(text, ',');
    const auto* found = std::ranges::find_if(kModes, [&](const ModeName& mode) {
      return mode.name == name && mikey::v2::IsSigned(mode.mode) == has_certificate &&
             !mikey::v2::Contains(policy.modes.view(), mode.mode);
    });
    if (found == std::end(kModes)) {
      return Usage(has_certificate ? "--modes: dh, early-dh, rsa, each once, with commas"
                                   : "--modes: psk, dhhmac, early-dhhmac, each once, with commas");
    }
    policy.modes.Add(static_cast<uint8_t>(found->mode));
  }
  return {};
}

tl::expected<void, Failure> TakeProfiles(std::string_view text, Policy& policy) {
  if (text.empty()) return {};
  policy.profiles.clear();
  while (!text.empty()) {
    const Result<SrtpProfile> profile = srtp::ProfileFromName(sdp::Cut(text, ','));
    const auto number = profile ? static_cast<uint16_t>(*profile) : uint16_t{0};
    const bool is_known = number != 0 && number <= 0x0008 && !policy.profiles.full() &&
                          std::ranges::find(policy.profiles, number) == policy.profiles.end();
    if (!is_known) return Usage("--profiles: as AEAD_AES_256_GCM, each once, with commas");
    policy.profiles.Add(number);
  }
  return {};
}

tl::expected<std::vector<StreamPlan>, Failure> TakeStreams(const std::vector<std::string>& texts) {
  std::vector<StreamPlan> streams;
  for (const std::string& text : texts) {
    const Result<StreamPlan> stream = ParseStream(text);
    if (!stream) return Usage("stream " + text + ": as sendrecv, sendonly:L16, recvonly:PCMU");
    streams.push_back(*stream);
  }
  return streams;
}

tl::expected<Duration, Failure> TakeDuration(const std::string& option, const std::string& text) {
  const Result<Duration> duration = shell::ParseDuration(text);
  if (!duration) return Usage(option + " " + text + ": as 2s");
  return *duration;
}

tl::expected<void, Failure> TakeRounds(const PeerOptions& options, PeerPlan& plan) {
  if (options.offer.empty() || options.answer.empty()) return Usage("--offer and --answer");
  auto streams = TakeStreams(options.streams);
  if (!streams) return tl::unexpected<Failure>(streams.error());
  if (streams->empty()) streams->push_back({sdp::Direction::kSendRecv, &ToneCodecs()[0]});
  plan.rounds.push_back({options.offers, options.offer, options.answer, std::move(*streams)});
  size_t count = plan.rounds[0].streams.size();
  if (!options.next.empty()) {
    const bool is_part = options.next == "offer" || options.next == "answer";
    if (!is_part || options.next_offer.empty() || options.next_answer.empty()) {
      return Usage("--next offer or --next answer, with --next-offer and --next-answer");
    }
    auto added = TakeStreams(options.added);
    if (!added) return tl::unexpected<Failure>(added.error());
    count += added->size();
    plan.rounds.push_back(
        {options.next == "offer", options.next_offer, options.next_answer, std::move(*added)});
  } else if (!options.added.empty()) {
    return Usage("--add is of the round that --next names");
  }
  if (count > kMaxStreamsOfCall) return Fail(Error::kTooLong, "at most 8 streams");
  return {};
}

tl::expected<void, Failure> TakeKey(const PeerOptions& options, CallSetup& setup) {
  if (!options.certificate.empty()) {
    if (!options.key_file.empty()) return Usage("--key-file or --certificate, not both");
    if (options.private_key.empty()) return Usage("--private-key is missing");
    if (options.key_mgmt && setup.policy.modes.view().size() == 1 &&
        mikey::v2::Contains(setup.policy.modes.view(), Mode::kEarlyDh)) {
      return Usage("--modes: --key-mgmt has no early-dh, which needs a round trip before");
    }
    auto credentials = LoadCredentials(options.certificate, options.private_key, setup.self);
    if (!credentials) return tl::unexpected<Failure>(credentials.error());
    setup.credentials = std::move(*credentials);
    setup.policy.fragments = mikey::v2::kMaxFragments;  // for RSA and chains
    return {};
  }
  if (options.key_file.empty()) return Usage("--key-file, or --certificate with --private-key");
  const auto keys = LoadKeys(options.key_file);
  if (!keys) return tl::unexpected<Failure>(keys.error());
  const crypto::SecretBytes& key = keys->front().octets;
  if (key.size() < mikey::kMinSharedKey || key.size() > mikey::kMaxSharedKey) {
    return Fail(Error::kMalformed,
                "key file " + options.key_file + ": a pre-shared key has 16 octets at least");
  }
  setup.psk = crypto::SecretKey<mikey::kMaxSharedKey>(ByteView(key));
  return {};
}

tl::expected<void, Failure> TakeSetup(const PeerOptions& options, CallSetup& setup) {
  const Result<mikey::OwnedIdentity> self = ParseIdentity(options.identity);
  const Result<mikey::OwnedIdentity> peer = ParseIdentity(options.peer_identity);
  if (!self) return Usage("--identity: as nai:alice@example.org or uri:sip:alice@example.org");
  if (!peer) return Usage("--peer-identity: likewise");
  if (self->view() == peer->view()) return Usage("--identity and --peer-identity are the same");
  setup.self = *self;
  setup.peer = *peer;
  const Result<Endpoint> media = ParseEndpoint(options.media, 0);  // 0: the system chooses
  if (!media) return Usage("--media " + options.media + ": not ADDRESS or ADDRESS:PORT");
  setup.media = *media;
  setup.key_mgmt = options.key_mgmt;
  setup.policy = Policy::Default();
  const bool has_certificate = !options.certificate.empty();
  if (auto taken = TakeModes(options.modes, has_certificate, setup.policy); !taken) return taken;
  if (auto taken = TakeProfiles(options.profiles, setup.policy); !taken) return taken;
  return TakeKey(options, setup);
}

}  // namespace

Result<mikey::OwnedIdentity> ParseIdentity(std::string_view text) {
  mikey::IdType type = mikey::IdType::kUri;
  if (StripPrefix(text, "nai:")) {
    type = mikey::IdType::kNai;
  } else if (!StripPrefix(text, "uri:")) {
    const bool has_colon = text.find(':') != std::string_view::npos;
    if (!has_colon && text.find('@') != std::string_view::npos) type = mikey::IdType::kNai;
  }
  if (text.empty() || text.size() > mikey::kMaxIdentity) return Err(Error::kMalformed);
  return mikey::OwnedIdentity({type, AsBytes(text)});
}

Result<StreamPlan> ParseStream(std::string_view text) {
  StreamPlan plan;
  const std::string_view direction = sdp::Cut(text, ':');
  if (!sdp::DirectionFromName(direction, plan.direction)) return Err(Error::kMalformed);
  const std::string_view encoding = text.empty() ? "PCMU" : text;
  for (const ToneCodec& codec : ToneCodecs()) {
    if (codec.rtpmap.starts_with(std::string(encoding) + "/")) plan.codec = &codec;
  }
  if (plan.codec == nullptr) return Err(Error::kMalformed);
  return plan;
}

Result<std::vector<Place>> ParsePlaces(const std::vector<std::string>& texts) {
  std::vector<Place> places;
  for (std::string_view text : texts) {
    size_t number = 0;
    if (!sdp::TakeNumber<size_t>(sdp::Cut(text, '='), number, kMaxPlace) || number == 0) {
      return Err(Error::kMalformed);
    }
    const Result<Place> place = ParsePlace(text);
    if (!place) return Err(place.error());
    if (places.size() < number) places.resize(number, {Place::Kind::kTone, {}, {}});
    places[number - 1] = *place;
  }
  return places;
}

tl::expected<PeerPlan, Failure> MakePlan(const PeerOptions& options) {
  PeerPlan plan;
  if (auto taken = TakeRounds(options, plan); !taken) return tl::unexpected(taken.error());
  if (auto taken = TakeSetup(options, plan.setup); !taken) return tl::unexpected(taken.error());
  const auto sources = ParsePlaces(options.sources);
  if (!sources) return Usage("--source: as 1=tone, 1=udp:127.0.0.1:7000, 1=-, 1=none");
  const auto sinks = ParsePlaces(options.sinks);
  if (!sinks) return Usage("--sink: as 1=udp:127.0.0.1:7000, 1=file:PATH, 1=none");
  plan.sources = *sources;
  plan.sinks = *sinks;
  if (!options.early.empty()) {
    const Result<Endpoint> early = ParseEndpoint(options.early);
    if (!early || early->IsUnset()) return Usage("--early " + options.early + ": not ADDRESS:PORT");
    if (options.key_mgmt) return Usage("--early or --key-mgmt, not both");
    plan.early = *early;
  }
  if (!options.ring.empty()) {
    const auto ring = TakeDuration("--ring", options.ring);
    if (!ring) return tl::unexpected(ring.error());
    plan.ring = *ring;
  }
  if (!options.duration.empty()) {
    const auto duration = TakeDuration("--for", options.duration);
    if (!duration) return tl::unexpected(duration.error());
    plan.duration = *duration;
  }
  plan.reveal_keys = options.reveal_keys;
  return plan;
}

}  // namespace keymast::tools
