// SPDX-License-Identifier: Apache-2.0
#include "bench/mikeyv2_rig.h"

#include <ctime>

#include "bench/harness.h"
#include "bench/processes.h"

namespace keymast::bench {

using namespace mikey;
using namespace mikey::v2;

namespace {

const Identity kMember{IdType::kNai, AsBytes("member@example.org")};
const Identity kPeer{IdType::kUri, AsBytes("sip:bob@example.org")};
const Identity kGroup{IdType::kUri, AsBytes("mikey://example.org/tv")};
constexpr StreamOffer kStreams[] = {{true, true, 0}};
constexpr uint8_t kDomain[] = {1, 2, 3};
constexpr uint8_t kMki[] = {0, 1, 0, 2, 0, 1};
constexpr uint8_t kLastMtkId[] = {0xff, 0xff};
constexpr uint8_t kSome[32] = {};
// AEAD_AES_128_GCM (MIKEYv2 §9).
constexpr uint8_t kGcm[] = {0, 1, 6, 1, 1, 16, 2, 1, 0, 4, 1, 12, 7, 1, 1, 8, 1, 1, 20, 1, 16};

Credential CredentialOf(const Certified& made) {
  auto key = crypto::PrivateKey::FromDer(made.KeyDer());
  Demand(key.has_value(), "OpenSSL's key is not taken");
  return {std::move(*key), {made.CertificateDer()}};
}

// Each side has the other's fingerprint on record, as two peers of DTLS-SRTP have.
void Introduce(KeyType type, Credentials& member, Credentials& controller) {
  const Certified of_member = MakeCertified(type);
  const Certified of_controller = MakeCertified(type);
  member.own.push_back(CredentialOf(of_member));
  controller.own.push_back(CredentialOf(of_controller));
  controller.self = OwnedIdentity(kPeer);
  const auto to_member = FingerprintOf(of_member.certificate.get());
  const auto to_controller = FingerprintOf(of_controller.certificate.get());
  controller.trust.Pin(kMember, to_member);
  for (const Identity& identity : {kPeer, kGroup}) {
    member.trust.Pin(identity, to_controller);
    Demand(member.trust.Know(identity, controller.own[0].chain).has_value(),
           "a certificate is not taken");
  }
  Demand(controller.trust.Know(kMember, member.own[0].chain).has_value(),
         "a certificate is not taken");
}

Policy PolicyOf(const JoinKind& kind) {
  Policy policy = Policy::Default();
  policy.modes.clear();
  policy.modes.Add(static_cast<uint8_t>(kind.mode));
  // Who has no FRESH yet is answered in mode DH.
  if (kind.mode == Mode::kEarlyDh) policy.modes.Add(static_cast<uint8_t>(Mode::kDh));
  policy.groups.clear();
  policy.groups.Add(static_cast<uint8_t>(kind.group));
  if (!kind.joins) policy.features = kTicketFeature;  // as DTLS leaves one
  return policy;
}

}  // namespace

// Others knows one member, one peer and one group.
class JoinRig::Others final : public v2::Directory {
 public:
  bool IsOwn(const Identity& identity) const override { return identity == kPeer; }
  bool Serves(const Asked&) const override { return true; }
  const crypto::SecretKey<kMaxSharedKey>* SharedWith(const Asked&) const override { return &psk_; }
  Result<Terms> TermsFor(const Asked&) const override {
    Terms terms;
    terms.profiles.Add(0x0007);
    return terms;
  }
  Result<v2::Grant> GrantTo(const Asked& asked, const Choice&) override {
    return asked.join ? of_group_ : of_session_;
  }

  Others() {
    of_session_.streams.policies.Add({0, ProtType::kSrtp, Octets<255>(kGcm)});
    of_group_.streams.policies.Add({0, ProtType::kSrtp, Octets<255>(kGcm)});
    for (const uint8_t cs_id : {uint8_t{1}, uint8_t{2}}) {
      CsbSession session;
      session.cs_id = cs_id;
      session.ssrc = Ssrc(cs_id);
      of_session_.streams.sessions.Add(session);
    }
    GiveGroup();
  }
  ByteView psk() const { return psk_.view(); }

