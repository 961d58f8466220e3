// SPDX-License-Identifier: Apache-2.0
// Field masks of requests (AIP-134, AIP-157).
#pragma once

#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/message.h>

#include <span>
#include <string_view>

#include "base/error.h"

namespace keymast::server {

// CheckReadMask wants a mask of fields of `type`; an empty one means all. kInvalidArgument.
tl::expected<void, Failure> CheckReadMask(const google::protobuf::FieldMask& mask,
                                          const google::protobuf::Descriptor& type);

// Trim leaves of a message what the mask names.
void Trim(const google::protobuf::FieldMask& mask, google::protobuf::Message& message);

// Merge puts into `into`, which is the resource as it is, what an update asks for: the fields that
// the mask names, all that may change for `*`, and without a mask those that are set. `changeable`
// are the fields that may change. kInvalidArgument names what of the mask is wrong.
tl::expected<void, Failure> Merge(const google::protobuf::Message& asked,
                                  const google::protobuf::FieldMask* mask,
                                  std::span<const std::string_view> changeable,
                                  google::protobuf::Message& into);

}  // namespace keymast::server
