// SPDX-License-Identifier: Apache-2.0
#include "receiver/library/streams.h"

#include "mikey/params.h"
#include "mikey/v2/answer_rules.h"

namespace keymast::receiver::library {
namespace {

using srtp::PolicyParam;
using srtp::ProfileInfo;

constexpr size_t kMaxParams = 32;

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
    const std::optional<uint16_t> profile = mikey::v2::ProfileOf(policy->params.view());
    if (!profile) return Err(Error::kUnsupportedPolicy);
    const ProfileInfo& info = srtp::InfoOf(static_cast<SrtpProfile>(*profile));
    if (!common) common = info;
    // All streams of a group have one MTK.
    const bool is_alike =
        info.key_length == common->key_length && info.salt_length == common->salt_length;
    if (!is_alike) return Err(Error::kUnsupportedPolicy);
    out[i] = {session.ssrc.value, session.roc.value, session.seq, *profile, session.has_seq};
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
