// SPDX-License-Identifier: Apache-2.0
// What keymast-api does with octets from the core socket: frames, replies, errors, metrics.
#include "api/core_link.h"
#include "api/error_map.h"
#include "api/exposition.h"
#include "api/methods.h"
#include "framing/frame.h"

namespace {

void Use(keymast::core::CoreReply& reply) {
  using namespace keymast::api;
  if (reply.has_error()) ToStatus(keymast::api::FailureOf(reply.error()));
  if (reply.has_metrics()) {
    static const RequestMetrics none(Methods().size());
    Exposition(reply.metrics(), none, {});
  }
  for (const Method& method : Methods()) {
    keymast::core::CoreReply copy = reply;
    const std::unique_ptr<google::protobuf::Message> into(
        google::protobuf::MessageFactory::generated_factory()
            ->GetPrototype(method.descriptor->output_type())
            ->New());
    TakeReply(method, copy, *into);
  }
}

}  // namespace

// The first octet says into how large pieces the rest is cut.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = data[0] + size_t{1};
  keymast::ByteView rest(data + 1, size - 1);
  keymast::framing::FrameReader frames;
  while (!rest.empty()) {
    const keymast::MutableBytes room = frames.Room();
    const size_t count = std::min({room.size(), rest.size(), piece});
    std::copy_n(rest.begin(), count, room.begin());
    frames.Filled(count);
    rest = rest.subspan(count);
    for (auto frame = frames.Next(); frame; frame = frames.Next()) {
      keymast::core::CoreReply reply;
      if (reply.ParseFromArray(frame->data(), static_cast<int>(frame->size()))) Use(reply);
    }
  }
  return 0;
}
