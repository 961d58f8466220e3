// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/mikeyv2_target_member.h"

namespace keymast::mikey::v2 {
namespace {

Endpoint At(uint16_t port) { return *ParseEndpoint("127.0.0.1:" + std::to_string(port)); }

double SecondsOf(Instant instant) { return static_cast<double>(ToUnixNanos(instant)) / 1e9; }

Profile3gpp ProfileOf(const GroupName& group) {
  Profile3gpp profile;
  profile.prf = PrfFunc::kHmacSha256;
  profile.encr_alg = group.encr;
  profile.mac_alg = MacAlg::kHmacSha256_256;
  return profile;
}

}  // namespace

Json MemberRole::Do(const std::string& what, const Json& order) {
  sent_ = Json::array();
  keys_ = "none";
  if (what == "be member") return Begin(order);
  if (what == "keying") return TakeKeying(NowOf(order));
  if (what == "multicast") return TakeMulticast(NowOf(order));
  if (what == "media") return TakeMedia(NowOf(order));
  if (what == "wait") return Pass(NowOf(order));
  if (what == "leave") return Leave(NowOf(order));
  return nullptr;
}

Json MemberRole::Begin(const Json& order) {
  const GroupName group = GroupOf(order);
  const Profile3gpp profile = ProfileOf(group);
  const Bytes uri = Unhex(order.at("uri"));
  const Bytes self = Unhex(order.at("me"));
  const Bytes psk = Unhex(order.at("psk"));
  to_ = order.at("to").get<uint16_t>();
  rng_ = std::make_unique<crypto::SeededRng>(order.at("seed").get<uint64_t>());
  const auto modes = receiver::ParseJoinModes(order.at("modes").get<std::string>());
  receiver::JoinSetup setup{receiver::JoinPolicy(*modes, profile, false), At(to_),
                            std::string(AsText(uri)), nullptr};
  if (order.contains("credentials")) {
    const Identity me{IdType::kUri, self};
    setup.credentials = std::make_shared<const Credentials>(
        CredentialsOf(order.at("credentials"), me, std::span<const Identity>()));
    setup.by_hash = true;
  }
  receiver::Joiner::Party party{OwnedIdentity({IdType::kUri, self}),
                                crypto::Key32(ByteView(psk)),
                                {group.domain, {group.key_group, KeyNumber(0)}, std::nullopt}};
  if (!order.at("goes_on").get<bool>()) {
    kept_ = {};
    ticket_.reset();
  }
  joiner_ = std::make_unique<receiver::Joiner>(
      crypto::DefaultSuite(), setup, party, receiver::Joiner::Kept{kept_, *this, ticket_, *this});
  std::vector<Ssrc> ssrcs;
  for (const Json& ssrc : order.at("ssrcs")) ssrcs.emplace_back(ssrc.get<uint32_t>());
  receiver::Keyring keyring(crypto::DefaultSuite(), profile, {group.domain, group.key_group},
                            receiver::Credential(), std::span<const receiver::SenderCounter>());
  core_ = std::make_unique<receiver::Core>(std::move(keyring), ssrcs);
  return Pass(NowOf(order));
}

Json MemberRole::TakeKeying(Instant now) {
  uint16_t from = 0;
  const Bytes datagram = TakeDatagram(socket_, from);
  if (Status source = joiner_->CheckSource(datagram, At(from)); !source) return Told(source);
  Bytes out(joiner_->Room());
  const auto step = joiner_->Receive(datagram, now, *rng_, out);
  After(step, out, now);
  return Told(step.status);
}

Json MemberRole::TakeMulticast(Instant now) {
  uint16_t from = 0;
  const Bytes datagram = TakeDatagram(socket_, from);
  if (!datagram.empty() && datagram[0] == kVersion2) {
    joiner_->GroupRekey(datagram, now, *rng_);
    return Told({});
  }
  const auto event = core_->OnMtk(datagram, now, joiner_->reporter().signer());
  if (event) return Told({});
  const auto message = Inspect(datagram);
  if (message && event.error() == Error::kUnknownKey) {
    joiner_->Missing(message->ids.msk.number, now, *rng_);
  }
  return Told(Err(event.error()));
}

Json MemberRole::TakeMedia(Instant now) {
  uint16_t from = 0;
  Bytes datagram = TakeDatagram(socket_, from);
  const auto packet = core_->OnMedia(datagram, now);
  if (packet) {
    joiner_->Opened(packet->msk.number, now);
    joiner_->Uses(core_->keyring().oldest());
    return Told({});
  }
  const auto msk = receiver::NumberUnder(core_->keyring(), datagram, receiver::IsRtcp(datagram));
  if (packet.error() == Error::kUnknownKey && msk) joiner_->Missing(*msk, now, *rng_);
  return Told(Err(packet.error()));
}

Json MemberRole::Pass(Instant until) {
  Bytes out(joiner_->Room());
  while (joiner_->deadline() <= until) {
    // A first join is due from the beginning of time on.
    const Instant now = joiner_->deadline() == Instant::min() ? until : joiner_->deadline();
    out.resize(joiner_->Room());
    After(joiner_->Tick(now, *rng_, out), out, now);
  }
  return Told({});
}

Json MemberRole::Leave(Instant now) {
  joiner_->Leave(now);
  return Pass(now);
}

void MemberRole::After(const receiver::Joiner::Outcome& step, ByteView out, Instant now) {
  if (step.has_keys) {
    const Status taken = core_->OnJoin(joiner_->streams(), joiner_->contents(), now);
    keys_ = NameOf(taken);
    joiner_->Wipe();
    const receiver::MskSlot* newest = core_->keyring().msks().Newest();
    if (taken && newest != nullptr) joiner_->Holds(newest->id, now);
  }
  if (step.send == 0) return;
  sent_.push_back({SecondsOf(now), out[1]});
  socket_.Send(out.first(step.send), to_);
}

bool MemberRole::Keep(const receiver::MemberTs& ts) {
  kept_ = ts;
  return true;
}

bool MemberRole::KeepTicket(const Resumption* ticket) {
  ticket_ = ticket == nullptr ? std::nullopt : std::optional(*ticket);
  return true;
}

Json MemberRole::Told(const Status& status) {
  const receiver::MskSlot* newest = core_->keyring().msks().Newest();
  return {{"status", NameOf(status)},
          {"sent", sent_.size()},
          {"sent_at", sent_},
          {"is_joined", joiner_->is_joined()},
          {"has_left", joiner_->has_left()},
          {"taken", joiner_->reporter().counters().keys},
          {"newest", newest == nullptr ? 0 : newest->id.value()},
          {"keys", keys_},
          {"state", ToHex(core_->keyring().StateHash())}};
}

}  // namespace keymast::mikey::v2
