// SPDX-License-Identifier: Apache-2.0
// What is shown of an answer to `--fields`: what was not asked for is not there, and not empty.
#pragma once

#include <google/protobuf/field_mask.pb.h>

#include "cli/context.h"

namespace keymast::cli {

// ReadMaskOf is the mask that a read was given; null of one that asks for everything.
const google::protobuf::FieldMask* ReadMaskOf(const google::protobuf::Message& request);

// ShowMasked prints the fields of the mask alone, in its order: of a resource, or of each one in an
// answer that lists several. The mask is one that the server has taken.
Outcome<void> ShowMasked(Context& context, const google::protobuf::Message& response,
                         const google::protobuf::FieldMask& mask);

}  // namespace keymast::cli
