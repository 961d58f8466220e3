/* SPDX-License-Identifier: Apache-2.0
 *
 * The core of a receiver of broadcast keys: datagrams and instants go in, datagrams to send and
 * SRTP keys come out. It joins groups by MIKEYv2 (docs/mikeyv2.md, cited as MIKEYv2), then follows
 * their MTK messages, and MSK messages of 3GPP (TS 33.246). docs/receiver-library.md has a whole
 * example.
 *
 * It does no I/O and reads no clock, calls no allocator and throws nothing; it needs at most 8 KiB
 * of stack (libkeymast-receiver; libkeymast-receiver-full too on a 32-bit machine, 12 KiB on
 * x86-64, as libkeymast-receiver-certificates) beside what the functions of `keymast_crypto` and
 * `keymast_certificates` take. All state is in one
 * `keymast_receiver`, memory of the caller's: calls for one context come one after another, calls
 * for several may run in parallel.
 *
 * Octets that are handed in are borrowed for the call. Pointers that are handed out point into the
 * context and say how long they are good.
 */
#ifndef KEYMAST_RECEIVER_H
#define KEYMAST_RECEIVER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  KEYMAST_CHANNELS = 4,         /* that a context follows at once */
  KEYMAST_CONTEXT_SIZE = 16384, /* octets of a context */
  KEYMAST_DATAGRAM_SIZE = 1232, /* octets of the longest datagram that is sent, MIKEYv2 §2 */
  KEYMAST_SAVED_SIZE = 264,     /* octets of the longest KEYMAST_PERSIST */
  KEYMAST_STREAMS = 16,         /* of a group */
  KEYMAST_IDENTITY_SIZE = 64,   /* octets of an identity, of a group's URI; MIKEYv2 §14 */
  KEYMAST_MIN_USER_KEY = 16,    /* octets */
  KEYMAST_MAX_USER_KEY = 32,
  KEYMAST_CHAIN_SIZE = 4 /* of a chain, MIKEYv2 §3.2 */
};

/* KEYMAST_NEVER is the deadline of who waits for nothing. */
#define KEYMAST_NEVER UINT64_MAX

/* Why something was refused, or a join failed. The names are those of keymast's metrics. */
typedef enum {
  KEYMAST_OK = 0,
  /* octets that cannot be read */
  KEYMAST_TRUNCATED,
  KEYMAST_TRAILING_OCTETS,
  KEYMAST_TOO_LONG,
  KEYMAST_MALFORMED,
  KEYMAST_UNKNOWN_VERSION,
  KEYMAST_UNKNOWN_DATA_TYPE,
  KEYMAST_UNKNOWN_PAYLOAD,
  KEYMAST_TOO_MANY_PAYLOADS,
  KEYMAST_PAYLOAD_MISSING,
  KEYMAST_PAYLOAD_UNEXPECTED,
  KEYMAST_UNSUPPORTED_ALGORITHM,
  KEYMAST_UNSUPPORTED_POLICY,
  /* datagrams that are well formed and refused */
  KEYMAST_UNKNOWN_CHANNEL,
  KEYMAST_UNKNOWN_IDENTITY,
  KEYMAST_UNKNOWN_KEY,
  KEYMAST_WRONG_CSB,
  KEYMAST_REPLAYED,
  KEYMAST_OUTSIDE_INTERVAL,
  KEYMAST_ALREADY_HELD,
  KEYMAST_UNEXPECTED,
  KEYMAST_AUTHENTICATION_FAILED,
  KEYMAST_DECRYPTION_FAILED,
  KEYMAST_POLICY_VIOLATION,
  KEYMAST_RATE_LIMITED, /* too many wrong signatures, MIKEYv2 §10 */
  /* what `judge` says of the server's; of a join: the server hints that it lacks the member's */
  KEYMAST_CERTIFICATE_UNTRUSTED,
  KEYMAST_CERTIFICATE_EXPIRED,
  KEYMAST_CERTIFICATE_REVOKED,
  /* joins and calls */
  KEYMAST_NOT_ENTITLED,        /* the server says so, proven (MIKEYv2 §13, error 7) */
  KEYMAST_UNAVAILABLE,         /* no answer to four sendings (MIKEYv2 §2) */
  KEYMAST_INVALID_ARGUMENT,    /* a call that breaks what is said below */
  KEYMAST_FAILED_PRECONDITION, /* actions are to be taken first */
  KEYMAST_CORRUPT,             /* what was saved is damaged */
  KEYMAST_NEWER_FORMAT,        /* or of a later version of this library */
  KEYMAST_INTERNAL
} keymast_reason;