 private:
  void GiveGroup() {
    CsbSession session;
    session.cs_id = 1;
    session.ssrc = Ssrc(1);
    session.has_seq = true;
    session.spi = Octets<kMaxSpi>(kMki);
    of_group_.streams.sessions.Add(session);
    Contents& contents = of_group_.contents;
    const ByteView some(kSome);
    const KeyValidity interval{KvType::kInterval, {}, ByteView(kMki).last(2), kLastMtkId};
    contents.keys.Add({KeyDataType::kTgk, some.first(16), {}, interval});
    contents.keys.Add(
        {KeyDataType::kMtk, some.first(16), some.first(12), {KvType::kSpi, kMki, {}, {}}});
    contents.rands.Add(some.first(kGroupRandSize));
    contents.csb_id = CsbId(1);
    contents.msks.Add({kDomain, 0x00010002, 1});
    contents.member = MemberState{some.first(kTreeIdSize), 1, 1, 1, 1, 1400, 2000, 0, 0};
  }

  crypto::SecretKey<kMaxSharedKey> psk_{kSome};
  v2::Grant of_session_;
  v2::Grant of_group_;
};

// Exchange is one of a batch.
struct JoinRig::Exchange {
  Exchange(const JoinRig& rig) : offerer(rig.suite_, rig.policy_, &rig.member_) {}
  void Keep(size_t size) { datagram.assign(out.begin(), out.begin() + static_cast<long>(size)); }

  Offerer offerer;
  std::array<uint8_t, kMaxOneDatagram> out{};
  Bytes datagram;  // the last one that was sent
  std::optional<Resumption> ticket;
  Answerer::Event event = Answerer::Event::kNone;  // of the last step of the Answerer
};

JoinRig::JoinRig(const JoinKind& kind, const crypto::Suite& suite)
    : kind_(kind),
      suite_(suite),
      policy_(PolicyOf(kind)),
      others_(std::make_unique<Others>()),
      pool_(*suite.pk, 2 * kBatch),
      tickets_(suite, 4 * kBatch),
      now_(std::chrono::seconds(time(nullptr))) {
  if (IsSigned(kind.mode)) Introduce(kind.key, member_, controller_);
  controller_.shown = kind.shown;
  answerer_ = std::make_unique<Answerer>(suite_, policy_, *others_, 4 * kBatch, rng_, &controller_);
  answerer_->use_pool(&pool_);
  if (!kind.joins) answerer_->use_tickets(&tickets_);
  for (size_t i = 0; i < kBatch; ++i) {
    exchanges_.push_back(std::make_unique<Exchange>(*this));
    exchanges_.back()->offerer.use_pool(&pool_);
  }
  if (kind.mode == Mode::kEarlyDh) One();  // its KEYS have FRESH
  if (kind.resumes) Batch();               // its KEYS have tickets
}

JoinRig::~JoinRig() = default;

Wish JoinRig::WishOf(const Exchange& exchange) const {
  Wish wish{kMember, kind_.joins ? kGroup : kPeer, others_->psk(), std::nullopt, {}, {}};
  if (kind_.joins) wish.join = KeyIds{};
  if (!kind_.joins) wish.streams = kStreams;
  wish.shown = kind_.shown;
  wish.fresh = fresh_.view();
  if (exchange.ticket) wish.resume = &*exchange.ticket;
  return wish;
}

void JoinRig::MakeAhead(size_t count) {
  if (!HasDh(kind_.mode)) return;
  for (size_t i = 0; i < 2 * count; ++i) pool_.Make(*CryptoGroup(kind_.group), rng_);
}

void JoinRig::Send(Exchange& exchange) {
  const Result<size_t> size = exchange.offerer.Open(WishOf(exchange), now_, rng_, exchange.out);
  Demand(size.has_value(), "no CAP is made");
  exchange.Keep(*size);
}

// Answer takes CAP or finish.
void JoinRig::Answer(Exchange& exchange) {
  std::array<uint8_t, 8> address{};
  Writer(address).U32(static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&exchange)));
  const auto outcome = answerer_->Receive(exchange.datagram, address, now_, rng_, exchange.out);
  if (!outcome.status)
    Demand(false, "an exchange was refused: " + std::string(ErrorName(outcome.status.error())));
  exchange.Keep(outcome.reply);
  exchange.event = outcome.event;
}

