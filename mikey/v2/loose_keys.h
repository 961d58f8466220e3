// SPDX-License-Identifier: Apache-2.0
// KEYS outside of an exchange (MIKEYv2 §10): the answer to a REPORT, and KEYS that nobody asked
// for, under a member's own R.
#pragma once

#include "mikey/v2/group_contents.h"
#include "mikey/v2/report.h"

namespace keymast::mikey::v2 {

// KeysContent is what KEYS bring. Views are borrowed for the call.
struct KeysContent {
  EncrAlg encr = EncrAlg::kAesCm256;  // the group's
  ByteView rand_r;                    // kRandOctets, drawn for these KEYS alone
  const Streams& streams;             // beside an MSK, else empty
  const Contents& contents;
  ByteView fresh;  // the next FRESH (MIKEYv2 §8), or empty
};

// WriteKeysToReport answers a REPORT, and WriteUnaskedKeys tells without one: `t` rises per member
// and was reserved durably. Both return the length in `out`, kTooLong when it does not fit there.
Result<size_t> WriteKeysToReport(const crypto::Suite& suite, const ReportBinding& report,
                                 const KeysContent& content, MutableBytes out);
Result<size_t> WriteUnaskedKeys(const crypto::Suite& suite, const crypto::Key32& r, CsbId csb_id,
                                uint32_t t, const KeysContent& content, MutableBytes out);

// TakenKeys holds what KEYS brought; the contents' views are of it, so it stays where it is.
class TakenKeys {
 public:
  TakenKeys() = default;
  TakenKeys(const TakenKeys&) = delete;
  TakenKeys& operator=(const TakenKeys&) = delete;

  const Contents& contents() const { return contents_; }
  const Streams& streams() const { return streams_; }
  ByteView fresh() const { return fresh_.view(); }  // empty: none came
  uint32_t t() const { return t_; }                 // of unasked KEYS
  // Wipe, when its owner has taken the contents: they are not there from then on.
  void Wipe();

 private:
  friend class KeysOpener;
  crypto::SecretScratch<kMaxPlain> plain_;
  Contents contents_;
  Streams streams_;
  Octets<kFreshSize> fresh_;
  uint32_t t_ = 0;
};

// OpenKeysToReport takes the KEYS that answer a REPORT of ours, OpenUnaskedKeys those with a T
// above the last taken one (which moves when its caller has kept it durably). Errors are discards
// that leave `taken` as it was: kUnexpected for KEYS of the other kind or to another REPORT,
// kUnknownChannel of another group, kReplayed, kUnsupportedAlgorithm, kAuthenticationFailed,
// kDecryptionFailed, kMalformed, kTooLong. Whether contents with keys are newer than what is held
// RekeyReader::CheckInstall says.
Status OpenKeysToReport(const crypto::Suite& suite, ByteView datagram, const ReportBinding& report,
                        const GroupName& group, TakenKeys& taken);
Status OpenUnaskedKeys(const crypto::Suite& suite, ByteView datagram, const crypto::Key32& r,
                       uint32_t last_t, const GroupName& group, TakenKeys& taken);

}  // namespace keymast::mikey::v2