/* Octets that somebody else owns. */
typedef struct {
  const uint8_t* data;
  size_t size;
} keymast_octets;

typedef enum { KEYMAST_SHA1 = 1, KEYMAST_SHA256 = 2 } keymast_hash;

/* The primitives, each handed `user`. None may fail on arguments of the sizes given, none keeps a
 * pointer. receiver_crypto.h has ready tables. Table and `user` outlive the context. */
typedef struct {
  void* user;
  /* HMAC (RFC 2104) over the `count` parts, at most 8, one after another; `out` has 20 or 32
   * octets. `key` has 1 to 64 octets. */
  void (*hmac)(void* user, keymast_hash hash, keymast_octets key, const keymast_octets* parts,
               size_t count, uint8_t* out);
  /* SHA-256 over the parts, at most 8; `out` has 32 octets. */
  void (*sha256)(void* user, const keymast_octets* parts, size_t count, uint8_t* out);
  /* AES in counter mode (RFC 3711 §4.1.1) under a key of 16 or 32 octets: XORs the keystream into
   * `data`, from the counter block `iv` of 16 octets, the whole of which counts up. */
  void (*aes_ctr)(void* user, keymast_octets key, const uint8_t* iv, uint8_t* data, size_t size);
  /* Random octets that nobody can guess. */
  void (*random)(void* user, uint8_t* out, size_t size);
  /* What follows is not for libkeymast-receiver, and may be null for the others as well: then they
   * offer no Diffie-Hellman, and take no signed messages.
   * X25519 (RFC 7748 §5) of a scalar and a point, 32 octets each; `out` has 32 octets. 0: they are
   * all zero. */
  int (*x25519)(void* user, const uint8_t* scalar, const uint8_t* point, uint8_t* out);
  /* Whether an Ed25519 signature of 64 octets (RFC 8032 §5.1.7) over the parts, at most 8 of 256
   * octets in all, verifies under a public key of 32 octets. 0: it does not, or the key is no point
   * or of a small order. */
  int (*ed25519_verify)(void* user, const uint8_t* key, const keymast_octets* parts, size_t count,
                        const uint8_t* signature);
} keymast_crypto;

/* What a server shows of the certificate that it answers by (MIKEYv2 §6). */
typedef struct {
  const keymast_octets* chain; /* X.509 in DER, leaf first, KEYMAST_CHAIN_SIZE at most */
  size_t chain_size;
  const uint8_t* hash;  /* no chain: SHA-256 of the certificate, 32 octets; null: not that either */
  keymast_octets group; /* the URI in whose name it answers: type URI */
} keymast_shown;

/* Signature types of MIKEYv2 §5: RSA-PSS and ECDSA over P-256, with SHA-256, and Ed25519. */
typedef enum {
  KEYMAST_RSA_PSS = 1,
  KEYMAST_ECDSA_P256 = 14,
  KEYMAST_ED25519 = 15
} keymast_signature;

/* The receiver's certificate, and whom it believes: libkeymast-receiver-certificates alone. X.509
 * is wholly the owner's, who reads it, keeps keys, anchors, pins and revocation lists, and knows
 * what day it is; the library knows messages. The functions are each handed `user`, keep no
 * pointer, and none calls the library. receiver_x509.h has a ready owner. Struct, chain and
 * `user` outlive the context. */
