/* SPDX-License-Identifier: Apache-2.0
 * The headers as a C11 program sees them, and the layout that it may count on. */
#include <keymast/receiver.h>
#include <keymast/receiver_crypto.h>
#include <keymast/receiver_x509.h>

_Static_assert(sizeof(keymast_receiver) <= 16 * 1024, "a context of four channels");
_Static_assert(KEYMAST_CHANNELS == 4, "channels");
_Static_assert(sizeof(keymast_key) == 54, "a key stands in itself");

keymast_reason keymast_test_join_from_c(keymast_receiver* receiver, uint64_t now);
const char* keymast_test_name_of_no_reason(void);

/* Called by the tests: what a C program's call looks like. */
keymast_reason keymast_test_join_from_c(keymast_receiver* receiver, uint64_t now) {
  static const uint8_t uri[] = "mikey://example.org/tv";
  const keymast_group group = {{uri, sizeof uri - 1}, {0, 0, 0}, 0, 0, NULL};
  return keymast_receiver_join(receiver, 0, &group, now);
}

/* A number that no reason has, as C programs can make one. */
const char* keymast_test_name_of_no_reason(void) {
  return keymast_reason_name((keymast_reason)(KEYMAST_INTERNAL + 1));
}
