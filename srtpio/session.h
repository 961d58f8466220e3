// SPDX-License-Identifier: Apache-2.0
// One libsrtp2 session per (MTK, SSRC) and direction. srtp_update() is never used: it empties the
// replay window, so each MTK gets a session of its own whose ROC is set from the caller's estimate.
#pragma once

#include <memory>

#include "base/error.h"
#include "base/ids.h"
#include "crypto/secret.h"

namespace keymast::srtpio {

// Init prepares libsrtp2; once per process, before any session. False when it cannot.
bool Init();

// TrafficKey is one MTK with its name on the wire.
struct TrafficKey {
  SrtpProfile profile = SrtpProfile::kAesCm128HmacSha1_80;
  crypto::Key32 master_key;
  crypto::Salt14 master_salt;
  Bytes mki;  // same length for all keys of a stream
};

// Largest growth of a packet: MKI, tag, and for SRTCP its index.
inline constexpr size_t kMaxTrailer = 16 + 10 + 4 + 16;

// Session protects or unprotects the packets of one SSRC under one MTK. Move-only; frees libsrtp2's
// memory. Not thread-safe.
class Session {
 public:
  enum class Direction { kSend, kReceive };
  // kUnsupportedAlgorithm when libsrtp2 refuses the profile.
  static Result<Session> Create(const TrafficKey& key, Ssrc ssrc, Direction direction);
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  // SetRoc must come before the first packet and after each wrap that the caller counts; a receiver
  // calls it with its own guess before every packet. libsrtp2 pins a value that it was given until
  // a packet advances it, so asking libsrtp2 for the ROC instead would follow late packets back.
  void SetRoc(Roc roc);

  // In place: `packet` has room for kMaxTrailer behind `length`; the new length is returned.
  // SRTCP indexes start at 1 with each session: at most one sending session in the life of an
  // (MTK, SSRC) may protect RTCP.
  // Protect: an index below the highest is taken as long as it was not used; kReplayed when it was,
  // or lies 1,024 or more behind. kIndexExhausted at the key's limit.
  Result<size_t> Protect(MutableBytes packet, size_t length);
  Result<size_t> ProtectRtcp(MutableBytes packet, size_t length);
  // Unprotect: kAuthenticationFailed, kReplayed, kUnknownKey (other MKI), kMalformed.
  Result<size_t> Unprotect(MutableBytes packet, size_t length);
  Result<size_t> UnprotectRtcp(MutableBytes packet, size_t length);

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace keymast::srtpio