typedef struct {
  void* user;
  /* What is shown to the server, leaf first: the leaf proves the member's identity to it. */
  const keymast_octets* chain; /* X.509 in DER, 1 to KEYMAST_CHAIN_SIZE */
  size_t chain_size;
  /* Not 0: the server has them, and is shown the leaf's hash alone. What is sent and taken is one
   * datagram each, in which a chain of RSA has no place. */
  int shown_by_hash;
  keymast_signature signs_by; /* the type of the leaf's key */
  size_t signature_size;      /* octets of what `sign` makes: of RSA 256 to 512, else 64 */
  /* The types that `verify` knows, in order of preference: 1 to 3, as in {15, 14, 1}. */
  const uint8_t* verifies;
  size_t verifies_size;
  /* Fills `out`, signature_size octets, with the signature over the parts, at most 8. */
  void (*sign)(void* user, const keymast_octets* parts, size_t count, uint8_t* out);
  /* Fills `out`, 32 octets, with what RSA-OAEP (MIKEYv2 §5: SHA-256, MGF1 with it, empty label)
   * hides in `sealed` under the leaf's key. Anything else gives 32 octets as well, always the same
   * of the same, which nobody else can know, in as much time: who could tell which it was could
   * have all opened. Null where the leaf's key is not RSA, or may not encrypt: no mode RSA is
   * offered. */
  void (*open_envelope)(void* user, keymast_octets sealed, uint8_t* out);
  /* Whether what is shown proves that its owner may answer for the group, by all of MIKEYv2 §5 and
   * §6 rule 2. KEYMAST_OK: `leaf` is the certificate, of the octets shown or of the owner's, which
   * stay until the call of the library returns; `seconds` those of its life that are left,
   * UINT32_MAX for one that is known by its hash. KEYMAST_UNKNOWN_IDENTITY for a hash, or a group,
   * whose certificate is not there, KEYMAST_CERTIFICATE_UNTRUSTED, KEYMAST_CERTIFICATE_EXPIRED,
   * KEYMAST_CERTIFICATE_REVOKED, KEYMAST_MALFORMED, or other reasons. Anybody can have it asked. */
  keymast_reason (*judge)(void* user, const keymast_shown* shown, keymast_octets* leaf,
                          uint32_t* seconds);
  /* Whether a signature over the parts, at most 8, verifies under the key of a leaf that `judge`
   * gave. 0: it does not, or the key is not of that type. */
  int (*verify)(void* user, keymast_octets leaf, keymast_signature type,
                const keymast_octets* parts, size_t count, keymast_octets signature);
} keymast_certificates;

/* ID types of RFC 3830 §6.7. */
typedef enum { KEYMAST_NAI = 0, KEYMAST_URI = 1, KEYMAST_OCTET_STRING = 2 } keymast_id_type;

/* Who this receiver is to the key server. */
typedef struct {
  keymast_id_type id_type;
  keymast_octets identity; /* 1 to KEYMAST_IDENTITY_SIZE octets */
  /* PSK or MUK: KEYMAST_MIN_USER_KEY to KEYMAST_MAX_USER_KEY octets. With certificates it may be
   * empty. */
  keymast_octets user_key;
  /* Not 0: groups may have the algorithms of 3GPP, which use SHA-1 (MIKEYv2 §3.3). */
  int offers_sha1;
  /* Not 0: joins by Diffie-Hellman alone, so that who learns the user key opens no recorded join.
   * The table has X25519 then. */
  int needs_dh;
  /* Null: none. Else the modes DH, early DH and RSA are offered as well; DH needs X25519. The other
   * libraries refuse it. */
  const keymast_certificates* certificates;
} keymast_member;

/* A group's key tree, MIKEYv2 §10. What is inside a tree update this library does not know: the
 * tree's owner reads it, and keeps the keys of the tree. All that is handed over is borrowed for
 * the call; none of the functions may call the library. */
typedef struct {
  const uint8_t* tree_id; /* 8 octets */
  uint32_t epoch;
  uint32_t leaf; /* the member's; all ones: none */
  uint32_t generation;
  uint8_t type; /* Key data type, MIKEYv2 §3.5: 8 path keys, 9 SD label */
  keymast_octets spi;
  keymast_octets key;
} keymast_tree_key;

typedef struct {
  uint8_t kind;           /* 1 tree, 2 subset difference */
  const uint8_t* tree_id; /* 8 octets */
  uint32_t epoch;
  keymast_octets update; /* the data of EXT 241 */
} keymast_tree_update;

typedef enum {
  KEYMAST_TREE_ROOT = 1, /* the update is for this member */
  KEYMAST_TREE_NOTHING,  /* this packet is for another part of the tree */
  KEYMAST_TREE_NOT_YET   /* the keys that it is under have not come */
} keymast_tree_found;

