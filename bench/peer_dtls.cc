// SPDX-License-Identifier: Apache-2.0
#include "bench/peer_dtls.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "bench/processes.h"

namespace keymast::bench {
namespace {

constexpr long kMtu = 1232;
constexpr size_t kSrtpKeys = 2 * (16 + 12);  // AEAD_AES_128_GCM, both ways

// Takes the certificate whose fingerprint is that of the other side, and no other.
int VerifyPeer(X509_STORE_CTX* store, void* expected) {
  return FingerprintOf(X509_STORE_CTX_get0_cert(store)) ==
         *static_cast<Sha256Fingerprint*>(expected);
}

SSL_CTX* MakeContext(bool is_client) {
  SSL_CTX* context = SSL_CTX_new(is_client ? DTLS_client_method() : DTLS_server_method());
  Demand(context != nullptr, "OpenSSL makes no context");
  const Certified own = MakeCertified(KeyType::kP256);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  const unsigned char id[] = "bench";
  const bool is_ready = SSL_CTX_use_certificate(context, own.certificate.get()) == 1 &&
                        SSL_CTX_use_PrivateKey(context, own.key.get()) == 1 &&
                        SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-GCM-SHA256") == 1 &&
                        SSL_CTX_set1_groups_list(context, "P-256") == 1 &&
                        SSL_CTX_set_session_id_context(context, id, sizeof id) == 1 &&
                        SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AEAD_AES_128_GCM") == 0;
  Demand(is_ready, "OpenSSL does not take the algorithms");
  SSL_CTX_set_session_cache_mode(context, is_client ? SSL_SESS_CACHE_CLIENT : SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU);
  return context;
}

}  // namespace

PeerDtls::PeerDtls() {
  MakeMethod();
  client_.context = MakeContext(true);
  server_.context = MakeContext(false);
  client_.own = FingerprintOf(SSL_CTX_get0_certificate(client_.context));
  server_.own = FingerprintOf(SSL_CTX_get0_certificate(server_.context));
  SSL_CTX_set_cert_verify_callback(client_.context, VerifyPeer, &server_.own);
  SSL_CTX_set_cert_verify_callback(server_.context, VerifyPeer, &client_.own);
  Handshake(nullptr, &ticket_);
}

PeerDtls::~PeerDtls() {
  SSL_SESSION_free(ticket_);
  SSL_CTX_free(client_.context);
  SSL_CTX_free(server_.context);
  BIO_meth_free(method_);
}

void PeerDtls::MakeMethod() {
  method_ = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams in memory");
  Demand(method_ != nullptr, "OpenSSL makes no BIO method");
  BIO_meth_set_write(method_, Write);
  BIO_meth_set_read(method_, Read);
  BIO_meth_set_ctrl(method_, Control);
  BIO_meth_set_create(method_, Create);
}

int PeerDtls::Create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

int PeerDtls::Write(BIO* bio, const char* octets, int size) {
  auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
  wire.datagrams.emplace_back(octets, octets + size);
  wire.traffic.octets += static_cast<size_t>(size);
  ++wire.traffic.datagrams;
  return size;
}

int PeerDtls::Read(BIO* bio, char* out, int size) {
  auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (wire.datagrams.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const auto& first = wire.datagrams.front();
  const size_t read = std::min(first.size(), static_cast<size_t>(size));
  std::memcpy(out, first.data(), read);
  wire.datagrams.pop_front();
  return static_cast<int>(read);
}

long PeerDtls::Control(BIO*, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
      return kMtu;
    default:
      return 0;
  }
}

SSL* PeerDtls::Open(Side& own, Side& other, bool is_client) {
  SSL* ssl = SSL_new(own.context);
  BIO* in = BIO_new(method_);
  BIO* out = BIO_new(method_);
  Demand(ssl != nullptr && in != nullptr && out != nullptr, "OpenSSL opens no connection");
  BIO_set_data(in, &other.sent);
  BIO_set_data(out, &own.sent);
  SSL_set_bio(ssl, in, out);
  SSL_set_mtu(ssl, kMtu);
  if (is_client) {
    SSL_set_connect_state(ssl);
  } else {
    SSL_set_accept_state(ssl);
  }
  return ssl;
}

void PeerDtls::DemandKeys(SSL* ssl, bool resumed) {
  std::array<unsigned char, kSrtpKeys> keys{};
  const char* label = "EXTRACTOR-dtls_srtp";
  const bool has_keys = SSL_export_keying_material(ssl, keys.data(), keys.size(), label,
                                                   std::strlen(label), nullptr, 0, 0) == 1;
  Demand(has_keys && SSL_get_selected_srtp_profile(ssl) != nullptr,
         "a DTLS-SRTP handshake gave no keys");
  Demand((SSL_session_reused(ssl) == 1) == resumed, "a DTLS-SRTP handshake was of another kind");
}

PeerDtls::Traffic PeerDtls::Handshake(SSL_SESSION* session, SSL_SESSION** ticket) {
  client_.sent = {};
  server_.sent = {};
  SSL* client = Open(client_, server_, true);
  SSL* server = Open(server_, client_, false);
  if (session != nullptr) SSL_set_session(client, session);
  bool has_client = false;
  bool has_server = false;
  for (int step = 0; step < 16 && !(has_client && has_server); ++step) {
    has_client = has_client || SSL_do_handshake(client) == 1;
    has_server = has_server || SSL_do_handshake(server) == 1;
  }
  Demand(has_client && has_server, "a DTLS-SRTP handshake did not end");
  DemandKeys(client, session != nullptr);
  DemandKeys(server, session != nullptr);
  if (ticket != nullptr) *ticket = SSL_get1_session(client);
  // Or OpenSSL takes the session as broken off, and resumes none.
  SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(client);
  SSL_free(server);
  return {client_.sent.traffic.octets + server_.sent.traffic.octets,
          client_.sent.traffic.datagrams + server_.sent.traffic.datagrams};
}

PeerDtls::Traffic PeerDtls::Full() { return Handshake(nullptr, nullptr); }

PeerDtls::Traffic PeerDtls::FullWithoutTicket() {
  SSL_CTX_set_options(server_.context, SSL_OP_NO_TICKET);
  const Traffic traffic = Handshake(nullptr, nullptr);
  SSL_CTX_clear_options(server_.context, SSL_OP_NO_TICKET);
  return traffic;
}

PeerDtls::Traffic PeerDtls::Resumed() { return Handshake(ticket_, nullptr); }

}  // namespace keymast::bench
