// SPDX-License-Identifier: Apache-2.0
// Who has a certificate that keymast-api takes, and does by HTTP/2 what no client should. It is
// cut off and comes again until it has done all that it set out to do.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/certificates.h"

namespace keymast::bench {

class Attacker {
 public:
  Attacker(uint16_t port, const Certified& own);

  // RapidResets opens `count` streams with a whole request each, and takes each back at once.
  void RapidResets(size_t count);
  void Pings(size_t count);
  // HalfPrefaces keeps `count` connections that stop in the middle of the preface, so long.
  void HalfPrefaces(size_t count, double seconds);
  // LongMessage sends one of `octets`, without regard for the room that it is given.
  void LongMessage(size_t octets);
  // LongMetadata sends one head with a field of `octets`.
  void LongMetadata(size_t octets);

  size_t connections() const { return connections_; }
  size_t cut() const { return cut_; }  // of these, by the other side

 private:
  class Connection;
  using Piece = std::function<std::string(size_t index)>;
  std::unique_ptr<Connection> Open(const std::string& first);
  // Pour writes pieces 0 to `count` - 1 and waits until they are taken; it returns how many were
  // written when the connection ended.
  size_t Pour(size_t count, const Piece& piece);
  // PourAll goes on with a new connection until all are written.
  void PourAll(size_t count, size_t a_connection, const Piece& piece);

  const uint16_t port_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  size_t connections_ = 0;
  size_t cut_ = 0;
};

}  // namespace keymast::bench
