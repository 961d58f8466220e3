// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/mikeyv2_target_server.h"

namespace keymast::mikey::v2 {
namespace {

const ChannelId kOneChannel{"one"};

Endpoint At(uint16_t port) { return *ParseEndpoint("127.0.0.1:" + std::to_string(port)); }

Rate RateOf(const Json& rate) {
  return {rate.at(0).get<uint32_t>(), std::chrono::milliseconds(rate.at(1).get<int>())};
}

groups::Channel ChannelWith(size_t streams) {
  groups::Channel channel;
  channel.id = kOneChannel;
  channel.display_name = "One";
  channel.multicast.mtk = *ParseEndpoint("239.255.42.1:2269");
  channel.key_domain = KeyDomainId{{1, 2, 3}};
  channel.key_group = KeyGroup(7);
  for (size_t i = 0; i < streams; ++i) {
    groups::Stream stream;
    stream.media = "video";
    stream.port = static_cast<uint16_t>(5004 + 2 * i);
    stream.ssrc = Ssrc(static_cast<uint32_t>(0x11110000 + i));
    stream.payload_type = 96;
    stream.rtpmap = "H264/90000";
    channel.streams.push_back(stream);
  }
  return channel;
}

uint64_t SumOf(const controller::Counters& counters, size_t reason) {
  return counters.keying.discards[reason] + counters.reports.discards[reason];
}

// DiscardedSince tells why: nothing, or one reason.
Status DiscardedSince(const controller::Counters& before, const controller::Counters& counters) {
  for (size_t reason = 0; reason < kErrorCount; ++reason) {
    if (SumOf(counters, reason) > SumOf(before, reason)) return Err(static_cast<Error>(reason));
  }
  return {};
}

}  // namespace

Json ServerRole::Do(const std::string& what, const Json& order) {
  sent_.clear();
  if (order.contains("now") && what != "pass") now_ = NowOf(order);
  if (what == "server") return Begin(order);
  if (what == "serve") return Take(order);
  if (what == "pass") return Pass(order);
  if (what == "restart") return Restart(order);
  if (what == "new msk") {
    return Command(controller::RekeyNow{kOneChannel, rekey::KeyLevel::kMsk}, NowOf(order));
  }
  if (what == "expel") {
    return Command(controller::Expel{kOneChannel, {SubscriberId(order.at("who"))}}, NowOf(order));
  }
  if (what == "add") return Add(order);
  if (what == "renew") {
    Command(controller::DeleteSubscribers{{SubscriberId(order.at("who"))}, true}, NowOf(order));
    return Add(order);
  }
  if (what == "keep") return Keep();
  if (what == "freeze") {
    core_->Freeze(true, NowOf(order));
    return Told({});
  }
  return nullptr;
}

Json ServerRole::Begin(const Json& order) {
  Profile3gpp& profile = config_.profile;
  profile.prf = PrfFunc::kHmacSha256;
  profile.encr_alg = EncrAlg::kAesCm256;
  profile.mac_alg = MacAlg::kHmacSha256_256;
  config_.identity = "server@example.org";
  config_.keying = {};
  config_.keying.policy = Policy::OfGroup(profile);
  for (const uint8_t mode : std::array<uint8_t, 3>{6, 4, 1}) config_.keying.policy.modes.Add(mode);
  config_.keying.authority = "example.org";
  config_.keying.exchanges = 64;
  config_.keying.waiting = 16;
  if (order.contains("strangers")) config_.keying.strangers = RateOf(order.at("strangers"));
  if (order.contains("address")) config_.keying.address = RateOf(order.at("address"));
  durable_ = {};
  Start(NowOf(order), false);
  Command(controller::CreateChannel{ChannelWith(order.at("streams").get<size_t>())}, NowOf(order));
  return Told({});
}

// Add a subscriber, where there is none of that name, and its membership.
Json ServerRole::Add(const Json& order) {
  const SubscriberId id(order.at("who"));
  const Instant now = NowOf(order);
  if (!durable_.subscribers.contains(id)) {
    const Bytes psk = Unhex(order.at("psk"));
    const std::string identity = id.value + "@example.org";
    Command(controller::CreateSubscribers{{{id, identity, crypto::Key32(ByteView(psk))}}}, now);
  }
  controller::NewMember member;
  member.member.subscriber = id;
  member.member.msk_endpoint = At(1);
  if (order.contains("until")) {
    member.member.entitled_until = NowOf(Json{{"now", order.at("until")}});
  }
  return Command(controller::CreateMembers{kOneChannel, {member}}, now);
}

Json ServerRole::Keep() {
  kept_ = durable_;
  return Told({});
}

void ServerRole::Start(Instant now, bool has_lost) {
  core_ = std::make_unique<controller::Controller>(config_, durable_, rng_, crypto::DefaultSuite());
  Release(core_->Start(now, has_lost));
}

Json ServerRole::Command(const controller::Command& command, Instant now) {
  controller::Step step;
  const auto reply = core_->Do(command, now, false, step);
  KEYMAST_CHECK(reply.has_value());
  Release(step);
  return Told({});
}

Json ServerRole::Take(const Json& order) {
  uint16_t from = 0;
  const Bytes datagram = TakeDatagram(socket_, from);
  const controller::Counters before = core_->counters();
  const Instant now = NowOf(order);
  Release(core_->OnDatagram(At(from), datagram, now));
  while (core_->Waiting() > 0) Release(core_->Serve(now));
  return Told(DiscardedSince(before, core_->counters()));
}

Json ServerRole::Pass(const Json& order) {
  const Instant until = NowOf(order);
  while (core_->NextDeadline() <= until) {
    now_ = std::max(now_, core_->NextDeadline());
    Release(core_->Tick(now_));
  }
  return Told({});
}

Json ServerRole::Restart(const Json& order) {
  const bool has_lost = order.at("has_lost").get<bool>();
  if (has_lost) durable_ = kept_;
  Start(NowOf(order), has_lost);
  return Told({});
}

void ServerRole::Release(const controller::Step& step) {
  for (const rekey::Change& change : step.changes) rekey::Apply(durable_, change);
  for (const controller::Datagram& datagram : step.datagrams) {
    if (datagram.octets[0] != kVersion2 || datagram.to.IsMulticast()) continue;
    sent_.push_back(datagram.to.port);
    socket_.Send(datagram.octets, datagram.to.port);
  }
}

Json ServerRole::Told(const Status& status) const {
  Json members = Json::object();
  for (const auto& [name, member] : durable_.channels.at(kOneChannel).members) {
    members[name.value] = {{"holds", member.HoldsKeys()},
                           {"joined", member.joined},
                           {"at", member.msk_endpoint.port},
                           {"t", member.report_t}};
  }
  return {{"status", NameOf(status)},
          {"sent", sent_.size()},
          {"to", sent_},
          {"joined", core_->JoinedCount(kOneChannel)},
          {"msk", durable_.channels.at(kOneChannel).ladder.msk->id.value()},
          {"members", members}};
}

}  // namespace keymast::mikey::v2
