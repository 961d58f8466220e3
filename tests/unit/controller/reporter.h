// SPDX-License-Identifier: Apache-2.0
// A member that reports, and a world that it reports to.
#pragma once

#include "mikey/v2/loose_keys.h"
#include "tests/unit/controller/joiner.h"

namespace keymast::controller {

using mikey::KeyDataType;
using mikey::v2::GroupName;
using mikey::v2::ReportKind;

inline constexpr uint32_t kReports = 1U << 6;
inline constexpr std::array<uint8_t, mikey::v2::kTreeIdSize> kNoTree{};

// Reporter is a member that has joined, with its R.
struct Reporter : Receiver {
  Reporter(World& in, int member, uint32_t features = kReports)
      : Receiver(in, member, Mode::kPsk, features) {}

  void Join() {
    Run();
    ASSERT_EQ(state(), mikey::v2::Offerer::State::kDone);
    TakeStanding();
  }
  // JoinUnfinished has keys by the answer, and sends no finish.
  void JoinUnfinished() {
    finish = Take(Ask(Cap()));
    ASSERT_EQ(state(), mikey::v2::Offerer::State::kAnswered);
    TakeStanding();
  }
  void TakeStanding() {
    const mikey::v2::Contents& contents = offerer.contents();
    name = {world.channel().channel.key_domain, KeyGroup(7), *contents.csb_id,
            world.profile.encr_alg};
    held = MskId::FromValue(contents.msks[0].msk);
    t = contents.member->report_t;
    keys_t = contents.member->keys_t;
    const mikey::Identity self{mikey::IdType::kNai, AsBytes(identity)};
    const mikey::Identity channel{mikey::IdType::kUri, AsBytes(kNewsUri)};
    r = mikey::v2::ReportKey(
        crypto::DefaultSuite(),
        mikey::v2::PskV2(crypto::DefaultSuite(), key.view(), self, channel).view());
  }

  Bytes Write(ReportKind kind, std::optional<mikey::v2::Digest> told_by = {}) {
    mikey::v2::Report report;
    report.csb_id = name.csb_id;
    report.member = {mikey::IdType::kNai, AsBytes(identity)};
    report.group = {mikey::IdType::kUri, AsBytes(uri)};
    report.ids = {name.domain, {name.key_group, KeyNumber(0)}, std::nullopt};
    report.t = ++t;
    report.body = {kind, kNoTree, 0, 0, held.value(), 10};
    report.ticket = ticket;
    std::array<uint8_t, mikey::v2::kRandOctets> rand{};
    world.rng->Fill(rand);
    if (told_by) rand = *told_by;
    Bytes out(mikey::v2::kMaxOneDatagram);
    const auto size = mikey::v2::WriteReport(crypto::DefaultSuite(), report, r, rand, out);
    EXPECT_TRUE(size.has_value());
    out.resize(size.value_or(0));
    binding = mikey::v2::BindReport(crypto::DefaultSuite(), out, name.csb_id, rand, r);
    return out;
  }

  // WriteBare leaves PADDING out.
  Bytes WriteBare(ReportKind kind) {
    const Bytes padded = Write(kind);
    mikey::Message message;
    EXPECT_TRUE(ParseMessage(padded, message).has_value());
    Bytes out(padded.size());
    mikey::ChainWriter chain(out, message.header);
    for (const mikey::Payload& payload : message.chain()) {
      if (std::holds_alternative<mikey::PaddingPayload>(payload)) continue;
      std::visit([&chain](const auto& p) { chain.Add(p); }, payload);
    }
    mikey::v2::Protection protection;
    protection.inkey = r.view();
    protection.csb_id = name.csb_id;
    protection.type = mikey::DataType::kReport;
    protection.rand_i = binding.rand.view();
    mikey::v2::ComputeMac(crypto::DefaultSuite(), protection, chain.Head(32), chain.Tail(32));
    out.resize(chain.size());
    return out;
  }
  // Acknowledge what KEYS brought, as a member does that got them.
  Bytes Acknowledge(const Bytes& keys) {
    held = NewestTaken();
    return Ask(Write(ReportKind::kAcknowledge, crypto::Sha256(keys)));
  }
  // Report sends one and returns whether KEYS came that open.
  bool Report(ReportKind kind) { return Open(Ask(Write(kind))); }
  bool Open(const Bytes& keys) {
    return mikey::v2::OpenKeysToReport(crypto::DefaultSuite(), keys, binding, name, taken)
        .has_value();
  }
  Status OpenUnasked(const Bytes& keys) {
    Status opened =
        mikey::v2::OpenUnaskedKeys(crypto::DefaultSuite(), keys, r, keys_t, name, taken);
    if (opened) keys_t = taken.t();
    return opened;
  }
  MskId NewestTaken() const { return MskId::FromValue(taken.contents().msks.view().back().msk); }

  std::string uri{kNewsUri};
  Bytes finish;  // of JoinUnfinished
  GroupName name;
  crypto::Key32 r;
  Bytes ticket;
  uint32_t t = 0;
  uint32_t keys_t = 0;
  MskId held;
  mikey::v2::ReportBinding binding;
  mikey::v2::TakenKeys taken;
};

struct Reporting : testing::Test {
  explicit Reporting(const KeyingConfig& keying = KeyingWith()) : world(1, {}, {}, keying) {
    groups::KeyPolicy policy;
    policy.mtk_period = seconds(10);
    world.MakeChannel(policy);
    world.AddMembers(1, 3, false);
    world.members.clear();
  }
  const groups::Member& MemberOf(int member) const {
    return world.channel().members.at(IdOf(member));
  }
  const groups::Member& Durable(int member) const {
    return world.durable.channels.at(kNews).members.at(IdOf(member));
  }
  const ReportCounters& counters() const { return world.core->counters().reports; }
  uint64_t Discarded(Error reason) const {
    return counters().discards[static_cast<size_t>(reason)];
  }
  // NewMsk lets the next MSK take over.
  void NewMsk() {
    const MskId before = world.ladder().msk->id;
    world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
    while (world.ladder().msk->id == before) world.Pass(seconds(1));
  }
  // KeysTo a member that nobody asked for, since `from`.
  std::vector<Bytes> KeysTo(int member, size_t from) const {
    std::vector<Bytes> found;
    for (size_t i = from; i < world.of_version2.size(); ++i) {
      if (world.of_version2[i].to == EndpointOf(member))
        found.push_back(world.of_version2[i].octets);
    }
    return found;
  }
  World world;
};

}  // namespace keymast::controller
