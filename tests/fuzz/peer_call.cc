// SPDX-License-Identifier: Apache-2.0
// One side of a session of two: descriptions and datagrams of the other one, in any order.
#include "tests/fuzz/peer_side.h"
#include "tools/peer_report.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keymast;
  Reader reader({data, size});
  tools::Side side(true, (reader.U8() & 1) != 0);
  for (size_t steps = 0; steps < 64 && !reader.empty(); ++steps) {
    const auto kind = static_cast<tools::StepKind>(reader.U8() % tools::kStepKinds);
    const ByteView octets = reader.Take(std::min<size_t>(reader.U16(), reader.remaining()));
    Bytes copy(octets.begin(), octets.end());
    static_cast<void>(side.Do(kind, copy));
    static_cast<void>(side.call().TakeOut());
    static_cast<void>(side.call().media().TakePlain());
  }
  static_cast<void>(tools::ReportOf(side.call()));
  return 0;
}
