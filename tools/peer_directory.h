// SPDX-License-Identifier: Apache-2.0
// Whom the answering side of a session knows: the one that its description is for.
#pragma once

#include <functional>

#include "mikey/v2/answerer.h"
#include "sdp/session.h"
#include "tools/peer_srtp.h"

namespace keymast::tools {

// PeerDirectory serves one open offer at a time (MIKEYv2 §12): a CAP of another session, or from
// another party, is dropped before its proof is looked at.
class PeerDirectory final : public mikey::v2::Directory {
 public:
  // Source is what is sent in both directions of one of the offer's streams.
  struct Source {
    Ssrc theirs;
    Ssrc ours;
  };
  // Positions is where both are, as far as they run already.
  struct Positions {
    std::optional<PacketIndex> theirs;
    std::optional<PacketIndex> ours;
  };
  // Expected is what is known of the CAP that will come.
  struct Expected {
    sdp::Keying told;  // by its description
    uint16_t profile = 0;
    std::vector<Source> sources;  // one a stream of CAP
    // Of a stream of CAP, asked when the answer is made: descriptions may be long on their way.
    std::function<Positions(size_t stream)> positions;
    Bytes mki;  // of all streams, or empty
  };

  // Without a pre-shared key, which is empty then, certificates alone count.
  PeerDirectory(mikey::Identity self, mikey::Identity peer, ByteView psk)
      : self_(self), peer_(peer), psk_(psk) {}

  void Expect(Expected expected) { expected_ = std::move(expected); }
  void ExpectNothing() { expected_.reset(); }
  // Whether a CAP that is in SDP lists what was offered there: asked when its proof was good.
  void set_listed(Status listed) { listed_ = std::move(listed); }

  bool IsOwn(const mikey::Identity& identity) const override;
  bool Serves(const mikey::v2::Asked& asked) const override;
  const crypto::SecretKey<mikey::kMaxSharedKey>* SharedWith(
      const mikey::v2::Asked& asked) const override;
  Result<mikey::v2::Terms> TermsFor(const mikey::v2::Asked& asked) const override;
  // kPolicyViolation, which the Offerer is told, for a CAP that is not bound to its description.
  Result<mikey::v2::Grant> GrantTo(const mikey::v2::Asked& asked,
                                   const mikey::v2::Choice& choice) override;
  std::optional<crypto::Fingerprint> FingerprintOf(const mikey::v2::Asked&) const override {
    return expected_ ? expected_->told.fingerprint : std::nullopt;
  }

 private:
  mikey::OwnedIdentity self_;
  mikey::OwnedIdentity peer_;
  crypto::SecretKey<mikey::kMaxSharedKey> psk_;
  std::optional<Expected> expected_;
  Status listed_;
};

}  // namespace keymast::tools
