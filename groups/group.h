// SPDX-License-Identifier: Apache-2.0
// Who may have what: channels, subscribers, members and headends as values, and the rules that need
// no keys. Instants are on the anchored time line (base/time.h).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"

namespace keymast::groups {

// kMaxSources of a group: this server's address and those of the headends.
inline constexpr size_t kMaxSources = 8;

struct Multicast {
  Endpoint mtk;                   // group address and port of MTK messages
  std::string interface_address;  // empty: the system's choice
  uint8_t ttl = 0;
  uint8_t dscp = 0;
  std::vector<Endpoint> sources;  // where packets come from alone, port 0; none: anywhere
  friend bool operator==(const Multicast&, const Multicast&) = default;
};

struct Stream {
  std::string media;  // SDP media type
  uint16_t port = 0;  // SRTP on the channel's group address; SRTCP on port + 1
  Ssrc ssrc;
  uint8_t payload_type = 0;
  std::string rtpmap;
  std::string fmtp;
  std::optional<uint16_t> initial_sequence;
  friend bool operator==(const Stream&, const Stream&) = default;
};

enum class LeavePolicy : uint8_t { kImmediate = 1, kBatched = 2, kNextMsk = 3 };

// KeyPolicy's defaults are those of docs/architecture.md.
struct KeyPolicy {
  Duration mtk_period = std::chrono::seconds(10);
  Duration mtk_lead = std::chrono::seconds(2);
  Duration mtk_repetition = std::chrono::milliseconds(500);
  Duration msk_period = std::chrono::hours(1);
  Duration msk_lead = std::chrono::seconds(60);
  Duration msk_give_up = std::chrono::seconds(8);
  Duration exclusion_lead = std::chrono::milliseconds(200);
  LeavePolicy leave = LeavePolicy::kImmediate;
  Duration batch_window = std::chrono::seconds(5);
  uint16_t mtk_ids_per_msk = 65535;
  uint16_t max_datagram = 1400;
  uint32_t msk_pacing_rate = 50000;
  // Age up to which a scheduled MSK change waits for the end of a blackout; zero: 2 × msk_period.
  Duration msk_longest_life{};
  friend bool operator==(const KeyPolicy&, const KeyPolicy&) = default;
};

struct Channel {
  ChannelId id;
  std::string display_name;
  Multicast multicast;
  std::vector<Stream> streams;
  KeyDomainId key_domain;
  KeyGroup key_group;
  SrtpProfile profile = SrtpProfile::kAesCm128HmacSha1_80;
  KeyPolicy policy;
  Instant created{};
  uint64_t revision = 0;  // raised by each change of the definition; in the etag
};

struct Subscriber {
  SubscriberId id;
  std::string identity;  // NAI, IDr of MIKEY messages, unique
  Instant created{};
  uint64_t revision = 0;
  // How often it left a group that it had keys of, or was removed from one: joins that it sent
  // before are not taken any more (MIKEYv2 §8).
  uint32_t leaves = 0;
  // Certificates that its last join showed whole, leaf first, or none: a later one may name them by
  // hash (MIKEYv2 §6 rule 4). They are judged at each use. 4 and kMaxKeptCertificates octets at
  // most.
  std::vector<Bytes> certificates = {};
};
inline constexpr size_t kMaxKeptCertificates = 4096;

struct Member {
  SubscriberId subscriber;
  Instant entitled_from = Instant::min();
  Instant entitled_until = kNever;
  Endpoint msk_endpoint;
  bool joined = false;
  MskId confirmed;  // last MSK whose verification came; number 0: none
  Instant created{};
  uint64_t revision = 0;
  // The keys-given mark (MIKEYv2 §7): the newest MSK that an answer to a join may have brought
  // since the last leave, whether or not the join was ever finished; number 0: none.
  MskId given;
  // Of its leaf: raised by each leave, and above that of an earlier member of this name.
  uint32_t generation = 0;
  // It joined without saying that it takes the MSK messages of 3GPP (MIKEYv2 §10, feature 5).
  bool no_msk_messages = false;
  // It said that it reports: it may be sent KEYS that it did not ask for (feature 6).
  bool takes_keys = false;
  // Greatest T of its REPORTs (MIKEYv2 §10).
  uint32_t report_t = 0;

  // HoldsKeys: it may, so that keys must change when it goes.
  bool HoldsKeys() const { return joined || given.number.value != 0; }
  // MSKs go to it by themselves: by messages of 3GPP, or by KEYS.
  bool TakesMskMessages() const { return joined && !no_msk_messages; }
  bool TakesKeys() const { return joined && no_msk_messages && takes_keys; }
  bool IsPushedTo() const { return TakesMskMessages() || TakesKeys(); }
  bool EntitledAt(Instant now) const { return entitled_from <= now && now < entitled_until; }
};

struct Headend {
  HeadendId id;
  std::array<uint8_t, 32> public_key{};
  std::vector<ChannelId> channels;
  Instant created{};
  uint64_t revision = 0;
};

// CheckPolicy checks the key policy as a whole and names every field that is wrong by its API path
// (`channel.policy.mtk_lead`). The rules, besides ranges and whole milliseconds:
//   MTK lead >= 2 × repetition, and < MTK period;
//   MTK period × MTK IDs >= MSK period;
//   MSK lead >= MTK lead, >= members ÷ pacing rate + give-up time, and < MSK period.
// The exclusion lead is on its own. SRTP's limits (RFC 3711 §9.2) are out of reach of the longest
// MTK period. `members`: those to be served.
std::vector<FieldViolation> CheckPolicy(const KeyPolicy& policy, uint64_t members);

// CheckChannel checks the definition (ids, addresses, ports, SSRCs, profile, policy).
std::vector<FieldViolation> CheckChannel(const Channel& channel);
// CheckNewChannel wants besides what channels of earlier versions need not have: sources, in a
// range that is for source-specific multicast alone.
std::vector<FieldViolation> CheckNewChannel(const Channel& channel);

// IsResourceId says whether `id` is 1 to 63 of [a-z0-9-], beginning with a letter.
bool IsResourceId(std::string_view id);
inline constexpr std::string_view kResourceIdRule =
    "must be 1 to 63 of [a-z0-9-], beginning with a letter";

// IsIdentity says whether `identity` can be the IDr of MIKEY messages: a NAI.
bool IsIdentity(std::string_view identity);
inline constexpr std::string_view kIdentityRule =
    "must be 1 to 255 octets without spaces, as user@example.org";

}  // namespace keymast::groups
