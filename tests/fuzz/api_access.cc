// SPDX-License-Identifier: Apache-2.0
// What keymast-api reads of a call before it lets it in: the trace that it belongs to, and which
// channels its request names. The first octet picks the method, 255 a `traceparent`.
#include "api/grants.h"
#include "api/methods.h"
#include "api/reach.h"
#include "api/trace_context.h"
#include "base/bytes.h"
#include "base/check.h"

namespace {

using namespace keymast::api;

// What is taken is written the same again, as far as version 00 has it.
void ReadTrace(std::string_view text) {
  const auto context = ParseTraceparent(text);
  if (!context) return;
  const std::string written = context->ToString();
  KEYMAST_CHECK(written.substr(3, 49) == text.substr(3, 49));
  const auto again = ParseTraceparent(written);
  KEYMAST_CHECK(again && again->ToString() == written);
}

// Who has some channels may name no other; the channel of spans is one that a channel may have.
void ReadRequest(const Method& method, keymast::ByteView octets) {
  const std::unique_ptr<google::protobuf::Message> request(
      google::protobuf::MessageFactory::generated_factory()
          ->GetPrototype(method.descriptor->input_type())
          ->New());
  if (!request->ParseFromArray(octets.data(), static_cast<int>(octets.size()))) return;
  ChannelSet some, all;
  KEYMAST_CHECK(some.Add("one") && some.Add("studio-a-*") && all.Add("*"));
  const bool within_some = IsWithin(some, method.reach, *request);
  KEYMAST_CHECK(!within_some || IsWithin(all, method.reach, *request));
  const std::string id = ChannelIn(method.reach, *request);
  KEYMAST_CHECK(id.empty() || IsChannelId(id));
  if (within_some && !id.empty()) KEYMAST_CHECK(some.Has(id));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const keymast::ByteView rest(data + 1, size - 1);
  if (data[0] == 255) {
    ReadTrace(keymast::AsText(rest));
  } else {
    ReadRequest(Methods()[data[0] % Methods().size()], rest);
  }
  return 0;
}
