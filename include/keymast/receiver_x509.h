/* SPDX-License-Identifier: Apache-2.0
 *
 * In libkeymast-receiver-x509.a, beside which libcrypto, libsodium and a C++ runtime are linked: a
 * ready owner of certificates (keymast_certificates in receiver.h) for
 * libkeymast-receiver-certificates: X.509 by OpenSSL 3, judged as keymast's own receiver judges it
 * (MIKEYv2 §5, §6). It lies on the heap, and so does what it makes in each call. Several contexts
 * may use one at the same time.
 */
#ifndef KEYMAST_RECEIVER_X509_H
#define KEYMAST_RECEIVER_X509_H

#include <keymast/receiver.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A certificate that may answer for a group whoever signed it: nothing else of it counts. */
typedef struct {
  keymast_octets group; /* its URI */
  uint8_t hash[32];     /* SHA-256 of the certificate */
} keymast_pin;

/* All octets are texts of PEM, borrowed for the call; only the first two may not be empty. */
typedef struct {
  keymast_octets certificates; /* the member's, leaf first, 1 to KEYMAST_CHAIN_SIZE */
  keymast_octets private_key;  /* of the leaf, without passphrase */
  keymast_octets anchors;      /* authorities that are believed */
  keymast_octets revocation_lists;
  /* Chains of servers, leaf first, one behind the other, that are found by hash. They are judged as
   * if they were shown. */
  keymast_octets known;
  const keymast_pin* pins;
  size_t pin_count;
  /* The extended key usage of controllers' certificates (MIKEYv2 §6 rule 2), as in
   * "1.3.6.1.4.1.55555.7"; null: only pinned ones answer for a group. */
  const char* controller_usage;
  /* Not 0: the server has the member's certificate, and is shown its hash alone. */
  int shown_by_hash;
  /* Seconds since 1970; null: those of time(). `user` is handed on. */
  int64_t (*unix_time)(void* user);
  void* user;
} keymast_x509_settings;

typedef struct keymast_x509 keymast_x509;

/* Makes an owner. KEYMAST_MALFORMED and other reasons for what cannot be read or used,
 * KEYMAST_INVALID_ARGUMENT for a key that is not the leaf's: then `made` is null. */
keymast_reason keymast_x509_new(const keymast_x509_settings* settings, keymast_x509** made);
/* Ends it, when no context has it any more; null does nothing. */
void keymast_x509_free(keymast_x509* owner);

/* What a member has; good as long as its owner. */
const keymast_certificates* keymast_x509_certificates(const keymast_x509* owner);

#ifdef __cplusplus
}
#endif

#endif /* KEYMAST_RECEIVER_X509_H */
