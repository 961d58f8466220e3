// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/controller/world.h"

namespace keymast::controller {

groups::Channel NewsChannel() {
  groups::Channel channel;
  channel.id = kNews;
  channel.display_name = "News";
  channel.multicast.mtk = *ParseEndpoint("239.255.42.1:2269");
  groups::Stream video;
  video.media = "video";
  video.port = 5004;
  video.ssrc = Ssrc(0x11111111);
  video.payload_type = 96;
  video.rtpmap = "H264/90000";
  groups::Stream audio = video;
  audio.media = "audio";
  audio.port = 5006;
  audio.ssrc = Ssrc(0x22222222);
  audio.rtpmap = "opus/48000/2";
  channel.streams = {video, audio};
  channel.key_domain = KeyDomainId{{0x26, 0x2f, 0x01}};
  channel.key_group = KeyGroup(7);
  return channel;
}

groups::Channel OtherChannel() {
  groups::Channel channel = NewsChannel();
  channel.id = ChannelId("other");
  channel.key_group = KeyGroup(9);
  return channel;
}

groups::KeyPolicy FewMtkIds() {
  groups::KeyPolicy policy;
  policy.mtk_period = seconds(2);
  policy.mtk_lead = seconds(1);
  policy.msk_period = seconds(40);
  policy.msk_lead = seconds(10);
  policy.mtk_ids_per_msk = 20;
  return policy;
}

groups::Headend NewHeadend(crypto::Rng& rng) {
  groups::Headend headend;
  headend.id = HeadendId("h");
  headend.public_key = crypto::MakeKeyPair(rng).public_key;
  return headend;
}

Endpoint EndpointOf(int member) {
  Endpoint endpoint = *ParseEndpoint("10.0.0.0:2271");
  endpoint.address[2] = static_cast<uint8_t>(member / 256);
  endpoint.address[3] = static_cast<uint8_t>(member % 256);
  return endpoint;
}

SubscriberId IdOf(int member) { return SubscriberId("s" + std::to_string(member)); }
std::string IdentityOf(int member) { return "s" + std::to_string(member) + "@example.org"; }

crypto::Key32 UserKeyOf(int member) {
  crypto::SeededRng rng(900'000 + static_cast<uint64_t>(member));
  auto key = crypto::Key32::OfSize(16);
  rng.Fill(key.mutable_view());
  return key;
}

Bytes FakeMember::Take(ByteView octets) {
  if (!reachable) return {};
  const Result<mikey::Unverified> message = mikey::Inspect(octets);
  EXPECT_TRUE(message.has_value());
  if (!message) return {};
  if (message->kind == mikey::MessageKind::kMtk) {
    TakeMtk(*message);
    return {};
  }
  if (message->ids.msk == refuses) return {};
  const auto opened = mikey::OpenMsk(crypto::DefaultSuite(), {}, *message, user_key_.view());
  EXPECT_TRUE(opened.has_value());
  EXPECT_GT(message->counter, highest_) << "COUNTER must rise";
  if (!opened) return {};
  highest_ = message->counter;
  msks_[message->ids.msk] = {*opened, Bytes(message->rand.begin(), message->rand.end())};
  last_answer_ = Answer(*message, *opened);
  return answers ? last_answer_ : Bytes{};
}

void FakeMember::TakeMtk(const mikey::Unverified& message) {
  const auto msk = msks_.find(message.ids.msk);
  if (msk == msks_.end() || *message.ids.mtk < msk->second.opened.low) return;
  const auto opened = mikey::OpenMtk(crypto::DefaultSuite(), {}, message,
                                     msk->second.opened.msk.view(), msk->second.rand);
  EXPECT_TRUE(opened.has_value());
  if (opened) mtks_[{message.ids.msk, *message.ids.mtk}] = *opened;
}

Bytes FakeMember::Answer(const mikey::Unverified& message, const mikey::OpenedMsk& opened) {
  const std::string identity = IdentityOf(number_);
  mikey::Verification answer = mikey::VerificationOf(message, opened);
  answer.idr = AsBytes(identity);
  Bytes octets(600);
  const auto size =
      mikey::WriteVerification(crypto::DefaultSuite(), {}, answer, user_key_.view(), octets);
  EXPECT_TRUE(size.has_value());
  octets.resize(size.value_or(0));
  return octets;
}

World::World(uint64_t seed, rekey::State state, mikey::Profile3gpp with, KeyingConfig with_keying,
             AuditConfig with_audit)
    : profile(with),
      keying(std::move(with_keying)),
      audit(std::move(with_audit)),
      rng(std::make_unique<crypto::SeededRng>(seed)),
      core(std::make_unique<Controller>(Config{std::string(kServer), profile, keying, audit}, state,
                                        *rng, crypto::DefaultSuite())),
      durable(std::move(state)) {
  Deliver(core->Start(now, false));
}

Reply World::Do(const Command& command, const Asker& by) {
  Step step;
  const auto reply = core->Do(command, now, false, step, by);
  EXPECT_TRUE(reply.has_value()) << (reply ? "" : reply.error().message);
  Deliver(std::move(step));
  return reply.value_or(Reply{});
}

Failure World::Refused(const Command& command, const Asker& by) {
  Step step;
  auto reply = core->Do(command, now, false, step, by);
  EXPECT_FALSE(reply.has_value());
  EXPECT_TRUE(step.changes.empty() && step.datagrams.empty() && step.events.empty());
  return reply ? Failure{} : reply.error();
}

void World::MakeChannel(const groups::KeyPolicy& policy) {
  groups::Channel channel = NewsChannel();
  channel.policy = policy;
  Do(CreateChannel{channel});
}

void World::AddMembers(int first, int last, bool join) {
  CreateSubscribers subscribers;
  CreateMembers create{kNews, {}};
  for (int i = first; i <= last; ++i) {
    members.try_emplace(i, FakeMember(i));
    subscribers.subscribers.push_back({IdOf(i), IdentityOf(i), UserKeyOf(i)});
    NewMember member;
    member.member.subscriber = IdOf(i);
    member.member.msk_endpoint = EndpointOf(i);
    member.join = join;
    create.members.push_back(member);
  }
  Do(subscribers);
  Do(create);
}

void World::SpendMtkIds() {
  for (int i = 0; i < 12; ++i) {
    Do(RekeyNow{kNews, rekey::KeyLevel::kMtk});
    Pass(milliseconds(1100));
  }
}

int World::MemberAt(const Endpoint& endpoint) const {
  return endpoint.address[2] * 256 + endpoint.address[3];
}

void World::Deliver(Step step) {
  for (const rekey::Change& change : step.changes) {
    rekey::Apply(durable, change);
    changes.push_back(change);
  }
  const auto news = core->state().channels.find(kNews);
  if (news != core->state().channels.end()) {
    const rekey::Slot active = *news->second.ladder.active;
    if (used.empty() || used.back().msk != active.msk || used.back().mtk != active.mtk) {
      used.push_back(active);
    }
  }
  boxes.insert(boxes.end(), step.headend_keys.begin(), step.headend_keys.end());
  events.insert(events.end(), step.events.begin(), step.events.end());
  for (const Datagram& datagram : step.datagrams) {
    if (datagram.octets[0] == mikey::kVersion2) {
      of_version2.push_back(datagram);
      continue;
    }
    const Result<mikey::Unverified> seen = mikey::Inspect(datagram.octets);
    ASSERT_TRUE(seen.has_value());
    sent.push_back({now, datagram.to, datagram.octets, seen->kind, seen->counter, seen->ids.msk,
                    seen->ids.mtk.value_or(MtkId(0)), datagram.due, !step.changes.empty()});
    if (datagram.to.IsMulticast()) {
      for (auto& [number, member] : members) member.Take(datagram.octets);
      continue;
    }
    const auto member = members.find(MemberAt(datagram.to));
    if (member == members.end()) continue;
    const Bytes answer = member->second.Take(datagram.octets);
    if (!answer.empty()) Deliver(core->OnDatagram(datagram.to, answer, now));
  }
}

void World::PassUntil(Instant instant) {
  while (core->NextDeadline() <= instant) {
    const Instant before = now;
    now = std::max(now, core->NextDeadline());
    Deliver(core->Tick(now));
    if (anticipates) core->Anticipate();
    ASSERT_GT(core->NextDeadline(), now) << "a deadline must not stand still";
    ASSERT_GE(now, before);
  }
  now = instant;
}

void World::Restart(Duration down, bool new_incarnation) {
  now += down;
  core = std::make_unique<Controller>(Config{std::string(kServer), profile, keying, audit, ahead},
                                      durable, *rng, crypto::DefaultSuite());
  Deliver(core->Start(now, new_incarnation));
}

Step World::Report(const HeadendReport& report) {
  Step step = core->OnHeadendReport(report, now);
  Deliver(step);
  return step;
}

void World::Connect(const HeadendId& headend) { Deliver(core->OnHeadendConnected(headend, now)); }

void World::Disconnect(const HeadendId& headend) {
  Deliver(core->OnHeadendDisconnected(headend, now));
}

std::vector<Sent> World::MtksOf(MskId msk, MtkId mtk) const {
  std::vector<Sent> found;
  for (const Sent& one : sent) {
    if (one.kind == mikey::MessageKind::kMtk && one.msk == msk && one.mtk == mtk) {
      found.push_back(one);
    }
  }
  return found;
}

std::vector<Sent> World::MsksTo(int member) const {
  std::vector<Sent> found;
  for (const Sent& one : sent) {
    if (one.to == EndpointOf(member)) found.push_back(one);
  }
  return found;
}

size_t World::CountOf(Event::Kind kind) const {
  return static_cast<size_t>(std::count_if(events.begin(), events.end(),
                                           [&](const Event& event) { return event.kind == kind; }));
}

}  // namespace keymast::controller
