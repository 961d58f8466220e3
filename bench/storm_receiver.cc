// SPDX-License-Identifier: Apache-2.0
#include "bench/storm_receiver.h"

#include "base/cursor.h"
#include "rekey/messages.h"

namespace keymast::bench {

using mikey::v2::Offerer;

namespace {

constexpr uint8_t kMostFailures = 2;  // of who is not to be let in
constexpr Duration kPause = std::chrono::milliseconds(500);

Duration Part(Duration most, crypto::Rng& rng) {
  std::array<uint8_t, 2> random{};
  rng.Fill(random);
  return most * Reader(random).U16() / 0x10000;
}

}  // namespace

StormReceiver::Step StormReceiver::Open(const World& world, bool by_ticket, Instant now,
                                        MutableBytes out) {
  const bool has_certificate = !certificate_.empty();
  if (has_certificate) credentials_ = StormSite::CredentialsOf(certificate_);
  offerer_ = std::make_unique<Offerer>(
      world.suite, has_certificate ? world.by_certificate : world.by_key, credentials_.get());
  const std::string identity = People::IdentityOf(number_);
  const std::string uri = StormSite::GroupUri();
  const crypto::Key32 key = world.people.KeyOf(number_, false);
  mikey::v2::Wish wish;
  wish.self = {mikey::IdType::kNai, AsBytes(identity)};
  wish.peer = {mikey::IdType::kUri, AsBytes(uri)};
  if (!has_certificate) wish.psk = key.view();
  wish.join.emplace();
  wish.join->domain = world.channel.key_domain;
  wish.join->msk.group = world.channel.key_group;
  by_ticket_ = by_ticket;
  resumes_ = by_ticket && ticket_ != nullptr;
  if (resumes_) wish.resume = ticket_.get();
  const Result<size_t> size = offerer_->Open(wish, now, world.rng, out);
  Demand(size.has_value(), "a receiver makes no CAP");
  if (resumes_) ticket_.reset();  // MIKEYv2 §11: it opens one exchange
  open_at_ = kNever;
  if (first_ == Instant{}) first_ = now;
  return {*size, true};
}

StormReceiver::Step StormReceiver::Receive(const World& world, ByteView octets, Instant now,
                                           MutableBytes out) {
  if (offerer_ == nullptr) return {};
  const size_t send = offerer_->Receive(octets, now, world.rng, out).send;
  // KEYS came; who ends by a timer knows of none.
  finished_ = finished_ || offerer_->state() == Offerer::State::kDone;
  return After(world, send, now);
}

StormReceiver::Step StormReceiver::Tick(const World& world, Instant now, MutableBytes out) {
  if (offerer_ == nullptr) return Open(world, by_ticket_, now, out);
  return After(world, offerer_->Tick(now, world.rng, out).send, now);
}

Instant StormReceiver::due() const { return offerer_ ? offerer_->deadline() : open_at_; }

StormReceiver::Step StormReceiver::After(const World& world, size_t send, Instant now) {
  Step step{send};
  if (!has_keys() && offerer_->has_keys()) {
    keys_at_ = now;
    mode_ = offerer_->exchange().choice.mode;
    resumed_ = resumes_;
    step.has_keys = true;
    step.are_right = AreRight(world);
  }
  const Offerer::State state = offerer_->state();
  if (state == Offerer::State::kDone) {
    const auto& ticket = offerer_->resumption();
    if (ticket && world.people.Of(number_) == Person::kByTicket) {
      ticket_ = std::make_unique<mikey::v2::Resumption>(*ticket);
    }
  }
  if (state != Offerer::State::kDone && state != Offerer::State::kFailed) return step;
  const bool is_entitled = IsEntitled(world.people.Of(number_));
  if (certificate_.empty()) world.spare.push_back(std::move(offerer_));
  offerer_.reset();
  credentials_.reset();
  const bool goes_on = !has_keys() && (is_entitled || ++failures_ < kMostFailures);
  if (goes_on) open_at_ = now + kPause + Part(kPause, world.rng);
  return step;
}

// The MSK in use, and the MTK that the server derives from it.
bool StormReceiver::AreRight(const World& world) const {
  const mikey::v2::Contents& contents = offerer_->contents();
  size_t msks = 0;
  size_t mtks = 0;
  for (const mikey::KeyDataPayload& key : contents.keys) {
    if (key.type == mikey::KeyDataType::kTgk) {
      const bool is_it = msks < contents.msks.size() &&
                         contents.msks[msks].msk == world.msk.id.value() &&
                         Equal(key.key, world.msk.key.view());
      if (!is_it) return false;
      ++msks;
    }
    if (key.type == mikey::KeyDataType::kMtk) {
      Reader spi(key.kv.spi);
      if (spi.U32() != world.msk.id.value()) return false;
      const MtkId id(static_cast<uint16_t>(spi.U16()));
      const rekey::Mtk mtk = rekey::DeriveMtk(world.msk, id, world.channel);
      if (!Equal(key.key, mtk.key.view()) || !Equal(key.salt, mtk.salt.view())) return false;
      ++mtks;
    }
  }
  return msks == 1 && mtks >= 1;
}

void StormReceiver::Reset() {
  std::unique_ptr<mikey::v2::Resumption> ticket = std::move(ticket_);
  *this = StormReceiver(number_, std::move(certificate_));
  ticket_ = std::move(ticket);
}

}  // namespace keymast::bench
