// SPDX-License-Identifier: Apache-2.0
// One channel at a headend: its definition, its streams, its keys, and whether it may send.
#pragma once

#include <vector>

#include "base/endpoint.h"
#include "crypto/rng.h"
#include "headend/stream.h"

namespace keymast::headend {

// ChannelDefinition is a channel as the server defines it, as far as a headend needs it.
struct ChannelDefinition {
  ChannelId id;
  int64_t created = 0;  // ns since the Unix epoch: tells apart channels made with one name
  Endpoint group;       // port 0
  std::string interface_address;
  std::vector<Endpoint> sources;  // addresses that receivers take packets from alone; none: any
  uint8_t ttl = 0;
  uint8_t dscp = 0;
  std::vector<StreamDefinition> streams;
  KeyDomainId domain;
  KeyGroup key_group;
  SrtpProfile profile = SrtpProfile::kAesCm128HmacSha1_80;
  size_t max_datagram = 1400;
  Duration mtk_period{};
  friend bool operator==(const ChannelDefinition&, const ChannelDefinition&) = default;
};

// IsSameOnAir: nothing differs but the policy, so that streams and keys go on.
bool IsSameOnAir(const ChannelDefinition& a, const ChannelDefinition& b);

// Silence is why a channel sends nothing.
enum class Silence : uint8_t { kNone, kNoKey, kOverrun };
std::string_view SilenceName(Silence silence);  // empty for kNone

// Positions are packet indexes by stream.
using Positions = std::map<Ssrc, PacketIndex>;

// TrafficKey is an MTK as it came out of its box.
struct TrafficKey {
  Announced announced;
  crypto::Key32 key;
  crypto::Salt14 salt;
};

class Channel {
 public:
  // Goes on above what `kept` says was used, and above `reported`, the highest index that the
  // server was told of each stream, by this headend or an earlier one. `mki_with_domain`: the MKI
  // begins with the key domain.
  Channel(ChannelDefinition definition, const State& kept, const Positions& reported,
          bool mki_with_domain, crypto::Rng& rng);

  // Announce takes a key that came at `now`; see KeySlots. kUnknownKey: of another key group.
  Result<KeySlots::Outcome> Announce(const TrafficKey& key, Instant now);
  // Advance switches when an instant has come. True if it did.
  bool Advance(Instant now);
  // ServerAway and ServerBack say since when nobody could have announced a key.
  void ServerAway(Instant since, Duration max_overrun);
  void ServerBack();
  // SetPolicy takes over what may differ in a definition that is the same on air: the MTK period
  // and the limit for datagrams.
  void SetPolicy(const ChannelDefinition& definition);

  // OnDatagram protects one datagram of the encoder for a stream, in place; see Stream. Errors of
  // its own: kUnknownKey, there is none yet; kOutsideInterval, the key is past its time and the
  // server away; kFailedPrecondition, RTCP under a key whose SRTCP indexes may have been used.
  Result<size_t> OnDatagram(size_t stream, bool rtcp, MutableBytes buffer, size_t length,
                            Instant now);

  Silence SilenceAt(Instant now) const;
  // Position is the highest index of a stream and the key it went out under; nothing before the
  // first packet.
  struct Position {
    KeyName key;
    PacketIndex index;
  };
  const std::optional<Position>& position(size_t stream) const { return positions_.at(stream); }

  // IsDurable is false while something should be made durable; AddTo puts it into a state.
  bool IsDurable() const;
  void AddTo(State& state) const;
  // Durable says that a state is durable now.
  void Durable(const State& state);

  // lead is how long before its instant the last new key came. Far from the channel's MTK lead, the
  // clocks of server and headend disagree, or the way between them is slow.
  std::optional<Duration> lead() const { return lead_; }
  const ChannelDefinition& definition() const { return definition_; }
  const KeySlots& keys() const { return keys_; }
  const std::vector<Stream>& streams() const { return streams_; }
  Bytes MkiOf(const KeyName& key) const;

 private:
  bool MayProtectRtcp(const KeyName& key) const;
  void Plan();

  ChannelDefinition definition_;
  bool mki_with_domain_;
  std::vector<Stream> streams_;
  std::vector<std::optional<Position>> positions_;
  KeySlots keys_;
  std::optional<Duration> lead_;
  // RTCP goes out under keys above `spent_` up to `claimed_`, which is durable.
  KeyName spent_;
  KeyName claimed_;
  KeyName newest_;
  Instant away_since_ = kNever;
  Duration max_overrun_{};
  Instant silent_from_ = kNever;
};

}  // namespace keymast::headend
