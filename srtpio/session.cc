// SPDX-License-Identifier: Apache-2.0
#include "srtpio/session.h"

#include <srtp2/srtp.h>

#include <array>
#include <utility>

#include "base/check.h"
#include "srtp/policy.h"

namespace keymast::srtpio {
namespace {

constexpr size_t kRtpHeader = 12;  // RFC 3550 §5.1
constexpr size_t kRtcpHeader = 8;  // RFC 3550 §6.4.1: header and SSRC
constexpr size_t kRtcpIndex = 4;   // RFC 3711 §3.4: E flag and index
constexpr size_t kMaxMki = 16;
// RFC 3711 §3.3.2 asks for at least 64; a batch of reordered video fits in this.
constexpr unsigned long kReplayWindow = 1024;

using PolicySetter = void (*)(srtp_crypto_policy_t*);
struct Policies {
  PolicySetter rtp;
  PolicySetter rtcp;
};

Policies PoliciesOf(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::kAesCm128HmacSha1_80:
      return {srtp_crypto_policy_set_rtp_default, srtp_crypto_policy_set_rtp_default};
    case SrtpProfile::kAesCm128HmacSha1_32:  // SRTCP keeps 80 bits: RFC 5764 §4.1.2
      return {srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32, srtp_crypto_policy_set_rtp_default};
    case SrtpProfile::kAeadAes128Gcm:
      return {srtp_crypto_policy_set_aes_gcm_128_16_auth,
              srtp_crypto_policy_set_aes_gcm_128_16_auth};
    case SrtpProfile::kAeadAes256Gcm:
      return {srtp_crypto_policy_set_aes_gcm_256_16_auth,
              srtp_crypto_policy_set_aes_gcm_256_16_auth};
    case SrtpProfile::kAesCm256HmacSha1_80:
      return {srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80,
              srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80};
  }
  return {nullptr, nullptr};
}

Error ErrorOf(srtp_err_status_t status) {
  switch (status) {
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old:
      return Error::kReplayed;
    case srtp_err_status_auth_fail:
      return Error::kAuthenticationFailed;
    case srtp_err_status_bad_mki:
    case srtp_err_status_no_ctx:
      return Error::kUnknownKey;
    case srtp_err_status_key_expired:
      return Error::kIndexExhausted;
    case srtp_err_status_bad_param:
    case srtp_err_status_parse_err:
    case srtp_err_status_cant_check:
      return Error::kMalformed;
    default:
      return Error::kInternal;
  }
}

Result<size_t> Outcome(srtp_err_status_t status, int octets) {
  if (status != srtp_err_status_ok) return Err(ErrorOf(status));
  return static_cast<size_t>(octets);
}

struct ContextDeleter {
  void operator()(srtp_ctx_t_* context) const { srtp_dealloc(context); }
};
using Context = std::unique_ptr<srtp_ctx_t_, ContextDeleter>;

Result<Context> MakeContext(const TrafficKey& key, Ssrc ssrc, Policies set) {
  // libsrtp2 copies what it is given: key || salt (RFC 3711 §4.3) and the MKI.
  auto key_and_salt = crypto::SecretKey<46>::OfSize(key.master_key.size() + key.master_salt.size());
  const auto after_key = std::copy(key.master_key.view().begin(), key.master_key.view().end(),
                                   key_and_salt.mutable_view().begin());
  std::copy(key.master_salt.view().begin(), key.master_salt.view().end(), after_key);
  Bytes mki = key.mki;
  srtp_master_key_t master{key_and_salt.mutable_view().data(), mki.data(),
                           static_cast<unsigned int>(mki.size())};
  std::array<srtp_master_key_t*, 1> masters = {&master};

  srtp_policy_t policy{};
  set.rtp(&policy.rtp);
  set.rtcp(&policy.rtcp);
  policy.ssrc = {ssrc_specific, ssrc.value};
  policy.keys = masters.data();
  policy.num_master_keys = masters.size();
  policy.window_size = kReplayWindow;
  policy.allow_repeat_tx = 0;
  srtp_t context = nullptr;
  if (srtp_create(&context, &policy) != srtp_err_status_ok) {
    return Err(Error::kUnsupportedAlgorithm);
  }
  return Context(context);
}

}  // namespace

bool Init() {
  static const bool ready = srtp_init() == srtp_err_status_ok;
  return ready;
}

