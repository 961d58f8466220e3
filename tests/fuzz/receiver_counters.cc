// SPDX-License-Identifier: Apache-2.0
// The files of COUNTERs and of a ticket: whatever is read is written the same way again.
#include "base/bytes.h"
#include "base/check.h"
#include "crypto/primitives.h"
#include "receiver/counter_file.h"
#include "receiver/member_state.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keymast;
  const std::string text(AsText(ByteView(data, size)));
  // With its own digest behind it, so that the rows are reached.
  const std::string digested = text + "sha256 " + ToHex(crypto::Sha256(AsBytes(text))) + "\n";
  for (const std::string& candidate : {text, digested}) {
    const Result<receiver::CounterRows> rows = receiver::CountersFromText(candidate);
    if (rows) KEYMAST_CHECK(receiver::CountersFromText(receiver::ToText(*rows)) == *rows);
  }
  // A ticket has its digest behind it as octets.
  Bytes ticket(data, data + size);
  const auto digest = crypto::Sha256(ticket);
  ticket.insert(ticket.end(), digest.begin(), digest.end());
  const auto read = receiver::TicketFromOctets(crypto::DefaultSuite(), ticket);
  if (read) {
    Bytes again(receiver::kMaxTicketFile);
    const auto length = receiver::TicketToOctets(*read, again);
    KEYMAST_CHECK(!length || Equal(ByteView(again).first(*length), ticket));
  }
  return 0;
}
