// SPDX-License-Identifier: Apache-2.0
// mikeyv2_party offer PORT session|join MODE [CREDENTIALS]
// mikeyv2_party answer load|idle MODE [CREDENTIALS]
// One side of an exchange of version 2 over UDP on 127.0.0.1, for tests against other
// implementations. CREDENTIALS is a file of JSON, see CredentialsOf: with it there is no pre-shared
// key. The result is one line of JSON; its keys are the tests' own.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/unit/mikey/v2_directory.h"

namespace keymast::mikey::v2 {
namespace {

using Json = nlohmann::json;

Instant Now() {
  return FromUnixNanos(
      std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())
          .count());
}

class Socket {
 public:
  explicit Socket(uint16_t port) : fd_(socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in local = At(port);
    KEYMAST_CHECK(bind(fd_, Generic(&local), sizeof local) == 0);
  }
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  uint16_t port() const {
    sockaddr_in local{};
    socklen_t size = sizeof local;
    KEYMAST_CHECK(getsockname(fd_, Generic(&local), &size) == 0);
    return ntohs(local.sin_port);
  }
  void Send(ByteView octets, uint16_t port) const {
    sockaddr_in to = At(port);
    if (!octets.empty()) sendto(fd_, octets.data(), octets.size(), 0, Generic(&to), sizeof to);
  }
  // Send all that a machine wrote.
  void Send(ByteView out, size_t first, const MoreDatagrams& more, uint16_t port) const {
    Send(out.first(first), port);
    size_t at = first;
    for (const uint16_t size : more) {
      Send(out.subspan(at, size), port);
      at += size;
    }
  }
  // Take waits for a datagram; empty when none comes in time.
  Bytes Take(Instant until, uint16_t& port) const {
    pollfd waiting{fd_, POLLIN, 0};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Now());
    if (poll(&waiting, 1, static_cast<int>(std::max<int64_t>(left.count() + 1, 0))) <= 0) return {};
    Bytes octets(65536);
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t got = recvfrom(fd_, octets.data(), octets.size(), 0, Generic(&from), &size);
    port = ntohs(from.sin_port);
    octets.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
    return octets;
  }

 private:
  static sockaddr* Generic(sockaddr_in* address) { return reinterpret_cast<sockaddr*>(address); }
  static sockaddr_in At(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  int fd_;
};

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

Bytes Unhex(const Json& text) {
  Bytes octets;
  KEYMAST_CHECK(FromHex(text.get<std::string>(), octets));
  return octets;
}

CertificateChain ChainOf(const Json& certificates) {
  CertificateChain chain;
  for (const Json& certificate : certificates) chain.push_back(Unhex(certificate));
  return chain;
}

Shown ShownBy(const std::string& how) {
  if (how == "cert") return Shown::kCertificates;
  return how == "chash" ? Shown::kHash : Shown::kNothing;
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
  for (const Identity& identity : {kMemberId, kPeerId, kGroupId}) {
    const auto name = std::string(AsText(identity.data));
    if (!json["known"].contains(name)) continue;
    KEYMAST_CHECK(all.trust.Know(identity, ChainOf(json["known"][name])).has_value());
  }
  return all;
}

int Offer(uint16_t port, bool is_join, std::string_view mode, const std::string& path) {
  const Policy policy = TestPolicy(mode, !path.empty());
  crypto::SystemRng rng;
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
  const Socket socket(0);
  Bytes out(RoomOf(policy));
  const auto size = offerer.Open(wish, Now(), rng, out);
  KEYMAST_CHECK(size.has_value());
  socket.Send(out, *size, offerer.more(), port);
  Json refused = Json::array();
  while (offerer.deadline() != kNever) {
    uint16_t from = 0;
    const Bytes datagram = socket.Take(offerer.deadline(), from);
    const auto outcome = datagram.empty() ? offerer.Tick(Now(), rng, out)
                                          : offerer.Receive(datagram, Now(), rng, out);
    if (!outcome.status) refused.push_back(ErrorName(outcome.status.error()));
    socket.Send(out, outcome.send, offerer.more(), port);
  }
  const bool is_done = offerer.state() == Offerer::State::kDone;
  Json result{{"state", is_done ? "done" : "failed"}, {"refused", refused}};
  if (is_done && is_join) result["group"] = Told(offerer.contents());
  if (is_done && !is_join) result["sessions"] = Told(offerer.session());
  std::puts(result.dump().c_str());
  return is_done ? 0 : 1;
}

int Answer(bool under_load, std::string_view mode, const std::string& path) {
  const Policy policy = TestPolicy(mode, !path.empty());
  crypto::SystemRng rng;
  TestDirectory others;
  const std::optional<Credentials> credentials = CredentialsOf(path);
  Answerer answerer(crypto::DefaultSuite(), policy, others, 64, rng,
                    credentials ? &*credentials : nullptr);
  answerer.set_under_load(under_load);
  const Socket socket(0);
  std::fprintf(stderr, "%u\n", socket.port());
  Instant end = Now() + std::chrono::seconds(15);
  Json result{{"state", "over"}, {"refused", Json::array()}};
  Bytes out(RoomOf(policy));
  while (Now() < end) {
    uint16_t from = 0;
    const Bytes datagram = socket.Take(end, from);
    if (datagram.empty()) break;
    const std::string address = std::to_string(from);
    const auto outcome = answerer.Receive(datagram, AsBytes(address), Now(), rng, out);
    if (!outcome.status) result["refused"].push_back(ErrorName(outcome.status.error()));
    socket.Send(out, outcome.reply, outcome.more, from);
    if (outcome.event != Answerer::Event::kVerified) continue;
    result["state"] = "verified";
    if (!outcome.entry->exchange.is_join()) {
      result["sessions"] = Told(answerer.SessionOf(*outcome.entry));
    }
    end = Now() + std::chrono::milliseconds(700);  // repetitions of the finish
  }
  std::puts(result.dump().c_str());
  return result["state"] == "verified" ? 0 : 1;
}

int Run(std::span<char*> arguments) {
  const auto word = [&](size_t i) {
    return i < arguments.size() ? std::string_view(arguments[i]) : std::string_view();
  };
  if (word(1) == "offer") {
    return Offer(static_cast<uint16_t>(std::stoi(std::string(word(2)))), word(3) == "join", word(4),
                 std::string(word(5)));
  }
  if (word(1) == "answer") {
    return Answer(word(2) == "load", word(3), std::string(word(4)));
  }
  std::fputs("see the head of mikeyv2_party.cc\n", stderr);
  return 2;
}

}  // namespace
}  // namespace keymast::mikey::v2

int main(int argc, char** argv) {
  return keymast::mikey::v2::Run({argv, static_cast<size_t>(argc)});
}
