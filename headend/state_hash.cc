// SPDX-License-Identifier: Apache-2.0
#include "crypto/primitives.h"
#include "headend/headend.h"

namespace keymast::headend {
namespace {

// Text holds public values only: keys are told by their names.
void Add(std::string& text, uint64_t value) { text += std::to_string(value) + " "; }
void Add(std::string& text, const std::string& value) {
  Add(text, value.size());
  text += value + " ";
}

void Add(std::string& text, const Announced& key) {
  Add(text, key.name.msk.value());
  Add(text, key.name.mtk.value);
  Add(text, static_cast<uint64_t>(ToUnixNanos(key.switch_at)));
  Add(text, key.epoch);
}

void Add(std::string& text, const Channel& channel) {
  const ChannelDefinition& definition = channel.definition();
  Add(text, definition.id.value);
  Add(text, static_cast<uint64_t>(definition.created));
  Add(text, ToString(definition.group));
  Add(text, static_cast<uint64_t>(definition.profile));
  if (channel.keys().current() != nullptr) Add(text, channel.keys().current()->key);
  Add(text, channel.keys().announced().size());
  for (const KeySlot& slot : channel.keys().announced()) Add(text, slot.key);
  for (const Stream& stream : channel.streams()) {
    Add(text, stream.definition().ssrc.value);
    Add(text, stream.sequencer().next().value);
    Add(text, stream.sequencer().restarts());
    Add(text, stream.counters().rtcp_out);
  }
}

}  // namespace

std::array<uint8_t, 32> Headend::StateHash() const {
  std::string text;
  for (const auto& [id, channel] : channels_) Add(text, *channel);
  return crypto::Sha256(AsBytes(text));
}

}  // namespace keymast::headend
