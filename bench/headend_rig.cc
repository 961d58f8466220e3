// SPDX-License-Identifier: Apache-2.0
#include "bench/headend_rig.h"

#include "bench/media.h"
#include "bench/processes.h"
#include "crypto/boxes.h"
#include "headend/media_batch.h"
#include "srtp/policy.h"

namespace keymast::bench {
namespace {

constexpr const char* kChannel = "channels/one";
constexpr uint32_t kMskId = 0x00010001;
const HeadendId kName("headend");

SrtpProfile ProfileOf(v1::SrtpProfile profile) {
  return profile == v1::AEAD_AES_128_GCM ? SrtpProfile::kAeadAes128Gcm
                                         : SrtpProfile::kAesCm128HmacSha1_80;
}

std::string Boxed(ByteView public_key, std::string_view purpose, ByteView aad, ByteView plain,
                  crypto::Rng& rng) {
  const auto box = crypto::SealBox(public_key, purpose, aad, plain, rng);
  Demand(box.has_value(), "no box for the headend");
  return std::string(AsText(*box));
}

Endpoint AnyPort() { return *ParseAddress("127.0.0.1"); }

}  // namespace

HeadendRig::HeadendRig(v1::SrtpProfile profile, const Endpoint& group) {
  headend::Settings settings;
  settings.id = kName;
  settings.keys = crypto::MakeKeyPair(rng_);
  public_key_ = settings.keys.public_key;
  settings.inputs = {{{}, "video", 0, AnyPort()}};
  inputs_ = Demanded(headend::OpenInputs(settings.inputs, "127.0.0.1"));
  port_ = inputs_.front().socket.local()->port;
  headend_ = std::make_unique<headend::Headend>(std::move(settings), headend::State{}, rng_);
  Prove();
  Define(profile, group);
  Announce(profile);
  Reserve();
  sender_ =
      std::make_unique<headend::Sender>(headend_->channels().begin()->second->definition(), "");
}

void HeadendRig::Direct(const v1::HeadendDirective& directive) {
  Demand(headend_->OnDirective(directive, clock_.Now()).has_value(),
         "the headend: " + headend_->last_error());
}

void HeadendRig::Prove() {
  headend_->Hello();
  v1::HeadendDirective directive;
  const std::array<uint8_t, 32> challenge{1};
  directive.mutable_challenge()->set_box(Boxed(public_key_, crypto::kHeadendChallengePurpose,
                                               crypto::HeadendChallengeAad(kName), challenge,
                                               rng_));
  Direct(directive);
}

void HeadendRig::Define(v1::SrtpProfile profile, const Endpoint& group) {
  v1::HeadendDirective directive;
  v1::Channel& channel = *directive.mutable_definition()->mutable_channel();
  channel.set_name(kChannel);
  channel.mutable_multicast()->set_group(AddressToString(group));
  channel.mutable_multicast()->set_interface_address("127.0.0.1");
  channel.set_key_domain("262f01");
  channel.set_key_group(kMskId >> 16);
  channel.set_srtp_profile(profile);
  channel.mutable_policy()->mutable_mtk_period()->set_seconds(3600);
  v1::Stream& stream = *channel.add_streams();
  stream.set_media("video");
  stream.set_port(group.port);
  stream.set_ssrc(0xa0000001);
  stream.set_payload_type(kPayloadType);
  stream.set_rtpmap("MP2T/90000");
  Direct(directive);
}

void HeadendRig::Announce(v1::SrtpProfile profile) {
  const srtp::ProfileInfo& info = srtp::InfoOf(ProfileOf(profile));
  crypto::SecretBytes plain(size_t{info.key_length} + info.salt_length);
  rng_.Fill(plain);
  v1::HeadendDirective directive;
  v1::TrafficKeyBox& key = *directive.mutable_key();
  const crypto::TrafficKeyContext context{
      ChannelId("one"), kName, MskId::FromValue(kMskId), MtkId(1),
      FromUnixNanos(0), 1,     ProfileOf(profile)};
  key.set_channel(kChannel);
  key.set_msk_id(kMskId);
  key.set_mtk_id(1);
  key.mutable_switch_time();
  key.set_epoch(1);
  key.set_srtp_profile(profile);
  key.set_box(
      Boxed(public_key_, crypto::kTrafficKeyPurpose, crypto::TrafficKeyAad(context), plain, rng_));
  Direct(directive);
}

void HeadendRig::Reserve() {
  if (const auto state = headend_->StateToSave()) headend_->OnSaved(*state);
}

size_t HeadendRig::Turn() {
  const Instant now = clock_.Now();
  headend::MediaBatch batch;
  batch.Take(inputs_.front(), *headend_, now);
  sender_->Send(batch.packets(), nullptr, now);
  return batch.packets().size();
}

}  // namespace keymast::bench