struct Session::State {
  Context rtp;
  // Set only where SRTCP needs a context of its own.
  Context rtcp;
  uint32_t ssrc = 0;
  unsigned int use_mki = 0;
  size_t rtp_trailer = 0;
  size_t rtcp_trailer = 0;
  Direction direction = Direction::kReceive;

  srtp_t ForRtcp() const { return rtcp ? rtcp.get() : rtp.get(); }
};

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::Create(const TrafficKey& key, Ssrc ssrc, Direction direction) {
  const srtp::ProfileInfo& info = srtp::InfoOf(key.profile);
  if (key.master_key.size() != info.key_length || key.master_salt.size() != info.salt_length ||
      key.mki.size() > kMaxMki) {
    return Err(Error::kInvalidArgument);
  }
  KEYMAST_CHECK(Init());
  const Policies set = PoliciesOf(key.profile);
  auto state = std::make_unique<State>();
  Result<Context> context = MakeContext(key, ssrc, set);
  if (!context) return Err(context.error());
  state->rtp = std::move(*context);
  // libsrtp2 2.5.0 looks for the MKI of an SRTCP packet where SRTP's tag would begin, so a profile
  // with two tag lengths opens SRTCP in a context whose SRTP tag is SRTCP's.
  if (direction == Direction::kReceive && info.rtp_tag_length != info.rtcp_tag_length) {
    context = MakeContext(key, ssrc, {set.rtcp, set.rtcp});
    if (!context) return Err(context.error());
    state->rtcp = std::move(*context);
  }
  state->ssrc = ssrc.value;
  state->use_mki = key.mki.empty() ? 0 : 1;
  state->rtp_trailer = info.rtp_tag_length + key.mki.size();
  state->rtcp_trailer = info.rtcp_tag_length + key.mki.size() + kRtcpIndex;
  state->direction = direction;
  return Session(std::move(state));
}

void Session::SetRoc(Roc roc) {
  KEYMAST_CHECK(srtp_set_stream_roc(state_->rtp.get(), state_->ssrc, roc.value) ==
                srtp_err_status_ok);
}

Result<size_t> Session::Protect(MutableBytes packet, size_t length) {
  KEYMAST_CHECK(state_->direction == Direction::kSend);
  if (length < kRtpHeader) return Err(Error::kTruncated);
  if (packet.size() < length + kMaxTrailer) return Err(Error::kTooLong);
  int octets = static_cast<int>(length);
  const srtp_err_status_t status =
      srtp_protect_mki(state_->rtp.get(), packet.data(), &octets, state_->use_mki, 0);
  return Outcome(status, octets);
}

Result<size_t> Session::ProtectRtcp(MutableBytes packet, size_t length) {
  KEYMAST_CHECK(state_->direction == Direction::kSend);
  if (length < kRtcpHeader) return Err(Error::kTruncated);
  if (packet.size() < length + kMaxTrailer) return Err(Error::kTooLong);
  int octets = static_cast<int>(length);
  const srtp_err_status_t status =
      srtp_protect_rtcp_mki(state_->ForRtcp(), packet.data(), &octets, state_->use_mki, 0);
  return Outcome(status, octets);
}

Result<size_t> Session::Unprotect(MutableBytes packet, size_t length) {
  KEYMAST_CHECK(state_->direction == Direction::kReceive && length <= packet.size());
  // libsrtp2 2.5.0 looks for MKI and tag before it compares the length with them.
  if (length < kRtpHeader + state_->rtp_trailer) return Err(Error::kTruncated);
  int octets = static_cast<int>(length);
  const srtp_err_status_t status =
      srtp_unprotect_mki(state_->rtp.get(), packet.data(), &octets, state_->use_mki);
  return Outcome(status, octets);
}

Result<size_t> Session::UnprotectRtcp(MutableBytes packet, size_t length) {
  KEYMAST_CHECK(state_->direction == Direction::kReceive && length <= packet.size());
  if (length < kRtcpHeader + state_->rtcp_trailer) return Err(Error::kTruncated);
  int octets = static_cast<int>(length);
  const srtp_err_status_t status =
      srtp_unprotect_rtcp_mki(state_->ForRtcp(), packet.data(), &octets, state_->use_mki);
  return Outcome(status, octets);
}

}  // namespace keymast::srtpio
