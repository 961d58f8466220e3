// SPDX-License-Identifier: Apache-2.0
// Whom the answering side of a session knows: the one that its description is for.
#pragma once

#include "mikey/v2/answerer.h"
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
    std::optional<PacketIndex> ours_at;    // where our stream is, when it runs already
    std::optional<PacketIndex> theirs_at;  // likewise the Offerer's
  };
  // Expected is what is known of the CAP that will come.
  struct Expected {
    Bytes session;
    uint16_t profile = 0;
    std::vector<Source> sources;  // one a stream of CAP
    Bytes mki;                    // of all streams, or empty
  };

  PeerDirectory(mikey::Identity self, mikey::Identity peer, ByteView psk)
      : self_(self), peer_(peer), psk_(psk) {}

  void Expect(Expected expected) { expected_ = std::move(expected); }
  void ExpectNothing() { expected_.reset(); }
  // Whether the CAP at hand is what SDP told of it: asked when its proof was good.
  void set_bound(Status bound) { bound_ = std::move(bound); }

  bool IsOwn(const mikey::Identity& identity) const override;
  bool Serves(const mikey::v2::Asked& asked) const override;
  const crypto::SecretKey<mikey::kMaxSharedKey>* SharedWith(
      const mikey::v2::Asked& asked) const override;
  Result<mikey::v2::Terms> TermsFor(const mikey::v2::Asked& asked) const override;
  // kPolicyViolation, which the Offerer is told, for a CAP that is not bound to its description.
  Result<mikey::v2::Grant> GrantTo(const mikey::v2::Asked& asked,
                                   const mikey::v2::Choice& choice) override;

 private:
  mikey::OwnedIdentity self_;
  mikey::OwnedIdentity peer_;
  crypto::SecretKey<mikey::kMaxSharedKey> psk_;
  std::optional<Expected> expected_;
  Status bound_ = Err(Error::kPolicyViolation);
};

}  // namespace keymast::tools
