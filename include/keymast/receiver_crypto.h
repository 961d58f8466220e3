/* SPDX-License-Identifier: Apache-2.0
 *
 * Ready tables of primitives for the receiver core (receiver.h), in libkeymast-receiver-crypto.a.
 */
#ifndef KEYMAST_RECEIVER_CRYPTO_H
#define KEYMAST_RECEIVER_CRYPTO_H

#include <keymast/receiver.h>

#ifdef __cplusplus
extern "C" {
#endif

/* OpenSSL 3 and its random numbers; link libcrypto, and libsodium for its
 * Ed25519. OpenSSL allocates inside. A primitive that
 * fails, as in want of memory, ends the program. */
const keymast_crypto* keymast_crypto_openssl(void);

/* The same without an allocator, for pre-shared keys on a device that runs nothing else: OpenSSL's
 * plain functions, and the random numbers of libsodium, whose sodium_init was called. Link
 * libcrypto and libsodium. Its AES is by tables: who shares a cache with others can be listened to.
 */
const keymast_crypto* keymast_crypto_smartcard(void);

#ifdef __cplusplus
}
#endif

#endif /* KEYMAST_RECEIVER_CRYPTO_H */
