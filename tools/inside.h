// SPDX-License-Identifier: Apache-2.0
// What is inside some payloads' octets, as JSON: SRTP parameters, Key IDs, other extensions,
// identities that are text. What has no such reading stays hexadecimal, in both directions.
#pragma once

#include <optional>
#include <string>

#include "mikey/message.h"
#include "tools/json_io.h"

namespace keymast::tools {

// ShowInside puts the structure in the place of the octets when it is written back to the same.
void ShowInside(const mikey::SpPayload& payload, Json& json);
void ShowInside(const mikey::ExtPayload& payload, Json& json);
void ShowInside(const mikey::IdPayload& payload, Json& json);
void ShowInside(const mikey::IdrPayload& payload, Json& json);
template <class P>
void ShowInside(const P&, Json&) {}

// HideInside puts octets back in the place of a structure, by the payload's type; the result says
// what is wrong with it, empty when nothing is.
std::string HideInside(mikey::PayloadType type, Json& json);

}  // namespace keymast::tools
