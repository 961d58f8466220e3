// SPDX-License-Identifier: Apache-2.0
// A receiver of libkeymast-receiver-full, and a controller that takes its REPORTs.
#pragma once

#include "mikey/v2/loose_keys.h"
#include "mikey/v2/report.h"
#include "tests/unit/mikey/v2_tickets.h"
#include "tests/unit/receiver/library_world.h"

namespace keymast::receiver::library {

using mikey::v2::Mode;
using mikey::v2::ReportKind;

inline const std::string kUri = "mikey://bc.example.org/one";
inline const mikey::Identity kSelf{mikey::IdType::kNai, AsBytes(kMember)};
inline const mikey::Identity kGroup{mikey::IdType::kUri, AsBytes(kUri)};

inline uint8_t TypeOf(const Bytes& datagram) { return datagram.at(1); }
inline constexpr uint8_t kReport = 254;
inline constexpr uint32_t kSigned = 1u << 3;  // feature 3

// Members is a controller's view of the one member.
class Members : public mikey::v2::ReportDirectory {
 public:
  bool Serves(const mikey::v2::Report& report) const override { return report.group == kGroup; }
  const crypto::Key32* ReportKeyOf(const mikey::v2::Report&) const override { return &r_; }
  uint32_t LastT(const mikey::v2::Report&) const override { return last_t_; }
  Status CheckTicket(const mikey::v2::Report&) const override { return {}; }
  Status CheckMember(const mikey::v2::Report&) const override { return {}; }
  void Take(const mikey::v2::Report& report) override { last_t_ = report.t; }

  crypto::Key32 r_ = mikey::v2::ReportKey(
      crypto::DefaultSuite(),
      mikey::v2::PskV2(crypto::DefaultSuite(), kUserKey, kSelf, kGroup).view());
  uint32_t last_t_ = 0;
};

// FullWorld answers REPORTs as well.
class FullWorld : public LibraryWorld {
 public:
  explicit FullWorld(std::initializer_list<Mode> served = {Mode::kPsk}, bool needs_dh = false)
      : LibraryWorld(3, false, keymast_crypto_openssl()) {
    policy_.modes.clear();
    for (const Mode mode : served) policy_.modes.Add(static_cast<uint8_t>(mode));
    keymast_receiver_wipe(context_.get());
    member_.needs_dh = needs_dh ? 1 : 0;
    EXPECT_EQ(Start(), KEYMAST_OK);
    server_.features_ = 0xffffffff & ~kSigned;
    group_ = &server_.Add(kUri);
    answerer_.use_tickets(&tickets_);
  }
  Done JoinAndSettle() {
    EXPECT_EQ(Join(0, kUri), KEYMAST_OK);
    return Settle();
  }

  // Read a REPORT as its controller does.
  std::optional<mikey::v2::ReportTaker::Taken> Read(const Bytes& datagram) {
    auto taken = taker_.Receive(datagram);
    if (!taken) return std::nullopt;
    return *taken;
  }
  // JoinAndAsk joins, misses MSK 2, and reads the REPORT that asks for it.
  std::optional<mikey::v2::ReportTaker::Taken> JoinAndAsk() {
    if (JoinAndSettle().joined.size() != 1) return std::nullopt;
    group_->msk.number = KeyNumber(2);
    MissFor(0, group_->Mki(1));
    return Read(NextReport());
  }
  mikey::v2::KeysContent ContentOf(const mikey::v2::Streams& streams,
                                   const mikey::v2::Contents& contents) {
    return {mikey::EncrAlg::kAesCm256, rand_, streams, contents, {}};
  }
  Bytes KeysTo(const mikey::v2::ReportBinding& binding, bool with_keys) {
    const mikey::v2::Grant grant = server_.GrantOf(*group_);
    const mikey::v2::Contents none;
    const mikey::v2::Streams no_streams;
    Bytes out(1232);
    const auto size = WriteKeysToReport(
        crypto::DefaultSuite(), binding,
        with_keys ? ContentOf(grant.streams, grant.contents) : ContentOf(no_streams, none), out);
    out.resize(size.value());
    return out;
  }
  Bytes UnaskedKeys(uint32_t t) {
    const mikey::v2::Grant grant = server_.GrantOf(*group_);
    Bytes out(1232);
    const auto size = WriteUnaskedKeys(crypto::DefaultSuite(), members_.r_, group_->csb, t,
                                       ContentOf(grant.streams, grant.contents), out);
    out.resize(size.value());
    return out;
  }
  // The REPORT that is sent when its time has come.
  Bytes NextReport() {
    now_ = deadline();
    EXPECT_EQ(Tick(), KEYMAST_OK);
    const Done done = Take();
    EXPECT_EQ(done.kinds, (std::vector{KEYMAST_PERSIST, KEYMAST_SEND}));
    return done.sent.empty() ? Bytes(2) : done.sent[0];
  }

  mikey::v2::SealedTickets tickets_;
  Members members_;
  mikey::v2::ReportTaker taker_{crypto::DefaultSuite(), members_, rng_};
  Group* group_ = nullptr;
  Bytes rand_ = Bytes(32, 0x77);
};

}  // namespace keymast::receiver::library
