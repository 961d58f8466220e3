// SPDX-License-Identifier: Apache-2.0
// What the doctor says of a core in each state.
#include "receiver/doctor.h"

#include "tests/unit/receiver/broadcast.h"

namespace keymast::receiver {
namespace {

class Doctor : public testing::Test {
 protected:
  Step Msk() const { return JudgeMsk(core_, listen_); }
  Step Mtk() const { return JudgeMtk(core_, mtk_); }
  void GiveMskMessage() { ASSERT_TRUE(GiveMsk(core_, server_.MskMessage(msk_))); }
  void GiveMtkMessage() { ASSERT_TRUE(core_.OnMtk(server_.MtkMessage(msk_, 1), At(0))); }
  Headend MakeHeadend(uint32_t roc, uint16_t mtk) {
    Headend headend(server_, kVideo, srtp::MakeIndex(Roc(roc), 5));
    headend.SwitchTo(msk_, mtk);
    return headend;
  }

  const MskId msk_ = receiver::Msk(1);
  const Endpoint listen_ = *ParseEndpoint("127.0.0.1:2271");
  const Endpoint mtk_ = *ParseEndpoint("239.255.42.1:2269");
  KeyServer server_;
  Core core_ = server_.MakeCore();
};

void ExpectFailed(const Step& step, std::string_view advice) {
  EXPECT_EQ(step.result, StepResult::kFailed);
  EXPECT_NE(step.advice.find(advice), std::string::npos) << step.advice;
}

TEST_F(Doctor, Clock) {
  EXPECT_EQ(CheckClock(At(0)).result, StepResult::kGood);
  ExpectFailed(CheckClock(FromUnixNanos(0)), "NTP");
  ExpectFailed(CheckClock(FromUnixNanos(5'000'000'000'000'000'000)), "NTP");
}

TEST_F(Doctor, NoMsk) {
  ExpectFailed(Msk(), "127.0.0.1:2271");
  EXPECT_EQ(Msk().finding, "nothing came");
}

TEST_F(Doctor, MskUnderAnotherUserKey) {
  server_.user_key = KeyOf(9);
  static_cast<void>(GiveMsk(core_, server_.MskMessage(msk_)));
  ExpectFailed(Msk(), "another user key");
  EXPECT_NE(Msk().finding.find("1 authentication_failed"), std::string::npos);
}

TEST_F(Doctor, MskForAnotherIdentityOrChannel) {
  KeyServer other = server_;
  other.domain = {{9, 9, 9}};
  static_cast<void>(GiveMsk(core_, other.MskMessage(msk_)));
  ExpectFailed(Msk(), "another channel");
  other = server_;
  other.idr = "two@example.org";
  static_cast<void>(GiveMsk(core_, other.MskMessage(msk_)));
  ExpectFailed(Msk(), "--identity");
}

TEST_F(Doctor, MskGood) {
  GiveMskMessage();
  EXPECT_EQ(Msk().result, StepResult::kGood);
}

TEST_F(Doctor, NoMtk) {
  GiveMskMessage();
  ExpectFailed(Mtk(), "239.255.42.1:2269");
  static_cast<void>(core_.OnMtk(server_.MtkMessage(receiver::Msk(2), 1), At(0)));
  ExpectFailed(Mtk(), "not (or no longer) entitled");
}

TEST_F(Doctor, MtkOutsideTheInterval) {
  server_.high = MtkId(3);
  GiveMskMessage();
  static_cast<void>(core_.OnMtk(server_.MtkMessage(msk_, 4), At(0)));
  ExpectFailed(Mtk(), "interval");
}

TEST_F(Doctor, NoPackets) {
  GiveMskMessage();
  GiveMtkMessage();
  EXPECT_EQ(Mtk().result, StepResult::kGood);
  ExpectFailed(JudgeMki(core_), "is the headend sending");
}

TEST_F(Doctor, PacketsUnderUnknownKeys) {
  GiveMskMessage();
  GiveMtkMessage();
  Headend headend = MakeHeadend(0, 2);
  static_cast<void>(GiveMedia(core_, headend.Send(), At(0)));
  ExpectFailed(JudgeMki(core_), "expelled");
}

TEST_F(Doctor, TheRocIsWrong) {
  GiveMskMessage();
  GiveMtkMessage();
  Headend headend = MakeHeadend(7, 1);
  static_cast<void>(GiveMedia(core_, headend.Send(), At(0)));
  EXPECT_EQ(JudgeMki(core_).result, StepResult::kGood);
  ExpectFailed(JudgeRoc(core_), "ROC");
}

TEST_F(Doctor, AllGood) {
  GiveMskMessage();
  GiveMtkMessage();
  Headend headend = MakeHeadend(0, 1);
  ASSERT_TRUE(GiveMedia(core_, headend.Send(), At(0)));
  EXPECT_EQ(JudgeMki(core_).result, StepResult::kGood);
  EXPECT_EQ(JudgeRoc(core_).result, StepResult::kGood);
}

}  // namespace
}  // namespace keymast::receiver
