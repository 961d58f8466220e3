// SPDX-License-Identifier: Apache-2.0
// What an OpenSSL DTLS-SRTP handshake costs (RFC 5764): both ends in one thread over memory, mutual
// certificates on P-256, told apart by their fingerprints, until both have their SRTP keys.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <deque>
#include <vector>

#include "bench/certificates.h"

namespace keymast::bench {

class PeerDtls {
 public:
  // Traffic is what one handshake sent until both sides had keys.
  struct Traffic {
    size_t octets = 0;
    size_t datagrams = 0;
  };

  PeerDtls();
  ~PeerDtls();
  PeerDtls(const PeerDtls&) = delete;
  PeerDtls& operator=(const PeerDtls&) = delete;

  // Full is a handshake with certificates, Resumed one by a ticket that an earlier one gave.
  Traffic Full();
  Traffic Resumed();
  // FullWithoutTicket gives none: such a session is never resumed.
  Traffic FullWithoutTicket();

 private:
  // Wire is one direction: whole datagrams.
  struct Wire {
    std::deque<std::vector<unsigned char>> datagrams;
    Traffic traffic;
  };
  // Side is one end: what it knows of itself, and of the other.
  struct Side {
    SSL_CTX* context = nullptr;
    Sha256Fingerprint own{};  // of its certificate
    Wire sent;
  };

  static int Write(BIO* bio, const char* octets, int size);
  static int Read(BIO* bio, char* out, int size);
  static long Control(BIO* bio, int command, long number, void* pointer);
  static int Create(BIO* bio);

  void MakeMethod();
  SSL* Open(Side& own, Side& other, bool is_client);
  Traffic Handshake(SSL_SESSION* session, SSL_SESSION** ticket);
  static void DemandKeys(SSL* ssl, bool resumed);

  BIO_METHOD* method_ = nullptr;
  Side client_;
  Side server_;
  SSL_SESSION* ticket_ = nullptr;
};

}  // namespace keymast::bench
