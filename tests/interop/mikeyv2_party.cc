// SPDX-License-Identifier: Apache-2.0
// mikeyv2_party offer PORT session|join|resume MODE [CREDENTIALS]
// mikeyv2_party answer load|idle|resume MODE [CREDENTIALS]
// One side of an exchange of version 2 over UDP on 127.0.0.1, for tests against other
// implementations. CREDENTIALS is a file of JSON, see CredentialsOf: with it there is no pre-shared
// key. With `resume` there is a second session by the first one's ticket, in each mode that it may.
// The result is one line of JSON; its keys are the tests' own.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/interop/credentials_json.h"
#include "tests/interop/loopback.h"
#include "tests/unit/mikey/v2_directory.h"

namespace keymast::mikey::v2 {
namespace {

using Json = nlohmann::json;

Instant Now() {
  return FromUnixNanos(
      std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())
          .count());
}

Json Told(const UnicastSession& session) {
  Json all = Json::array();
  for (const CsbSession& stream : session.sessions) {
    const bool is_256 = session.policies[0].params.view()[5] == 32;
    Bytes key(is_256 ? 32 : 16);
    Bytes salt(12);
    session.TrafficKeys(crypto::DefaultSuite(), stream.cs_id, key, salt);
    all.push_back({{"cs", stream.cs_id},
                   {"ssrc", stream.ssrc.value},
                   {"key", ToHex(key)},
                   {"salt", ToHex(salt)}});
  }
  return all;
}

Json Told(const Contents& contents) {
  Json keys = Json::array();
  for (const KeyDataPayload& key : contents.keys) {
    keys.push_back({{"type", key.type}, {"key", ToHex(key.key)}, {"salt", ToHex(key.salt)}});
  }
  return {{"keys", keys}, {"csb_id", contents.csb_id ? contents.csb_id->value : 0}};
}

// One mode, by its number, and profile 7 alone: it is what the tests' directory gives.
Policy TestPolicy(std::string_view mode, bool has_certificates) {
  Policy policy = Policy::Default();
  policy.modes.clear();
  policy.modes.Add(static_cast<uint8_t>(std::stoi(std::string(mode))));
  policy.profiles.clear();
  policy.profiles.Add(7);
  policy.fragments = has_certificates ? kMaxFragments : 0;
  return policy;
}

// DER in hex: key, chain, anchor, the other's chain as `known`; `usage` is an OID.
std::optional<Credentials> CredentialsOf(const std::string& path) {
  if (path.empty()) return std::nullopt;
  std::ifstream file(path);
  const Json json = Json::parse(file);
  Credentials all;
  auto key = crypto::PrivateKey::FromDer(Unhex(json["key"]));
  KEYMAST_CHECK(key.has_value());
  all.own.push_back({*std::move(key), ChainOf(json["chain"])});
  all.shown = ShownBy(json["show"]);
  KEYMAST_CHECK(all.trust.store().AddAnchor(Unhex(json["anchor"])).has_value());
  all.trust.set_controller_usage(json["usage"]);
  const std::array<Identity, 3> others{kMemberId, kPeerId, kGroupId};
  KnowNamed(json, others, all.trust);
  return all;
}

// Talk runs an exchange to its end.
void Talk(Offerer& offerer, const Wish& wish, const LoopbackSocket& socket, uint16_t port,
          MutableBytes out, Json& refused) {
  crypto::SystemRng rng;
  const auto size = offerer.Open(wish, Now(), rng, out);
  KEYMAST_CHECK(size.has_value());
  socket.Send(out, *size, offerer.more().view(), port);
  while (offerer.deadline() != kNever) {
    uint16_t from = 0;
    const Bytes datagram = socket.Take(offerer.deadline() - Now(), from);
    const auto outcome = datagram.empty() ? offerer.Tick(Now(), rng, out)
                                          : offerer.Receive(datagram, Now(), rng, out);
    if (!outcome.status) refused.push_back(ErrorName(outcome.status.error()));
    socket.Send(out, outcome.send, offerer.more().view(), port);
  }
}

// ResumingPolicy has the modes that a ticket may open.
Policy ResumingPolicy(const Policy& policy) {
  Policy resuming = policy;
  resuming.modes.clear();
  for (const Mode mode : {Mode::kEarlyDhhmac, Mode::kDhhmac, Mode::kPsk}) {
    resuming.modes.Add(static_cast<uint8_t>(mode));
  }
  return resuming;
}

// Resume opens a second session by what the first one left.
int Resume(const Offerer& first, const Policy& policy, Wish wish, const LoopbackSocket& socket,
           uint16_t port) {
  KEYMAST_CHECK(first.resumption().has_value());
  const Resumption resumption = *first.resumption();
  const Policy resuming = ResumingPolicy(policy);
  Offerer second(crypto::DefaultSuite(), resuming);
  wish.psk = {};
  wish.resume = &resumption;
  Json refused = Json::array();
  Bytes out(RoomOf(policy));
  Talk(second, wish, socket, port, out, refused);
  const bool is_done = second.state() == Offerer::State::kDone;
  Json result{{"state", is_done ? "done" : "failed"}, {"refused", refused}};
  if (is_done) result["sessions"] = Told(second.session());
  std::puts(result.dump().c_str());
  return is_done ? 0 : 1;
}

int Offer(uint16_t port, std::string_view what, std::string_view mode, const std::string& path) {
  const Policy policy = TestPolicy(mode, !path.empty());
  const bool is_join = what == "join";
  const std::optional<Credentials> credentials = CredentialsOf(path);
  Offerer offerer(crypto::DefaultSuite(), policy, credentials ? &*credentials : nullptr);
  static constexpr StreamOffer kStreams[] = {{true, true, 0x11223344}};
  Wish wish{kMemberId, kPeerId, kPskOctets, std::nullopt, kStreams, {}};
  if (is_join) wish = {kMemberId, kGroupId, kPskOctets, kAnyGroup, {}, {}};
  if (credentials) {
    wish.psk = {};
    wish.shown = credentials->shown;
    wish.takes_fragments = true;
  }
  const LoopbackSocket socket(0);
  Bytes out(RoomOf(policy));
  Json refused = Json::array();
  Talk(offerer, wish, socket, port, out, refused);
  const bool is_done = offerer.state() == Offerer::State::kDone;
  if (is_done && what == "resume") return Resume(offerer, policy, wish, socket, port);
  Json result{{"state", is_done ? "done" : "failed"}, {"refused", refused}};
  if (is_done && is_join) result["group"] = Told(offerer.contents());
  if (is_done && !is_join) result["sessions"] = Told(offerer.session());
  std::puts(result.dump().c_str());
  return is_done ? 0 : 1;
}

int Answer(std::string_view what, std::string_view mode, const std::string& path) {
  Policy policy = TestPolicy(mode, !path.empty());
  PeerTickets tickets(crypto::DefaultSuite(), 8);
  for (const uint8_t more : ResumingPolicy(policy).modes) {
    const bool is_new = what == "resume" && !Contains(policy.modes.view(), more);
    if (is_new) policy.modes.Add(more);
  }
  crypto::SystemRng rng;
  TestDirectory others;
  const std::optional<Credentials> credentials = CredentialsOf(path);
  Answerer answerer(crypto::DefaultSuite(), policy, others, 64, rng,
                    credentials ? &*credentials : nullptr);
  answerer.set_under_load(what == "load");
  if (what == "resume") answerer.use_tickets(&tickets);
  const LoopbackSocket socket(0);
  std::fprintf(stderr, "%u\n", socket.port());
  Instant end = Now() + std::chrono::seconds(15);
  Json result{{"state", "over"}, {"refused", Json::array()}};
  Bytes out(RoomOf(policy));
  while (Now() < end) {
    uint16_t from = 0;
    const Bytes datagram = socket.Take(end - Now(), from);
    if (datagram.empty()) break;
    const std::string address = std::to_string(from);
    const auto outcome = answerer.Receive(datagram, AsBytes(address), Now(), rng, out);
    if (!outcome.status) result["refused"].push_back(ErrorName(outcome.status.error()));
    socket.Send(out, outcome.reply, outcome.more.view(), from);
    if (outcome.event != Answerer::Event::kVerified) continue;
    result["state"] = "verified";
    if (!outcome.entry->exchange.is_join()) {
      result["sessions"] = Told(answerer.SessionOf(*outcome.entry));
    }
    // Repetitions of the finish, or what resumes it.
    end = Now() + std::chrono::milliseconds(what == "resume" ? 3000 : 700);
  }
  std::puts(result.dump().c_str());
  return result["state"] == "verified" ? 0 : 1;
}

int Run(std::span<char*> arguments) {
  const auto word = [&](size_t i) {
    return i < arguments.size() ? std::string_view(arguments[i]) : std::string_view();
  };
  if (word(1) == "offer") {
    return Offer(static_cast<uint16_t>(std::stoi(std::string(word(2)))), word(3), word(4),
                 std::string(word(5)));
  }
  if (word(1) == "answer") {
    return Answer(word(2), word(3), std::string(word(4)));
  }
  std::fputs("see the head of mikeyv2_party.cc\n", stderr);
  return 2;
}

}  // namespace
}  // namespace keymast::mikey::v2

int main(int argc, char** argv) {
  return keymast::mikey::v2::Run({argv, static_cast<size_t>(argc)});
}
