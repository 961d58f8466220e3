// SPDX-License-Identifier: Apache-2.0
// What came in a datagram is what came in SDP (MIKEYv2 §12). A message is believed only when its
// proof has verified: these ask what it says, not who says it.
#pragma once

#include "sdp/session.h"

namespace keymast::sdp {

// SessionIn is TLV `session` of a message's CAP payload, a view into it; empty: there is none.
// kPayloadMissing for a message without CAP payload, and what reading it gives.
Result<ByteView> SessionIn(ByteView message);

// BoundTlvs gives the TLVs of a message's CAP payload but for cookie, fresh and ticket, in the form
// of a=mikeyv2-cap; unknown ones are among them. Errors as SessionIn.
Result<Bytes> BoundTlvs(ByteView message);

// CheckBound is kPolicyViolation for a message of another session, or with other capabilities, than
// its sender told in SDP. Where SDP has the message itself (RFC 4567), capabilities may be left out
// there.
Status CheckBound(const Keying& told, ByteView message);

// CheckTold is the same of the TLVs of a CAP payload.
Status CheckTold(const Keying& told, ByteView tlvs);

// CheckFingerprint: with a fingerprint in SDP only an exchange counts that this certificate proved.
// `proven` is SHA-256 of the certificate that did; nothing: none did. kCertificateUntrusted.
Status CheckFingerprint(const Keying& told, const std::optional<Fingerprint>& proven);

// CheckProtocols is asked of a CAP that came by a=key-mgmt: EXT 1 lists what was offered, in order
// (MIKEYv2 §12), so that nobody took a better one away. kPolicyViolation.
Status CheckProtocols(const Keying& offer, ByteView cap);

}  // namespace keymast::sdp
