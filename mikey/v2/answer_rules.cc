// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/answer_rules.h"

#include <bitset>

#include "mikey/v2/group_contents.h"

namespace keymast::mikey::v2 {
namespace {

// MIKEYv2 §9: type, length 1, value of each parameter.
constexpr uint8_t kCm80[] = {0,  1, 1, 1, 1, 16, 2, 1,  1, 3, 1,  20, 4, 1,
                             14, 7, 1, 1, 8, 1,  1, 10, 1, 1, 11, 1,  10};
constexpr uint8_t kCm32[] = {0,  1, 1, 1, 1, 16, 2, 1,  1, 3, 1,  20, 4, 1,
                             14, 7, 1, 1, 8, 1,  1, 10, 1, 1, 11, 1,  4};
constexpr uint8_t kGcm128[] = {0, 1, 6, 1, 1, 16, 2, 1, 0, 4, 1, 12, 7, 1, 1, 8, 1, 1, 20, 1, 16};
constexpr uint8_t kGcm256[] = {0, 1, 6, 1, 1, 32, 2, 1, 0, 4, 1, 12, 7, 1, 1, 8, 1, 1, 20, 1, 16};
struct ProfileParams {
  uint16_t profile;
  ByteView params;
};
constexpr ProfileParams kProfiles[] = {
    {0x0001, kCm80}, {0x0002, kCm32}, {0x0007, kGcm128}, {0x0008, kGcm256}};

// MapPolicies are all policy numbers of the map, and whether each stream names some.
struct MapPolicies {
  std::bitset<256> numbers;
  bool is_sound = true;

  void Take(const GenericIdEntry& entry) {
    is_sound = is_sound && !entry.policies.empty() && !entry.session_data.empty();
    for (const uint8_t number : entry.policies) numbers.set(number);
  }
};

MapPolicies PoliciesOf(const Header& header) {
  MapPolicies found;
  Reader reader(header.map);
  ReadIo io(reader);
  for (unsigned i = 0; i < header.cs_count; ++i) {
    GenericIdEntry entry;
    GenericIdEntry::Describe(io, entry);
    found.Take(entry);
  }
  return found;
}

size_t CountOf(const Contents& contents, KeyDataType type) {
  return static_cast<size_t>(std::ranges::count_if(
      contents.keys, [type](const KeyDataPayload& key) { return key.type == type; }));
}

// Nothing of a group stands beside the keys.
bool HasKeysAlone(const Contents& contents) {
  return contents.rands.empty() && contents.msks.empty() && !contents.csb_id && !contents.member;
}

bool HasTicketAlone(const Contents& contents) {
  const size_t tickets = CountOf(contents, KeyDataType::kTicket);
  return tickets <= 1 && tickets == contents.keys.size() && HasKeysAlone(contents);
}

// Zeros in the join ask for any (MIKEYv2 §3.4).
bool IsOfJoin(const Contents& contents, const KeyIds& join) {
  const KeyDomainId any{};
  for (const MskState& state : contents.msks) {
    const KeyGroup group = MskId::FromValue(state.msk).group;
    const bool is_domain = join.domain == any || Equal(join.domain.octets, state.domain);
    const bool is_group = join.msk.group == KeyGroup() || join.msk.group == group;
    if (!is_domain || !is_group) return false;
  }
  return true;
}

// The group that a member is told of: that of its first MSK.
GroupName NameOf(const Contents& contents) {
  GroupName name;
  const MskState& first = contents.msks[0];
  std::copy(first.domain.begin(), first.domain.end(), name.domain.octets.begin());
  name.key_group = MskId::FromValue(first.msk).group;
  name.csb_id = *contents.csb_id;
  return name;
}

Status Malformed(bool is_sound) { return is_sound ? Status() : Err(Error::kMalformed); }

}  // namespace

std::optional<uint16_t> ProfileOf(ByteView params) {
  for (const ProfileParams& row : kProfiles) {
    if (Equal(row.params, params)) return row.profile;
  }
  return std::nullopt;
}

Status CheckPolicies(const Brought& brought, const Profiles& chosen) {
  if (brought.streams.sessions.empty()) return {};
  MapPolicies map = PoliciesOf(brought.message.header);
  FixedList<uint16_t, kMaxPolicies> used;
  for (const CsbPolicy& policy : brought.streams.policies) {
    const std::optional<uint16_t> profile = ProfileOf(policy.params.view());
    if (!profile || !map.numbers.test(policy.number)) return Err(Error::kMalformed);
    used.Add(*profile);
    map.numbers.reset(policy.number);
  }
  const auto is_in = [](const auto& list) {
    return [&list](uint16_t profile) { return std::ranges::find(list, profile) != list.end(); };
  };
  return Malformed(map.is_sound && map.numbers.none() && std::ranges::all_of(used, is_in(chosen)) &&
                   std::ranges::all_of(chosen, is_in(used)));
}

Status CheckSessionAnswer(const Brought& brought, const Capabilities& offer, Mode mode) {
  const Contents& contents = brought.contents;
  if (!IsComplete(brought.streams, offer) || !HasKeysAlone(contents)) return Err(Error::kMalformed);
  if (!HasTgk(mode)) return Malformed(contents.keys.empty());
  return Malformed(contents.keys.size() == 1 && contents.keys[0].type == KeyDataType::kTgk &&
                   contents.keys[0].key.size() == kTgkOctets &&
                   contents.keys[0].kv.type == KvType::kNull);
}

Status CheckSessionKeys(const Brought& brought) {
  return Malformed(brought.streams.sessions.empty() && HasTicketAlone(brought.contents));
}

Status CheckGroupKeys(const Brought& brought, const KeyIds& join, bool is_answer) {
  const Contents& contents = brought.contents;
  // MIKEYv2 §11: tickets are in KEYS alone.
  const size_t tickets = CountOf(contents, KeyDataType::kTicket);
  if (tickets > (is_answer ? 0u : 1u)) return Err(Error::kMalformed);
  if (CountOf(contents, KeyDataType::kTgk) == 0) {
    return Malformed(brought.streams.sessions.empty() && HasTicketAlone(contents));
  }
  if (!contents.csb_id || contents.msks.empty()) return Err(Error::kMalformed);
  if (!IsOfJoin(contents, join)) return Err(Error::kUnknownChannel);
  return CheckGroupContents(contents, brought.streams, NameOf(contents));
}

}  // namespace keymast::mikey::v2
