// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of the fuzz targets of a group's messages:
// make_v2_group_seeds tests/fuzz/corpus
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "mikey/v2/loose_keys.h"
#include "mikey/v2/mtk_signature.h"
#include "tests/fuzz/v2_group_party.h"

namespace keymast::mikey::v2 {
namespace {

using Folder = std::filesystem::path;

void Save(const Folder& folder, const std::string& name, uint8_t choice,
          const std::vector<Bytes>& datagrams) {
  std::filesystem::create_directories(folder);
  Bytes input{choice};
  for (const Bytes& datagram : datagrams) {
    input.push_back(static_cast<uint8_t>(datagram.size() >> 8));
    input.push_back(static_cast<uint8_t>(datagram.size()));
    input.insert(input.end(), datagram.begin(), datagram.end());
  }
  std::ofstream(folder / name, std::ios::binary) << AsText(input);
}

void SaveRekeys(const Folder& folder) {
  const Group group;
  std::vector<Bytes> updates;
  for (const uint32_t epoch : {7u, 5u, 6u, 8u, 9u, 10u}) {
    updates.push_back(group.Write(group.RekeyOf(3, epoch, epoch + 5))[epoch % 3]);
  }
  for (const uint8_t choice : std::initializer_list<uint8_t>{0, 6, 0x5a, 0xfe}) {
    Save(folder, "updates_" + std::to_string(choice), choice, updates);
  }
  Rekey rolling = group.RekeyOf(3);
  rolling.next_signer = &group.next_;
  const auto rolled = group.Write(rolling);
  const auto next = group.Write(group.RekeyOf(1, 6, 11), group.next_);
  Save(folder, "roll", 8, {rolled[0], rolled[1], rolled[2], next[0]});
  Rekey other = group.RekeyOf(0, 1, 10);
  other.head.update.tree_id = kOtherTreeId;
  Rekey far = group.RekeyOf(2, 4 + 65);
  far.before.reset();
  Save(folder, "announced", 0, {group.One(group.RekeyOf(0)), group.One(other), group.One(far)});
  Rekey wrapped = group.RekeyOf();
  wrapped.encr = EncrAlg::kAesKwp256;
  Save(folder, "wrapped", 1, {group.One(wrapped)});
  Contents two;
  two.keys.Add(MskData(kNewMsk));
  two.keys.Add(MskData(kNewMsk));
  Save(folder, "two_keys", 0, {group.ForgeContents(two), group.ForgeContents({})});
}

Bytes ReportOf(ReportKind kind, uint32_t t, ByteView ticket) {
  const Report report{kGroupCsb, kMemberId,
                      kGroupId,  {kGroupDomain, MskId::FromValue(kOldMskId), std::nullopt},
                      t,         {kind, kTreeId, 5, 10, kOldMskId, 1500},
                      ticket,    {}};
  Bytes out(kMaxOneDatagram);
  out.resize(*WriteReport(crypto::DefaultSuite(), report, crypto::Key32(ByteView(kFuzzR)),
                          kFuzzRandOfReport, out));
  return out;
}

void SaveReports(const Folder& folder) {
  const Bytes ticket(40, 1);
  const std::vector<Bytes> reports{
      ReportOf(ReportKind::kAcknowledge, 8, {}), ReportOf(ReportKind::kMissing, 9, ticket),
      ReportOf(ReportKind::kMissing, 9, {}), ReportOf(ReportKind::kLeave, 10, {}),
      ReportOf(ReportKind::kMissing, 11, {})};
  Save(folder, "reports", 0, reports);
  Save(folder, "reports_left", 2, reports);
}

void SaveKeys(const Folder& folder) {
  static const Bytes kMki{0, 7, 0, 1, 0, 1};
  static const Bytes kSalt(12, 0x33);
  static const Bytes kPath{0, 0, 0, 9, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1};
  static const Bytes kFresh(kFreshSize, 0xf5);
  Streams streams;
  streams.policies.Add({3, ProtType::kSrtp, Octets<255>(kGcmParams)});
  CsbSession session;
  session.cs_id = 1;
  session.policy = 3;
  session.ssrc = Ssrc(0xfeedf00d);
  session.has_seq = true;
  session.spi = Octets<kMaxSpi>(kMki);
  streams.sessions.Add(session);
  Contents contents = FuzzPlace();
  contents.keys.clear();
  contents.keys.Add(MskData(kOldMsk));
  contents.keys.Add({KeyDataType::kTreeKey, kNewRoot, {}, {KvType::kSpi, kPath, {}, {}}});
  contents.keys.Add({KeyDataType::kMtk, kNewMsk, kSalt, {KvType::kSpi, kMki, {}, {}}});
  Contents tree;
  tree.keys.Add(contents.keys[1]);
  tree.member = contents.member;
  const crypto::Suite& suite = crypto::DefaultSuite();
  const crypto::Key32 r{ByteView(kFuzzR)};
  const auto binding = BindReport(suite, AsBytes("a report"), kGroupCsb, kFuzzRandOfReport, r);
  for (const uint8_t choice : std::initializer_list<uint8_t>{0, 1, 4}) {
    const EncrAlg encr = (choice & 1) != 0 ? EncrAlg::kAesKwp256 : EncrAlg::kAesCm256;
    const auto answer = [&](const Streams& beside, const Contents& inside, ByteView fresh) {
      Bytes out(kMaxPlain);
      out.resize(*WriteKeysToReport(suite, binding, {encr, kFuzzR, beside, inside, fresh}, out));
      return out;
    };
    const auto unasked = [&](const Streams& beside, const Contents& inside) {
      Bytes out(kMaxPlain);
      out.resize(
          *WriteUnaskedKeys(suite, r, kGroupCsb, 5, {encr, kFuzzR, beside, inside, {}}, out));
      return out;
    };
    Save(folder, "keys_" + std::to_string(choice), choice,
         {answer(streams, contents, {}), answer({}, {}, kFresh), answer({}, tree, {}),
          unasked(streams, contents), unasked({}, tree)});
  }
}

void SaveTick(const Folder& folder) {
  const Group group;
  Profile3gpp profile;
  profile.prf = PrfFunc::kHmacSha256;
  profile.mac_alg = MacAlg::kHmacSha256_256;
  std::vector<TickMessage> tick;
  for (uint16_t i = 1; i <= 3; ++i) {
    const MtkMessage message{{kGroupDomain, {KeyGroup(i), KeyNumber(1)}, MtkId(5)},
                             CsbId(i),
                             41,
                             kNonce,
                             kNewMsk,
                             ByteView(kNewRoot).first(12)};
    tick.push_back({profile, message, kOldMsk});
  }
  const auto signed_ones = WriteSignedMtkMessages(crypto::DefaultSuite(), tick, group.signer_);
  Bytes plain(300);
  plain.resize(*WriteMtkMessage(crypto::DefaultSuite(), profile, tick[0].message, kOldMsk, plain));
  Save(folder, "tick", 0, {(*signed_ones)[0], (*signed_ones)[2], plain});
}

}  // namespace
}  // namespace keymast::mikey::v2

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("make_v2_group_seeds tests/fuzz/corpus\n", stderr), 2;
  const std::filesystem::path root(argv[1]);
  keymast::mikey::v2::SaveRekeys(root / "mikey_v2_group_rekey");
  keymast::mikey::v2::SaveReports(root / "mikey_v2_report");
  keymast::mikey::v2::SaveKeys(root / "mikey_v2_report");
  keymast::mikey::v2::SaveTick(root / "mikey_v2_report");
  return 0;
}
