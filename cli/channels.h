// SPDX-License-Identifier: Apache-2.0
// Channels, as commands of several groups read and show them.
#pragma once

#include "cli/context.h"
#include "keymast/v1/channel.pb.h"

namespace keymast::cli {

Outcome<v1::Channel> FetchChannel(Context& context, const std::string& name);

// SlotCell gives MSK ID and MTK ID, as `00010001/7`; empty when there is none.
std::string SlotCell(const v1::KeySlot& slot);

// ParseStream reads `video:5004:0xa0000001:96:H264/90000[:fmtp]`.
Outcome<v1::Stream> ParseStream(const std::string& text);

// Overlay puts each field that `from` has in place of that of `onto`.
void Overlay(const google::protobuf::Message& from, google::protobuf::Message& onto);

}  // namespace keymast::cli
