// SPDX-License-Identifier: Apache-2.0
// Any octets at the MIKEY port of a server that waits for two answers: they are discarded and
// counted, or they are one of the answers.
#include "tests/fuzz/verification_world.h"

using namespace keymast;
using namespace keymast::controller;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Waiting waiting;
  static Instant now = kNow;
  now += std::chrono::seconds(1);  // the limit of failures must not hide what lies behind it
  const uint64_t discards = waiting.Discards();
  const uint64_t accepted = waiting.server.counters().msk_verifications;
  const Step step = waiting.server.OnDatagram({}, {data, size}, now);
  KEYMAST_CHECK(step.datagrams.empty());
  const bool believed = waiting.server.counters().msk_verifications > accepted;
  KEYMAST_CHECK(believed == !step.changes.empty());
  KEYMAST_CHECK(waiting.Discards() == discards + (believed ? 0 : 1));
  return 0;
}
