// SPDX-License-Identifier: Apache-2.0
// Two parties of MIKEYv2 in one thread over memory: whole exchanges in batches, each side timed.
#pragma once

#include <memory>

#include "bench/certificates.h"
#include "bench/tape.h"
#include "mikey/v2/answerer.h"
#include "mikey/v2/offerer.h"

namespace keymast::bench {

// JoinKind is one row of the benchmark.
struct JoinKind {
  const char* name;
  mikey::v2::Mode mode;
  KeyType key = KeyType::kP256;  // of the modes by certificate
  mikey::DhGroup group = mikey::DhGroup::kX25519;
  mikey::v2::Shown shown = mikey::v2::Shown::kCertificates;
  bool joins = true;  // a group, else a session of two
  // A session by the ticket that the one before it left.
  bool resumes = false;
};

// Traffic of one exchange until both sides had keys; KEYS as an acknowledgement is not counted.
struct JoinTraffic {
  size_t octets = 0;
  size_t datagrams = 0;
};

class JoinRig {
 public:
  static constexpr size_t kBatch = 64;

  // Time is what kBatch exchanges took, in seconds of this thread's processor time. Values that can
  // be made ahead are made between, in `ahead`.
  struct Time {
    double offerer = 0;
    double answerer = 0;
    double ahead = 0;
  };

  // Whatever is computed is done by `suite`.
  JoinRig(const JoinKind& kind, const crypto::Suite& suite);
  ~JoinRig();
  JoinRig(const JoinRig&) = delete;
  JoinRig& operator=(const JoinRig&) = delete;

  Time Batch();
  JoinTraffic One();

  // The primitives of one exchange: of each side, and what is made ahead for both. They borrow the
  // rig's keys.
  struct Tapes {
    Tape offerer;
    Tape answerer;
    Tape ahead;
  };
  // Record runs one, in a rig of Tape::Suite().
  void Record(Tapes& tapes);

 private:
  class Others;
  struct Exchange;

  mikey::v2::Wish WishOf(const Exchange& exchange) const;
  void MakeAhead(size_t count);
  void Send(Exchange& exchange);
  void Answer(Exchange& exchange);
  void Take(Exchange& exchange);
  void Acknowledge(Exchange& exchange);

  const JoinKind& kind_;
  const crypto::Suite& suite_;
  mikey::v2::Policy policy_;
  mikey::v2::Credentials member_;
  mikey::v2::Credentials controller_;
  std::unique_ptr<Others> others_;
  crypto::SeededRng rng_{1};
  mikey::v2::DhPool pool_;
  mikey::v2::PeerTickets tickets_;
  std::unique_ptr<mikey::v2::Answerer> answerer_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  Octets<mikey::v2::kFreshSize> fresh_;
  Instant now_;
};

}  // namespace keymast::bench
