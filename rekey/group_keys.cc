// SPDX-License-Identifier: Apache-2.0
#include "rekey/group_keys.h"

#include "rekey/ladder.h"
#include "srtp/index.h"
#include "srtp/policy.h"

namespace keymast::rekey {
namespace {

using mikey::KeyDataType;
using mikey::KvType;

constexpr std::array<uint8_t, mikey::v2::kTreeIdSize> kNoTree{};

std::array<uint8_t, 6> MkiOf(const Slot& slot) {
  std::array<uint8_t, 6> mki{};  // MSK ID || MTK ID (MIKEYv2 §10)
  Writer writer(mki);
  writer.U32(slot.msk.value());
  writer.U16(slot.mtk.value);
  return mki;
}

std::array<uint8_t, 2> OctetsOf(MtkId id) {
  std::array<uint8_t, 2> octets{};
  Writer(octets).U16(id.value);
  return octets;
}

mikey::CsbPolicy PolicyOf(SrtpProfile profile) {
  std::array<uint8_t, 64> params{};
  Writer writer(params);
  for (const srtp::PolicyParam& param : srtp::ParamsOf(profile)) {
    writer.U8(param.type);
    writer.U8(1);
    writer.U8(param.value);
  }
  return {0, mikey::ProtType::kSrtp, Octets<255>(writer.written())};
}

uint32_t Milliseconds(Duration duration) {
  return static_cast<uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

bool IsJoinable(const groups::Channel& channel, const mikey::Profile3gpp& profile) {
  // AES_256_CM_HMAC_SHA1_80 never got a number, and has no row in MIKEYv2 §9.
  if (channel.profile == SrtpProfile::kAesCm256HmacSha1_80 || profile.mki_with_domain) return false;
  // MIKEYv2 §10: keys of 256 bits go under AES-CM-256 alone.
  const bool is_long = srtp::InfoOf(channel.profile).key_length > 16;
  return !is_long || profile.encr_alg == mikey::EncrAlg::kAesCm256;
}

MskId NewestMsk(const Ladder& ladder) {
  return ladder.next_msk ? ladder.next_msk->id : ladder.msk->id;
}

GroupKeys::GroupKeys(const ChannelState& channel, const groups::Member& member, LastTs last)
    : domain_(channel.channel.key_domain) {
  const Ladder& ladder = channel.ladder;
  AddStreams(channel);
  // What was sent before it joined stays closed to a member: its interval begins with the current
  // MTK (MIKEYv2 §3.5).
  AddMsk(*ladder.msk, ladder.active->mtk);
  if (ladder.next_msk) AddMsk(*ladder.next_msk, ladder.next_msk->low);
  AddMtk(*ladder.active, ladder, channel.channel);
  if (ladder.prepared) AddMtk(*ladder.prepared, ladder, channel.channel);
  contents_.csb_id = ladder.msk->csb_id;
  AddMember(channel.channel, member, last);
}

// The SEQ is that of the last packet which a headend told of: from there a receiver finds the index
// of the next one (RFC 3711 §3.3.1).
void GroupKeys::AddStreams(const ChannelState& channel) {
  const std::array<uint8_t, 6> mki = MkiOf(*channel.ladder.active);
  streams_.policies.Add(PolicyOf(channel.channel.profile));
  for (const groups::Stream& stream : channel.channel.streams) {
    const auto position = channel.positions.find(stream.ssrc);
    mikey::CsbSession session;
    session.cs_id = static_cast<uint8_t>(streams_.sessions.size() + 1);
    session.ssrc = stream.ssrc;
    session.has_seq = true;
    session.seq = stream.initial_sequence.value_or(0);
    if (position != channel.positions.end()) {
      session.roc = srtp::RocOf(position->second.index);
      session.seq = static_cast<uint16_t>(position->second.index.value & 0xffff);
    }
    session.spi = Octets<mikey::kMaxSpi>(mki);
    streams_.sessions.Add(session);
  }
}

void GroupKeys::AddMsk(const Msk& msk, MtkId low) {
  GivenMsk& given = msks_[msk_count_++];
  given = {msk.key, msk.rand, OctetsOf(low), OctetsOf(msk.high)};
  contents_.keys.Add(
      {KeyDataType::kTgk, given.key.view(), {}, {KvType::kInterval, {}, given.low, given.high}});
  contents_.rands.Add(given.rand);
  // Nothing up to the last COUNTER that was given out is taken by who gets this.
  const auto last = static_cast<uint32_t>(std::min<uint64_t>(msk.counter.next - 1, UINT32_MAX));
  contents_.msks.Add({domain_.octets, msk.id.value(), last});
}

void GroupKeys::AddMtk(const Slot& slot, const Ladder& ladder, const groups::Channel& channel) {
  const Msk* msk = MskOf(ladder, slot.msk);
  KEYMAST_CHECK(msk != nullptr);
  GivenMtk& given = mtks_[mtk_count_++];
  given = {DeriveMtk(*msk, slot.mtk, channel), MkiOf(slot)};
  contents_.keys.Add({KeyDataType::kMtk,
                      given.mtk.key.view(),
                      given.mtk.salt.view(),
                      {KvType::kSpi, given.mki, {}, {}}});
}

// A channel without a tree has no leaf to tell of.
void GroupKeys::AddMember(const groups::Channel& channel, const groups::Member& member,
                          LastTs last) {
  mikey::v2::MemberState state;
  state.tree_id = kNoTree;
  state.generation = member.generation;
  state.largest_rekey = channel.policy.max_datagram;
  state.window_ms = Milliseconds(channel.policy.mtk_lead);
  state.report_t = last.report;
  state.keys_t = last.keys;
  contents_.member = state;
}

}  // namespace keymast::rekey
