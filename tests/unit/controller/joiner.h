// SPDX-License-Identifier: Apache-2.0
// A receiver that joins the world's channel by MIKEYv2, one datagram at a time.
#pragma once

#include "mikey/v2/offerer.h"
#include "tests/unit/controller/world.h"

namespace keymast::controller {

inline constexpr std::string_view kNewsUri = "mikey://example.org/news";
inline constexpr uint32_t kMskMessages = 1U << 5;

using mikey::v2::Mode;

// KeyingWith speaks all modes, under the algorithms of the profile.
KeyingConfig KeyingWith(const mikey::Profile3gpp& profile = {});

class Receiver {
 public:
  // `credentials` of who joins by certificate; borrowed.
  Receiver(World& world, int member, Mode mode, uint32_t features = kMskMessages,
           const mikey::v2::Credentials* credentials = nullptr);

  // Cap begins a join of `uri`.
  Bytes Cap(std::string_view uri = kNewsUri);
  // Answer hands a datagram to the server, as from this receiver's address, and returns what comes
  // back; empty: nothing. `step` is what the server did.
  Bytes Ask(const Bytes& datagram);
  // Take hands a datagram to the receiver and returns what it sends.
  Bytes Take(const Bytes& datagram);
  // Run is a whole join, by RETRY where that is asked for.
  void Run();

  mikey::v2::Offerer::State state() const { return offerer.state(); }

  World& world;
  Endpoint address;
  crypto::Key32 key;
  std::string identity;
  mikey::KeyIds group{{}, {}, std::nullopt};
  Bytes fresh;                                    // of the exchange before
  const mikey::v2::Resumption* resume = nullptr;  // joins by its ticket
  mikey::v2::Shown shown = mikey::v2::Shown::kCertificates;
  mikey::v2::Policy policy;
  mikey::v2::Offerer offerer;
  Step step;
};

}  // namespace keymast::controller
