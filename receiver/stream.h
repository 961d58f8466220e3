// SPDX-License-Identifier: Apache-2.0
// The packets of one SSRC: which key, which index, opened in place.
#pragma once

#include <array>
#include <optional>

#include "receiver/keyring.h"
#include "srtp/index.h"
#include "srtpio/session.h"

namespace keymast::receiver {

// Longest datagram that a stream looks at.
inline constexpr size_t kMaxPacket = 9216;

// StreamCounters counts what became of the packets of one SSRC; RTCP apart.
struct StreamCounters {
  uint64_t packets = 0;
  uint64_t opened = 0;
  uint64_t rtcp_packets = 0;
  uint64_t rtcp_opened = 0;
};

// Stream finds the key of a packet by the MKI at its end, guesses its index from the highest one
// that opened so far, over all keys (RFC 3711 §3.3.1), and opens it with the one session of that
// key and SSRC. The guess is its own: libsrtp2 is never asked for a ROC.
class Stream {
 public:
  // After this long without a packet that opened, a packet that fails under the guess is tried with
  // the neighbouring ROCs: the sender may have gone on for more than half a ROC.
  static constexpr Duration kLongGap = std::chrono::milliseconds(500);

  explicit Stream(Ssrc ssrc) : ssrc_(ssrc) {}

  // OnRtp and OnRtcp open `packet` in place and return its plain length. Errors: kTruncated,
  // kTooLong, kMalformed (no RTP), kUnknownKey (no key has this MKI), kAuthenticationFailed,
  // kReplayed, also for an MKI of an MSK that is past. `keyring` learns which key is in use;
  // opened_under() is its MSK.
  Result<size_t> OnRtp(MutableBytes packet, Keyring& keyring, Instant now);
  Result<size_t> OnRtcp(MutableBytes packet, Keyring& keyring, Instant now);
  MskId opened_under() const { return opened_under_; }

  // Prune frees the sessions of keys that the keyring let go.
  void Prune(const Keyring& keyring);

  Ssrc ssrc() const { return ssrc_; }
  const StreamCounters& counters() const { return counters_; }
  std::optional<PacketIndex> highest() const { return highest_; }
  Instant last_good() const { return last_good_; }

 private:
  struct KeySession {
    uint64_t serial = 0;  // of the key's slot; 0: free
    std::optional<srtpio::Session> session;
    std::optional<PacketIndex> highest;  // that opened under this key
    bool CanTry(Roc roc, uint16_t sequence) const;
  };
  // Candidates are the ROCs worth a try, likeliest first.
  struct Candidates {
    std::array<Roc, 6> rocs{};
    size_t count = 0;
    void Add(int64_t roc);
  };

  Result<KeySession*> SessionFor(const Keyring& keyring, const MtkSlot& slot);
  Candidates CandidatesFor(uint16_t sequence, const Keyring& keyring, Instant now) const;
  Result<size_t> Try(KeySession& entry, const MtkSlot& slot, MutableBytes packet,
                     const Candidates& candidates, const Keyring& keyring);
  void Opened(KeySession& entry, const MtkSlot& slot, PacketIndex index, const Keyring& keyring);

  Ssrc ssrc_;
  std::optional<PacketIndex> highest_;
  MskId msk_;  // that `highest_` opened under
  MskId opened_under_;
  Instant last_good_ = Instant::min();
  StreamCounters counters_;
  std::array<KeySession, MtkSlots::kCapacity> sessions_;
};

// MkiOf views the MKI of a protected packet: before SRTP's tag, or at the very end with AEAD, whose
// tag belongs to the ciphertext (RFC 3711 §3.1, §3.4; RFC 7714 §8.1, §9.1). Empty when the packet
// is too short.
ByteView MkiOf(ByteView packet, SrtpProfile profile, size_t mki_length, bool rtcp);

// NumberUnder is the Key Number of the MSK that a packet of kUnknownKey is under; nothing where it
// is of no MSK of the group. It is read where the profiles that are held would put it: 0 where none
// is.
std::optional<KeyNumber> NumberUnder(const Keyring& keyring, ByteView packet, bool rtcp);

}  // namespace keymast::receiver
