// SPDX-License-Identifier: Apache-2.0
// Any octets as a MIKEY message: what parses is written back to the same octets, has at most one
// form, and is shown to its last octet.
#include "base/check.h"
#include "mikey/dump.h"
#include "mikey/grammar.h"
#include "mikey/message.h"
#include "mikey/v2/grammar.h"

namespace {

using namespace keymast;
using namespace keymast::mikey;

// Extent follows the places of the fields that a dump shows.
class Extent : public FieldSink {
 public:
  void Open(std::string_view, std::string_view, size_t) override { ++depth_; }
  void Add(const Field& field) override {
    KEYMAST_CHECK(field.kind != Field::Kind::kOctets || field.octets.size() == field.length);
    end_ = std::max(end_, field.offset + field.length);
  }
  void Close(size_t) override { --depth_; }
  size_t end() const { return end_; }
  int depth() const { return depth_; }

 private:
  size_t end_ = 0;
  int depth_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView octets(data, size);
  Extent extent;
  const Status dumped = Dump(octets, extent);
  KEYMAST_CHECK(extent.end() == size && extent.depth() == 0);
  Message message;
  const Status parsed = ParseMessage(octets, message);
  KEYMAST_CHECK(parsed.has_value() == dumped.has_value());
  if (!parsed) return 0;
  Bytes out(size);
  KEYMAST_CHECK(WriteMessage(message, out) == Result<size_t>(size));
  KEYMAST_CHECK(Equal(out, octets));
  if (const Result<Form> form = FormOf(message.header.data_type)) {
    (void)CheckGrammar(message, *form);
  }
  for (size_t i = 0; i < v2::kFormCount; ++i) {
    (void)v2::ReadParts(message, static_cast<v2::Form>(i));
  }
  return 0;
}