// Take reads the answer and makes the finish.
void JoinRig::Take(Exchange& exchange) {
  const auto outcome = exchange.offerer.Receive(exchange.datagram, now_, rng_, exchange.out);
  Demand(outcome.status.has_value() && outcome.send > 0, "an answer was refused");
  exchange.Keep(outcome.send);
}

void JoinRig::Acknowledge(Exchange& exchange) {
  const auto outcome = exchange.offerer.Receive(exchange.datagram, now_, rng_, exchange.out);
  const bool is_done = outcome.status && exchange.offerer.state() == Offerer::State::kDone;
  const Mode mode = exchange.offerer.exchange().choice.mode;
  Demand(is_done && (mode == kind_.mode || fresh_.empty()), "an exchange did not end as it should");
  if (kind_.resumes) {
    exchange.ticket = exchange.offerer.resumption();
    Demand(exchange.ticket.has_value(), "an exchange left no ticket");
  }
  const ByteView fresh = exchange.offerer.fresh();
  if (!fresh.empty()) fresh_ = Octets<kFreshSize>(fresh);
}

JoinRig::Time JoinRig::Batch() {
  now_ += std::chrono::minutes(1);  // what was before is forgotten
  Time time;
  double last = ThreadCpuSeconds();
  const auto each = [&](void (JoinRig::*step)(Exchange&), double& to) {
    for (const auto& exchange : exchanges_) (this->*step)(*exchange);
    const double now = ThreadCpuSeconds();
    to += now - last;
    last = now;
  };
  MakeAhead(kBatch);
  time.ahead = ThreadCpuSeconds() - last;
  last += time.ahead;
  each(&JoinRig::Send, time.offerer);
  each(&JoinRig::Answer, time.answerer);
  each(&JoinRig::Take, time.offerer);
  each(&JoinRig::Answer, time.answerer);
  each(&JoinRig::Acknowledge, time.offerer);
  return time;
}

JoinTraffic JoinRig::One() {
  Exchange& exchange = *exchanges_[0];
  now_ += std::chrono::minutes(1);
  JoinTraffic traffic;
  const auto count = [&] {
    traffic.octets += exchange.datagram.size();
    ++traffic.datagrams;
  };
  Send(exchange);
  count();
  Answer(exchange);
  count();
  Take(exchange);
  count();
  const mikey::v2::Exchange& known = exchange.offerer.exchange();
  const bool has_keys = kind_.joins ? exchange.offerer.has_keys() : !known.tgk.empty();
  Answer(exchange);
  Demand(exchange.event == Answerer::Event::kVerified, "a finish did not verify");
  if (!has_keys) count();
  Acknowledge(exchange);
  return traffic;
}

void JoinRig::Record(Tapes& tapes) {
  now_ += std::chrono::minutes(1);
  const auto step = [&](Tape& tape, void (JoinRig::*what)(Exchange&)) {
    tape.Start();
    (this->*what)(*exchanges_[0]);
    Tape::Stop();
  };
  tapes.ahead.Start();
  MakeAhead(1);
  Tape::Stop();
  step(tapes.offerer, &JoinRig::Send);
  step(tapes.answerer, &JoinRig::Answer);
  step(tapes.offerer, &JoinRig::Take);
  step(tapes.answerer, &JoinRig::Answer);
  step(tapes.offerer, &JoinRig::Acknowledge);
}

}  // namespace keymast::bench