typedef struct {
  void* user;
  /* Not 0: subset difference is understood, too. */
  int has_subset_difference;
  /* Takes keys that a join or KEYS brought. A tree id or epoch that it has not seen: all that it
   * has of other ones is void. */
  void (*take_key)(void* user, const keymast_tree_key* key);
  /* Fills `root`, 32 octets, and its `size`, 16 or 32, from an update whose signature is good.
   * Nothing that it finds may count before `commit`. */
  keymast_tree_found (*derive)(void* user, const keymast_tree_update* update, uint8_t* root,
                               size_t* size);
  /* The keys that `derive` found last are the group's. */
  void (*commit)(void* user);
} keymast_tree;

/* What to receive. */
typedef struct {
  keymast_octets uri; /* of the group, 1 to KEYMAST_IDENTITY_SIZE octets */
  /* As the group's description has them (RFC 4563 §4); all zero: not known, which a group that is
   * joined by MIKEYv2 may be. */
  uint8_t key_domain[3];
  uint16_t key_group;
  /* Not 0: nothing is asked for; the server brings MSKs by messages of 3GPP (TS 33.246 §6.4.5.1).
   * Key domain and group are known then. */
  int by_3gpp;
  /* Full library: the owner of the group's tree, which outlives the channel. Null: the group is
   * followed without GROUP_REKEY. */
  const keymast_tree* tree;
} keymast_group;

/* An SRTP key (MIKEYv2 §10). */
typedef struct {
  uint8_t mki[6];    /* MSK ID 4, MTK ID 2: what packets under this key have behind them */
  uint8_t key_size;  /* octets: 16 or 32 */
  uint8_t salt_size; /* octets: 12 or 14 */
  uint8_t key[32];   /* SRTP master key */
  uint8_t salt[14];  /* SRTP master salt */
} keymast_key;

/* A stream of a group, as the message said that brought it. */
typedef struct {
  uint32_t ssrc;
  uint32_t roc;     /* SRTP's roll-over counter (RFC 3711 §3.2.1) */
  uint16_t seq;     /* SRTP's highest sequence number, when has_seq is not 0 */
  uint16_t profile; /* IANA's number of an SRTP protection profile (RFC 5764 §4.1.2, RFC 7714
                     * §14.2); 0xff01: AES_256_CM_HMAC_SHA1_80, which has none */
  uint8_t has_seq;
} keymast_stream;

typedef enum {
  KEYMAST_NONE = 0,
  /* Keep `octets` where a loss of power does not take them, in place of those before, ere the next
   * action is taken; give them to keymast_receiver_init at the next start. They are no secrets, but
   * who can put older ones in their place can play recorded messages again. */
  KEYMAST_PERSIST,
  /* The key whose MKI is in `octets` is no longer to be used. Here it is wiped already. */
  KEYMAST_KEY_RETIRED,
  /* `key` may be used, until it is retired or the channel is left. */
  KEYMAST_KEY_INSTALLED,
  /* Send `octets` to the key server. */
  KEYMAST_SEND,
  /* The channel has keys: by a join, of the caller's or for keys that were missed, or its first MSK
   * by a message of 3GPP. keymast_receiver_streams tells its streams. */
  KEYMAST_JOINED,
  /* The join failed for `reason`; keys that the channel has stay, it may be joined again. */
  KEYMAST_FAILED,
  /* The server has taken the leave, KEYMAST_OK, or has not answered it, KEYMAST_UNAVAILABLE: the
   * channel is free. */
  KEYMAST_LEFT
} keymast_action_kind;

/* What the caller has to do. What its pointers point to is good until the next call that takes an
 * instant, or wipes. */
typedef struct {
  keymast_action_kind kind;
  uint8_t channel;       /* below KEYMAST_CHANNELS; 0 with KEYMAST_PERSIST */
  keymast_reason reason; /* of KEYMAST_FAILED, KEYMAST_LEFT */
  keymast_octets octets;
  const keymast_key* key; /* of KEYMAST_KEY_INSTALLED */
} keymast_action;

/* A context. It holds keys: it is never copied, moved or swapped out. */
typedef struct {
  uint64_t room[KEYMAST_CONTEXT_SIZE / 8];
} keymast_receiver;

