// SPDX-License-Identifier: Apache-2.0
// What an Answerer asks its owner about others.
#pragma once

#include "crypto/public_key.h"
#include "mikey/v2/party.h"

namespace keymast::mikey::v2 {

// Asked is what a CAP wants; nothing of it may be believed before its proof.
struct Asked {
  Identity offerer;
  Identity answerer;  // the group's URI in a join; may be empty
  std::optional<KeyIds> join;
  const Capabilities& offer;
  ByteView tlvs = {};  // that the offer was read from
  // To GrantTo: the certificate that proves the Offerer, now or through tickets.
  [[no_unique_address]] KeptStanding standing = {};
};

// Grant is what an Offerer gets: of a session its streams, of a group all that MIKEYv2 §10 lists.
// Views live until the call that asked returns.
struct Grant {
  Streams streams;
  Contents contents;  // of a group; the TGK of a session is made by the Answerer
};

// Terms are what can be said of a session or group before anything is proved.
struct Terms {
  Profiles profiles;  // that its streams use, each once
  uint32_t features = 0;
};

// Directory is what an Answerer knows of others. No call changes anything but GrantTo.
class Directory {
 public:
  virtual ~Directory() = default;
  virtual bool IsOwn(const Identity& identity) const = 0;
  // Whether CAPs for this identity, and this group, are ours to answer.
  virtual bool Serves(const Asked& asked) const = 0;
  // The pre-shared key of the two, kMinSharedKey to kMaxSharedKey octets; null for a stranger.
  virtual const crypto::SecretKey<kMaxSharedKey>* SharedWith(const Asked& asked) const = 0;
  // kUnsupportedPolicy: no session or group can be had by this offer.
  virtual Result<Terms> TermsFor(const Asked& asked) const = 0;
  // What the Offerer gets. Its proof was good, but for a session whose CAP needs none (modes DH and
  // RSA without SIGN, V switched off): there the finish proves it. kNotEntitled and other reasons
  // are told to who has proved itself; kRateLimited is told to nobody. Of a group the keys-given
  // mark must be durable before what the Answerer returns is sent.
  virtual Result<Grant> GrantTo(const Asked& asked, const Choice& choice) = 0;

  // SDP's fingerprint of the Offerer's certificate, where there is SDP: then no other one counts,
  // and no pre-shared key (MIKEYv2 §12).
  virtual std::optional<crypto::Fingerprint> FingerprintOf(const Asked&) const { return {}; }
  // Certificates of the Offerer that were kept, leaf first, for a CAP that names them by hash or
  // not at all; null: none. They are judged as if they were shown (MIKEYv2 §6 rule 4).
  virtual const std::vector<Bytes>* CertificatesOf(const Asked&) const { return nullptr; }
  // How often a member has left or was removed; nothing for one that never did (MIKEYv2 §8).
  virtual std::optional<uint32_t> LeavesOf(const Asked&) const { return {}; }
};

}  // namespace keymast::mikey::v2
