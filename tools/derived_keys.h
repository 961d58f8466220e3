// SPDX-License-Identifier: Apache-2.0
// The keys that follow from what a message carries.
#pragma once

#include <string>
#include <vector>

#include "mikey/message.h"
#include "tools/authenticate.h"

namespace keymast::tools {

// DerivedKey is one of them, with the clause that it is derived by.
struct DerivedKey {
  std::string name;
  std::string_view clause;
  crypto::SecretBytes octets;
};
using DerivedKeys = std::vector<DerivedKey>;

// AddTransportKeys adds the keys that protect the message itself (RFC 3830 §4.1.4): that of the
// MAC, and cipher key and salt where something is encrypted by AES-CM.
void AddTransportKeys(const crypto::Suite& suite, const Secret& secret,
                      const mikey::Message& message, mikey::MacAlg mac, DerivedKeys& out);

// AddTrafficKeys adds TEK and, where the TGK comes without one, salt of every crypto session
// (RFC 3830 §4.1.3). Lengths are those of the session's policy, by default 16 and 14 octets; a
// salt for AES-GCM has 12 (RFC 7714 §14.2). In a group answer of RSA-R the CSB ID of the extension
// takes the place of the header's (RFC 4738 §3.6).
void AddTrafficKeys(const crypto::Suite& suite, ByteView rand, const mikey::Message& message,
                    const mikey::KeyDataPayload& key_data, DerivedKeys& out);

// GroupCsbId is the CSB ID of that extension (RFC 4738 §3.9.3), if the message has it.
std::optional<CsbId> GroupCsbId(const mikey::Message& message);

}  // namespace keymast::tools
