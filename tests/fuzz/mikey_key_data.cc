// SPDX-License-Identifier: Apache-2.0
// Any octets as decrypted key data, alone and behind an identity: what parses is written back to
// the same octets, and is shown to its last octet.
#include "base/check.h"
#include "mikey/dump.h"
#include "mikey/key_data.h"

namespace {

using namespace keymast;
using namespace keymast::mikey;

class Extent : public FieldSink {
 public:
  void Open(std::string_view, std::string_view, size_t) override {}
  void Add(const Field& field) override { end_ = std::max(end_, field.offset + field.length); }
  void Close(size_t) override {}
  size_t end() const { return end_; }

 private:
  size_t end_ = 0;
};

void Reads(ByteView plain, bool has_id) {
  std::array<KeyDataPayload, 8> keys;
  IdPayload id;
  const Result<size_t> count =
      has_id ? ParseIdAndKeyData(plain, id, keys) : ParseKeyData(plain, keys);
  Extent extent;
  const PayloadType first = has_id ? PayloadType::kId : PayloadType::kKeyData;
  const Status dumped = DumpKeyData(plain, 0, extent, first);
  if (!count) return;
  KEYMAST_CHECK(dumped && extent.end() == plain.size());
  Bytes out(plain.size());
  const auto used = std::span(keys).first(*count);
  KEYMAST_CHECK(WriteKeyData(used, out, has_id ? &id : nullptr) == Result<size_t>(plain.size()));
  KEYMAST_CHECK(Equal(out, plain));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reads({data, size}, false);
  Reads({data, size}, true);
  return 0;
}
