// SPDX-License-Identifier: Apache-2.0
// Any datagrams at a controller that takes REPORTs, and at a member that takes the KEYS outside of
// an exchange and signed MTK messages, behind MAC and signature: what is refused changes nothing.
#include "mikey/v2/loose_keys.h"
#include "mikey/v2/mtk_signature.h"
#include "mikey/v2/report.h"
#include "tests/fuzz/v2_group_party.h"

namespace {

using namespace keymast;
using namespace keymast::mikey;
using namespace keymast::mikey::v2;

class FuzzMembers : public ReportDirectory {
 public:
  explicit FuzzMembers(bool has_left) : has_left_(has_left) {}
  bool Serves(const Report& report) const override { return report.csb_id == kGroupCsb; }
  const crypto::Key32* ReportKeyOf(const Report& report) const override {
    return report.member == kMemberId ? &r_ : nullptr;
  }
  uint32_t LastT(const Report&) const override { return t_; }
  Status CheckTicket(const Report& report) const override {
    return report.ticket[0] == 0 ? Status(Err(Error::kOutsideInterval)) : Status();
  }
  Status CheckMember(const Report&) const override {
    return has_left_ ? Status(Err(Error::kNotEntitled)) : Status();
  }
  void Take(const Report& report) override {
    KEYMAST_CHECK(report.t > t_ && !has_left_);
    t_ = report.t;
    has_left_ = report.body.kind == ReportKind::kLeave;
  }
  uint32_t t_ = 7;

 private:
  bool has_left_;
  const crypto::Key32 r_{ByteView(kFuzzR)};
};

// WrittenAgain: what KEYS brought can be written, and is taken as the same.
void WriteAgain(const crypto::Suite& suite, const GroupName& group, const TakenKeys& taken) {
  const crypto::Key32 r{ByteView(kFuzzR)};
  const KeysContent content{group.encr, kFuzzR, taken.streams(), taken.contents(), taken.fresh()};
  Bytes out(8192);
  const auto size = WriteUnaskedKeys(suite, r, group.csb_id, 9, content, out);
  if (!size) return;  // streams of more policies than a map that we write has
  TakenKeys again;
  const Status opened = OpenUnaskedKeys(suite, ByteView(out).first(*size), r, 8, group, again);
  KEYMAST_CHECK(opened.has_value());
  KEYMAST_CHECK(again.contents().keys.size() == taken.contents().keys.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const crypto::Suite suite = FuzzSuite();
  GroupName group = kGroupName;
  if ((data[0] & 1) != 0) group.encr = EncrAlg::kAesKwp256;
  FuzzMembers members((data[0] & 2) != 0);
  crypto::SeededRng rng(kFuzzSeed);
  ReportTaker taker(suite, members, rng);
  const crypto::Key32 r{ByteView(kFuzzR)};
  const auto binding = BindReport(suite, AsBytes("a report"), kGroupCsb, kFuzzRandOfReport, r);
  FakeTree tree;
  RekeyReader reader(suite, group, tree);
  KEYMAST_CHECK(reader.Install(FuzzPlace(), true).has_value());
  const auto verifier = crypto::PublicKey::FromEd25519(kFuzzPublicKey);
  Profile3gpp profile;
  profile.prf = PrfFunc::kHmacSha256;
  profile.mac_alg = MacAlg::kHmacSha256_256;
  ForEachDatagram(ByteView(data + 1, size - 1), [&](ByteView datagram) {
    const uint32_t t = members.t_;
    if (!taker.Receive(datagram)) KEYMAST_CHECK(members.t_ == t);
    TakenKeys answer;
    if (OpenKeysToReport(suite, datagram, binding, group, answer)) {
      WriteAgain(suite, group, answer);
    } else {
      KEYMAST_CHECK(answer.contents().keys.empty());
    }
    TakenKeys unasked;
    if (OpenUnaskedKeys(suite, datagram, r, 4, group, unasked)) {
      KEYMAST_CHECK(unasked.t() > 4);
      const bool may = reader.CheckInstall(unasked.contents(), (data[0] & 4) != 0).has_value();
      KEYMAST_CHECK(reader.Install(unasked.contents(), (data[0] & 4) != 0).has_value() == may);
    }
    if (const auto inspected = Inspect(datagram);
        inspected && inspected->kind == MessageKind::kMtk) {
      const auto opened =
          OpenSignedMtk(suite, profile, *inspected, kOldMsk, kNonce, {1, *verifier});
      KEYMAST_CHECK(!opened || opened->key.size() >= 16);
    }
  });
  return 0;
}
