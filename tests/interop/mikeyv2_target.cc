// SPDX-License-Identifier: Apache-2.0
// Our Offerer and Answerer of version 2, what takes the messages of a group, and our controller, as
// the honest side of an attack (attacks_test.py): each has the clock that it is given, and a socket
// on 127.0.0.1.
// Orders come as lines of JSON on the standard input, each is answered by one: what came of it.
// Nothing happens between orders.
#include <cstdio>
#include <iostream>

#include "mikey/v2/both.h"
#include "tests/interop/mikeyv2_target_group.h"
#include "tests/unit/mikey/v2_directory.h"
#include "tests/unit/mikey/v2_tickets.h"
#include "tools/peer_directory.h"

namespace keymast::mikey::v2 {
namespace {

constexpr uint8_t kSpoken[] = {1, 2, 3, 4, 5, 6};  // the modes that both machines have

// The parties of tests/interop/mikeyv2/lab.py.
const Identity kAlice{IdType::kUri, AsBytes("sip:alice@example.org")};
const Identity kBob{IdType::kNai, AsBytes("bob@example.org")};
const Identity kOne{IdType::kUri, AsBytes("mbms://groups.example.org/one")};

Bytes SharedOctets() {
  Bytes octets(32);
  for (size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<uint8_t>(i);
  return octets;
}
const Bytes kShared = SharedOctets();

// LabDirectory is Bob, and the controller of one group; Alice alone is known to it. What it gives
// is the unit tests' own.
class LabDirectory : public Directory {
 public:
  bool IsOwn(const Identity& identity) const override {
    return identity == kBob || identity == kOne;
  }
  bool Serves(const Asked& asked) const override {
    return asked.answerer == (asked.join ? kOne : kBob);
  }
  const crypto::SecretKey<kMaxSharedKey>* SharedWith(const Asked& asked) const override {
    return asked.offerer == kAlice ? &shared_ : nullptr;
  }
  Result<Terms> TermsFor(const Asked& asked) const override { return given_.TermsFor(asked); }
  std::optional<uint32_t> LeavesOf(const Asked& asked) const override {
    return asked.join ? given_.LeavesOf(asked) : std::nullopt;
  }
  // An EXT 3 that names another group is one to which nobody is entitled (MIKEYv2 §3.4).
  Result<Grant> GrantTo(const Asked& asked, const Choice& choice) override {
    const bool is_ours = !asked.join || asked.join->msk.value() == 0 || asked.join->msk == kMsk;
    if (!is_ours) return Err(Error::kNotEntitled);
    Result<Grant> grant = given_.GrantTo(asked, choice);
    if (grant && asked.join && path_keys_ > 0) AddPath(grant->contents);
    return grant;
  }

  TestDirectory given_;
  size_t path_keys_ = 0;  // of a leaf, to make what a member gets longer

 private:
  static constexpr MskId kMsk{KeyGroup(1), KeyNumber(0)};

  void AddPath(Contents& contents) const {
    const size_t versions = 5 * path_keys_;
    FixedList<KeyDataPayload, kMaxGivenKeys> keys;
    keys.Add(contents.keys[0]);
    keys.Add({KeyDataType::kTreeKey,
              ByteView(path_).first(16 * path_keys_),
              {},
              {KvType::kSpi, ByteView(path_).first(4 + versions), {}, {}}});
    for (size_t i = 1; i < contents.keys.size(); ++i) keys.Add(contents.keys[i]);
    contents.keys = keys;
  }

  const Bytes path_ = Bytes(1024, 0x11);
  crypto::SecretKey<kMaxSharedKey> shared_{kShared};
};

Credentials OfBob(const Json& json) {
  const std::array<Identity, 3> others{kAlice, kBob, kOne};
  return CredentialsOf(json, kBob, others);
}

template <class List>
void Fill(const Json& numbers, List& list) {
  list.clear();
  for (const Json& number : numbers) list.Add(number.get<uint8_t>());
}

Policy PolicyOf(const Json& order) {
  Policy policy;
  Fill(order.at("modes"), policy.modes);
  Fill(order.at("prf"), policy.prfs);
  Fill(order.at("encr"), policy.encrs);
  Fill(order.at("mac"), policy.macs);
  Fill(order.at("groups"), policy.groups);
  Fill(order.at("signatures"), policy.signatures);
  policy.features = order.at("features").get<uint32_t>();
  policy.fragments = order.at("fragments").get<uint8_t>();
  policy.profiles.clear();
  for (const Json& profile : order.at("profiles")) policy.profiles.Add(profile.get<uint16_t>());
  return policy;
}

Json KeysOf(const UnicastSession& session) {
  Json keys = Json::object();
  const ByteView params = session.policies[0].params.view();  // of GCM or AES-CM (MIKEYv2 §9)
  for (const CsbSession& stream : session.sessions) {
    Bytes key(params[5]);
    Bytes salt(params[2] == 6 ? 12 : 14);
    session.TrafficKeys(crypto::DefaultSuite(), stream.cs_id, key, salt);
    keys[std::to_string(stream.cs_id)] = ToHex(key) + ToHex(salt);
  }
  return keys;
}

Json KeysOf(const Contents& contents) {
  Json keys = Json::object();
  for (const KeyDataPayload& key : contents.keys) {
    keys[std::to_string(static_cast<unsigned>(key.type))] = ToHex(key.key);
  }
  return keys;
}

// CountOf the datagrams that a machine wrote.
size_t CountOf(size_t first, const MoreDatagrams& more) { return first == 0 ? 0 : 1 + more.size(); }

// TicketsOf a peer, which keeps them, or of a controller, which seals them; or null.
std::unique_ptr<Tickets> TicketsOf(const std::string& kind) {
  if (kind == "kept") return std::make_unique<PeerTickets>(crypto::DefaultSuite(), 8);
  if (kind == "sealed") return std::make_unique<SealedTickets>();
  return nullptr;
}

// OfSdp is Bob with Alice's description (MIKEYv2 §12), as keymast-peer has it.
std::unique_ptr<Directory> OfSdp(const Json& sdp) {
  auto directory = std::make_unique<tools::PeerDirectory>(kBob, kAlice, kShared);
  tools::PeerDirectory::Expected expected;
  expected.told.session = Octets<sdp::kMaxSessionId>(Unhex(sdp.at("session")));
  expected.told.capabilities = Unhex(sdp.at("capabilities"));
  const Bytes fingerprint = Unhex(sdp.at("fingerprint"));
  if (!fingerprint.empty()) {
    std::copy_n(fingerprint.begin(), Digest{}.size(), expected.told.fingerprint.emplace().begin());
  }
  expected.profile = sdp.at("profile").get<uint16_t>();
  expected.sources.resize(sdp.at("streams").get<size_t>(), {Ssrc(1), Ssrc(2)});
  expected.positions = [](size_t) { return tools::PeerDirectory::Positions{}; };
  directory->Expect(std::move(expected));
  return directory;
}

class OurAnswerer {
 public:
  uint16_t port() const { return socket_.port(); }
  Answerer* machine() { return machine_.get(); }
  Json Begin(const Json& order) {
    policy_ = PolicyOf(order);
    policy_.uses_v = order.at("uses_v").get<bool>();
    directory_ = std::make_unique<LabDirectory>();
    directory_->given_.entitled_ = order.at("entitled").get<bool>();
    directory_->path_keys_ = order.at("tree_keys").get<size_t>();
    credentials_ = OfBob(order.at("credentials"));
    const Json& sdp = order.at("sdp");
    described_ = sdp.is_null() ? nullptr : OfSdp(sdp);
    Directory& directory = described_ ? *described_ : *directory_;
    machine_ = std::make_unique<Answerer>(crypto::DefaultSuite(), policy_, directory,
                                          order.at("capacity").get<size_t>(), rng_, &credentials_);
    tickets_ = TicketsOf(order.at("tickets"));
    machine_->use_tickets(tickets_.get());
    Set(order);
    return {{"status", "ok"}};
  }
  Json Set(const Json& order) {
    machine_->set_under_load(order.at("load").get<bool>());
    const auto leaves = order.at("leaves").get<uint32_t>();
    if (leaves > 0) directory_->given_.leaves_ = leaves;
    return {{"status", "ok"}};
  }
  // `beside` is an Offerer of the same party, or null.
  Json Take(const Json& order, Offerer* beside) {
    uint16_t from = 0;
    const Bytes datagram = TakeDatagram(socket_, from);
    const std::string address = std::to_string(from);
    Bytes out(RoomOf(policy_));
    const auto outcome = machine_->Receive(datagram, AsBytes(address), NowOf(order), rng_, out);
    Json told{{"status", NameOf(outcome.status)},
              {"sent", CountOf(outcome.reply, outcome.more)},
              {"event", static_cast<int>(outcome.event)}};
    const bool is_verified = outcome.event == Answerer::Event::kVerified;
    if (is_verified && !outcome.entry->exchange.is_join()) {
      told["keys"] = KeysOf(machine_->SessionOf(*outcome.entry));
    }
    if (is_verified && beside != nullptr &&
        OnVerified(*outcome.entry, *beside, *machine_) == GaveWay::kTheirs) {
      return {{"status", "gave way"}, {"sent", 0}, {"event", 0}};
    }
    socket_.Send(out, outcome.reply, outcome.more.view(), from);
    return told;
  }

 private:
  const LoopbackSocket socket_{0};
  crypto::SystemRng rng_;
  Policy policy_;
  Credentials credentials_;
  std::unique_ptr<LabDirectory> directory_;
  std::unique_ptr<Directory> described_;
  std::unique_ptr<Tickets> tickets_;
  std::unique_ptr<Answerer> machine_;
};

class OurOfferer {
 public:
  uint16_t port() const { return socket_.port(); }
  Offerer* machine() { return machine_.get(); }
  // is_bob: it is of the same party as our Answerer.
  bool is_bob() const { return is_bob_; }
  void Part() { is_bob_ = false; }
  Json Begin(const Json& order) {
    policy_ = PolicyOf(order);
    machine_.reset();
    credentials_ = OfBob(order.at("credentials"));
    machine_ = std::make_unique<Offerer>(crypto::DefaultSuite(), policy_, &credentials_);
    std::vector<StreamOffer> streams;
    for (const Json& stream : order.at("streams")) {
      const unsigned direction = stream.at(0).get<unsigned>();
      streams.push_back(
          {(direction & 1u) != 0, (direction & 2u) != 0, stream.at(1).get<uint32_t>()});
    }
    const Bytes session = Unhex(order.at("session"));
    const Bytes fresh = Unhex(order.at("fresh"));
    const Bytes fingerprint = Unhex(order.at("fingerprint"));
    Wish wish{kAlice, kBob, kShared, std::nullopt, streams, session};
    if (!order.at("join").is_null()) wish = {kAlice, kOne, kShared, IdsOf(order), {}, {}};
    is_bob_ = order.at("is_bob").get<bool>();
    if (is_bob_) std::swap(wish.self, wish.peer);
    wish.shown = credentials_.shown;
    wish.takes_fragments = order.at("big_cap").get<bool>();
    wish.fresh = fresh;
    wish.fingerprint = fingerprint;
    wish.takes_provisional = order.at("provisional").get<bool>();
    if (wish.takes_provisional) wish.psk = {};  // MIKEYv2 §12: until a fingerprint comes
    to_ = order.at("to").get<uint16_t>();
    Bytes out(RoomOf(policy_));
    const Result<size_t> size = machine_->Open(wish, NowOf(order), rng_, out);
    if (!size) return {{"status", ErrorName(size.error())}, {"sent", 0}};
    socket_.Send(out, *size, machine_->more().view(), to_);
    return Told({}, CountOf(*size, machine_->more()));
  }
  // `beside` is an Answerer of the same party, or null.
  Json Take(const Json& order, Answerer* beside) {
    uint16_t from = 0;
    const Bytes datagram = TakeDatagram(socket_, from);
    Bytes out(RoomOf(policy_));
    const bool was_open = machine_->state() == Offerer::State::kOffered;
    const Offerer::Outcome outcome = machine_->Receive(datagram, NowOf(order), rng_, out);
    const bool is_answered = was_open && (machine_->state() == Offerer::State::kAnswered ||
                                          machine_->state() == Offerer::State::kDone);
    if (beside != nullptr && is_answered) OnAnswered(*machine_, *beside);
    return Sent(outcome, out);
  }
  // Look at it.
  Json State() const { return Told({}, 0); }
  Json Tick(const Json& order) {
    Bytes out(RoomOf(policy_));
    return Sent(machine_->Tick(NowOf(order), rng_, out), out);
  }

 private:
  static KeyIds IdsOf(const Json& order) {
    const Bytes domain = Unhex(order.at("join").at(0));
    const Bytes group = Unhex(order.at("join").at(1));
    KeyIds ids{};
    std::copy(domain.begin(), domain.end(), ids.domain.octets.begin());
    ids.msk = MskId::FromValue(static_cast<uint32_t>(Reader(group).U16()) << 16);
    return ids;
  }
  Json Sent(const Offerer::Outcome& outcome, const Bytes& out) const {
    socket_.Send(out, outcome.send, machine_->more().view(), to_);
    return Told(outcome.status, CountOf(outcome.send, machine_->more()));
  }
  Json Told(const Status& status, size_t sent) const {
    static constexpr const char* kStates[] = {"idle", "offered", "answered", "done", "failed"};
    const Offerer::State state = machine_->state();
    Json told{{"status", NameOf(status)},
              {"sent", sent},
              {"state", kStates[static_cast<size_t>(state)]},
              {"has_keys", machine_->has_keys()}};
    if (machine_->resumption()) {
      told["ticket_expiry"] = ToUnixNanos(machine_->resumption()->expiry) / 1'000'000'000;
    }
    if (machine_->peer_error()) told["error"] = static_cast<int>(*machine_->peer_error());
    const bool is_good = state == Offerer::State::kAnswered || state == Offerer::State::kDone;
    const bool is_join = machine_->exchange().is_join();
    if (is_good && !is_join) told["keys"] = KeysOf(machine_->session());
    if (is_join) told["keys"] = KeysOf(machine_->contents());
    return told;
  }

  const LoopbackSocket socket_{0};
  uint16_t to_ = 0;
  bool is_bob_ = false;
  crypto::SystemRng rng_;
  Policy policy_;
  Credentials credentials_;
  std::unique_ptr<Offerer> machine_;
};

int Run() {
  OurAnswerer answerer;
  OurOfferer offerer;
  GroupSide group;
  const Json hello{
      {"modes", kSpoken}, {"a", answerer.port()}, {"o", offerer.port()}, {"group", group.port()}};
  std::cout << hello.dump() << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
    const Json order = Json::parse(line);
    const std::string what = order.at("do");
    Json told = group.Do(what, order, offerer.machine());
    if (what == "answer") offerer.Part();
    if (what == "answer") told = answerer.Begin(order);
    if (what == "set") told = answerer.Set(order);
    if (what == "a") told = answerer.Take(order, offerer.is_bob() ? offerer.machine() : nullptr);
    if (what == "offer") told = offerer.Begin(order);
    if (what == "o") told = offerer.Take(order, offerer.is_bob() ? answerer.machine() : nullptr);
    if (what == "look") told = offerer.State();
    if (what == "tick") told = offerer.Tick(order);
    std::cout << told.dump() << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace keymast::mikey::v2

int main() { return keymast::mikey::v2::Run(); }
