// SPDX-License-Identifier: Apache-2.0
#include "receiver/library/streams.h"

#include "mikey/params.h"

namespace keymast::receiver::library {
namespace {

using srtp::PolicyParam;
using srtp::ProfileInfo;

constexpr size_t kMaxParams = 32;

bool IsExactly(ByteView params, SrtpProfile profile) {
  Reader reader(params);
  for (const PolicyParam& param : srtp::ParamsOf(profile)) {
    const bool is_next =
        reader.U8() == param.type && reader.U8() == 1 && reader.U8() == param.value;
    if (!is_next) return false;
  }
  return reader.Finish().has_value();
}

Result<SrtpProfile> ProfileOf(ByteView params) {
  for (const ProfileInfo& info : srtp::Profiles()) {
    if (IsExactly(params, info.profile)) return info.profile;
  }
  return Err(Error::kUnsupportedPolicy);
}

Result<SrtpProfile> ProfileOf(const mikey::OpenedMsk& opened) {
  std::array<PolicyParam, kMaxParams> params{};
  for (size_t i = 0; i < opened.policy_count; ++i) {
    params[i] = {opened.policy[i].type, opened.policy[i].value};
  }
  return srtp::ProfileFromParams(std::span(params).first(opened.policy_count));
}

const mikey::CsbPolicy* Find(const mikey::CsbPolicies& policies, uint8_t number) {
  for (const mikey::CsbPolicy& policy : policies) {
    if (policy.number == number) return &policy;
  }
  return nullptr;
}

}  // namespace

Result<ProfileInfo> ReadStreams(const mikey::v2::Streams& streams, StreamList& out) {
  std::optional<ProfileInfo> common;
  for (size_t i = 0; i < streams.sessions.size(); ++i) {
    const mikey::CsbSession& session = streams.sessions[i];
    const mikey::CsbPolicy* policy = Find(streams.policies, session.policy);
    if (policy == nullptr) return Err(Error::kMalformed);
    const Result<SrtpProfile> profile = ProfileOf(policy->params.view());
    if (!profile) return Err(profile.error());
    const ProfileInfo& info = srtp::InfoOf(*profile);
    if (!common) common = info;
    // All streams of a group have one MTK.
    const bool is_alike =
        info.key_length == common->key_length && info.salt_length == common->salt_length;
    if (!is_alike) return Err(Error::kUnsupportedPolicy);
    out[i] = {session.ssrc.value, session.roc.value, session.seq, static_cast<uint16_t>(*profile),
              session.has_seq};
  }
  if (!common) return Err(Error::kMalformed);
  return *common;
}

Result<ProfileInfo> ReadStreams(const mikey::OpenedMsk& opened, StreamList& out) {
  const Result<SrtpProfile> profile = ProfileOf(opened);
  if (!profile) return Err(profile.error());
  for (size_t i = 0; i < opened.stream_count; ++i) {
    const mikey::StreamSync& stream = opened.streams[i];
    out[i] = {stream.ssrc.value, stream.roc.value, 0, static_cast<uint16_t>(*profile), 0};
  }
  return srtp::InfoOf(*profile);
}

}  // namespace keymast::receiver::library
