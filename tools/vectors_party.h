// SPDX-License-Identifier: Apache-2.0
// The two parties of the published runs of MIKEY version 1.
#pragma once

#include <optional>

#include "mikey/initiator.h"
#include "mikey/responder.h"
#include "tools/fixtures.h"

namespace keymast::tools {

// When the runs happen: no certificate is judged by the time of who runs this.
inline constexpr Instant kVectorTime{std::chrono::seconds(1'800'000'000)};

// OnePeer is the directory of a party that knows one other.
class OnePeer final : public mikey::Directory {
 public:
  explicit OnePeer(const Fixture& peer);

  const crypto::SecretKey<mikey::kMaxSharedKey>* SharedWith(
      const mikey::Identity& peer) const override;
  Result<crypto::PublicKey> SigningKeyOf(const mikey::Identity& peer,
                                         std::span<const ByteView> chain,
                                         Instant now) const override;
  Result<crypto::PublicKey> EnvelopeKeyOf(const mikey::Identity& peer,
                                          std::span<const ByteView> chain,
                                          Instant now) const override;
  bool CounterIsNew(const mikey::Identity&, uint32_t counter) const override;
  void TakeCounter(const mikey::Identity&, uint32_t counter) override { counter_ = counter; }
  mikey::Session* Find(CsbId csb_id, const mikey::Identity&) override;
  bool Takes(const mikey::CsbPolicy&) const override { return takes_policies; }
  std::span<const mikey::CsbPolicy> Supported() const override { return supported; }
  Result<mikey::Grant> GrantTo(const mikey::Identity&, const mikey::Csb&) override;

  crypto::SecretKey<mikey::kMaxSharedKey> shared;  // empty: none
  std::optional<mikey::Session> session;
  std::optional<mikey::Grant> grant;
  bool takes_policies = true;
  std::span<const mikey::CsbPolicy> supported;

 private:
  mikey::Identity peer_;
  Bytes certificate_;
  crypto::TrustStore trust_;
  uint32_t counter_ = 0;
};

// VectorParty is one side with all that it borrows.
struct VectorParty {
  VectorParty(const Fixture& own, const Fixture& peer, const mikey::V1Policy& how);
  VectorParty(const VectorParty&) = delete;
  VectorParty& operator=(const VectorParty&) = delete;

  const Fixture& fixture;
  crypto::PrivateKey key;
  Bytes certificate;
  std::array<ByteView, 1> chain;
  mikey::Self self;
  mikey::V1Policy policy;
  OnePeer others;
  mikey::Stamper stamper;
  mikey::Party party{crypto::DefaultSuite(), policy, self, others};
};

}  // namespace keymast::tools
