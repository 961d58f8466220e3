// SPDX-License-Identifier: Apache-2.0
// The session description that a receiver starts from; it holds no keys.
#pragma once

#include <string>

#include "groups/group.h"

namespace keymast::server {

// SdpOf describes a channel (RFC 8866, transport RTP/SAVP of RFC 3711 §12, docs/receiver.md).
// The text depends on the channel's definition alone, so that it is the same after a restart.
// `join` is the value of a=mikeyv2-join (MIKEYv2 §12); empty: there is none.
std::string SdpOf(const groups::Channel& channel, const std::string& join = {});

}  // namespace keymast::server