/* Makes a context of memory that holds none: of a context that was made, wipe first. `saved` is
 * what the last KEYMAST_PERSIST gave, empty at the first start ever. KEYMAST_INVALID_ARGUMENT;
 * KEYMAST_CORRUPT and KEYMAST_NEWER_FORMAT: the context is as good as after a start with nothing
 * saved, but takes recorded MSK messages again. */
keymast_reason keymast_receiver_init(keymast_receiver* receiver, const keymast_crypto* crypto,
                                     const keymast_member* member, keymast_octets saved);

/* Ends a context that was made, and wipes all of it: it may be made anew, nothing else. */
void keymast_receiver_wipe(keymast_receiver* receiver);

/* All that follow take instants as milliseconds of a clock that never goes back, below 2^63,
 * whatever its beginning. When actions wait to be taken they are KEYMAST_FAILED_PRECONDITION and do
 * nothing, but for keymast_receiver_used and the questions. */

/* Begins to follow a group as `channel`, below KEYMAST_CHANNELS: asks for its keys, again if it
 * has asked before, for the group of before. One channel asks at a time, others wait. */
keymast_reason keymast_receiver_join(keymast_receiver* receiver, uint8_t channel,
                                     const keymast_group* group, uint64_t now);

/* Lets go of a channel and wipes its keys, which are retired without further notice. Where the
 * group has REPORT (MIKEYv2 §10) the full library tells the server, and KEYMAST_LEFT says when that
 * is done; until then a join of the channel takes the leave back. It needs a user key, or a ticket
 * of the group, of which two are kept for all channels: without, the channel is free at once, and
 * there is no KEYMAST_LEFT. */
keymast_reason keymast_receiver_leave(keymast_receiver* receiver, uint8_t channel, uint64_t now);

/* Takes a datagram of the MIKEY port, from the server or from the group's multicast address. Every
 * reason but KEYMAST_OK is a discard: nothing but counters changed, it is not to be answered. Of a
 * GROUP_REKEY whose tree is KEYMAST_TREE_NOT_YET the reason is KEYMAST_UNAVAILABLE: who keeps the
 * datagram may hand it in again when keys have come, MIKEYv2 §10 says how many at most. */
keymast_reason keymast_receiver_receive(keymast_receiver* receiver, keymast_octets datagram,
                                        uint64_t now);

/* When keymast_receiver_tick is due, an instant that may be past; KEYMAST_NEVER. */
uint64_t keymast_receiver_deadline(const keymast_receiver* receiver);
keymast_reason keymast_receiver_tick(keymast_receiver* receiver, uint64_t now);

/* Takes the next action in the order in which they have to be done. 0: there is none, and `action`
 * is KEYMAST_NONE. */
int keymast_receiver_next(keymast_receiver* receiver, keymast_action* action);

/* The key that packets with an MKI are under; null: none is held. Good as an action's key. */
const keymast_key* keymast_receiver_key(const keymast_receiver* receiver, uint8_t channel,
                                        keymast_octets mki);

/* Says that a packet under a key was authenticated: older keys go then, MIKEYv2 §10. It may be said
 * of every packet. KEYMAST_UNKNOWN_KEY. */
keymast_reason keymast_receiver_used(keymast_receiver* receiver, uint8_t channel,
                                     keymast_octets mki, uint64_t now);

/* Says that a packet came under an MKI that is not held: when that goes on for longer than the
 * window that the group announced, its keys are asked for, at a random moment; packets that are
 * authenticated meanwhile under an older MSK put that off, 16 windows long at most (MIKEYv2 §10).
 * It may be said of every such packet. */
keymast_reason keymast_receiver_missing(keymast_receiver* receiver, uint8_t channel,
                                        keymast_octets mki, uint64_t now);

/* The streams of a channel, until its next KEYMAST_JOINED or KEYMAST_KEY_INSTALLED. */
const keymast_stream* keymast_receiver_streams(const keymast_receiver* receiver, uint8_t channel,
                                               size_t* count);

/* The stable name of a reason, as "authentication_failed". */
const char* keymast_reason_name(keymast_reason reason);

#ifdef __cplusplus
}
#endif

#endif /* KEYMAST_RECEIVER_H */
