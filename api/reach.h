// SPDX-License-Identifier: Apache-2.0
// Which channels a request is about, so that who has a role for some channels alone is held to
// them before anything else of the request is looked at (AIP-211).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "api/grants.h"

namespace keymast::api {

enum class ReachKind : uint8_t {
  kNothing,   // of a channel: for who has the role for all alone
  kNew,       // makes the channel whose id its first field has
  kNamed,     // one channel, or some: its first field names them
  kMany,      // all that the caller may see, which keymastd picks by the scope of the frame
  kCurtailed  // nothing of a channel; who has the role for some is answered with a part of it
};

// Reach is what one method touches.
struct Reach {
  using Path = std::vector<const google::protobuf::FieldDescriptor*>;
  ReachKind kind = ReachKind::kNothing;
  // Fields of the request that name channels, or what belongs to one. Of kNew and kNamed the first
  // must be set; what is set must be within the scope.
  std::vector<Path> fields = {};
  // Of kCurtailed: fields of the answer that stay.
  std::vector<const google::protobuf::FieldDescriptor*> kept = {};
};

// ReachOf reads the row of a method, named as `Channels.GetChannel`. One without a row reaches
// kNothing. A row whose fields the messages do not have aborts.
Reach ReachOf(std::string_view name, const google::protobuf::MethodDescriptor& method);

// HasReach says whether a method has a row.
bool HasReach(std::string_view name);

// IsWithin says whether `request` stays within `channels`. Names that no resource has are not.
bool IsWithin(const ChannelSet& channels, const Reach& reach,
              const google::protobuf::Message& request);

// ChannelIn gives the id of the channel that `request` names first; empty when it names none.
std::string ChannelIn(const Reach& reach, const google::protobuf::Message& request);

// Curtail leaves of the answer what `reach` keeps.
void Curtail(const Reach& reach, google::protobuf::Message& answer);

}  // namespace keymast::api
