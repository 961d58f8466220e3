// SPDX-License-Identifier: Apache-2.0
// Directives of a server that may be anybody: a protobuf HeadendDirective each, two octets of
// length before it. Boxes hold what their field says, sealed here, so that what is in them is
// reached.
#include "crypto/boxes.h"
#include "headend/headend.h"
#include "srtp/policy.h"

namespace keymast::headend {
namespace {

const HeadendId kName("studio");

std::optional<SrtpProfile> ProfileOf(v1::SrtpProfile profile) {
  if (profile < v1::AES_CM_128_HMAC_SHA1_80 || profile > v1::AEAD_AES_256_GCM) return std::nullopt;
  constexpr SrtpProfile kOrder[] = {
      SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAesCm128HmacSha1_32,
      SrtpProfile::kAesCm256HmacSha1_80, SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm};
  return kOrder[profile - 1];
}

class Server {
 public:
  explicit Server(ByteView public_key) : public_key_(public_key.begin(), public_key.end()) {}

  v1::HeadendDirective Challenge() {
    v1::HeadendDirective directive;
    directive.mutable_challenge()->set_box(
        Seal(crypto::kHeadendChallengePurpose, crypto::HeadendChallengeAad(kName), Bytes(32, 7)));
    return directive;
  }

  void SealKey(v1::TrafficKeyBox& key) {
    const auto profile = ProfileOf(key.srtp_profile());
    const Result<ChannelId> channel = ChannelOf(key.channel());
    const int64_t seconds = key.switch_time().seconds();
    if (!profile || !channel || seconds < 0 || seconds > 9'000'000'000) return;
    const crypto::TrafficKeyContext context{
        *channel,
        kName,
        MskId::FromValue(key.msk_id()),
        MtkId(static_cast<uint16_t>(key.mtk_id())),
        FromUnixNanos(seconds * 1'000'000'000 + key.switch_time().nanos()),
        key.epoch(),
        *profile};
    key.set_box(
        Seal(crypto::kTrafficKeyPurpose, crypto::TrafficKeyAad(context), AsBytes(key.box())));
  }

 private:
  std::string Seal(std::string_view purpose, ByteView aad, ByteView plain) {
    return std::string(AsText(*crypto::SealBox(public_key_, purpose, aad, plain, rng_)));
  }
  Bytes public_key_;
  crypto::SeededRng rng_{2};
};

void Run(ByteView rest) {
  crypto::SeededRng rng(1);
  Settings settings;
  settings.id = kName;
  settings.keys = crypto::MakeKeyPair(rng);
  settings.inputs = {{ChannelId(), "video", 0, Endpoint()}};
  Server server(settings.keys.public_key);
  Headend headend(std::move(settings), State(), rng);
  Instant now{std::chrono::seconds(1'700'000'000)};
  headend.Hello();
  KEYMAST_CHECK(headend.OnDirective(server.Challenge(), now).has_value());
  while (rest.size() > 2) {
    const size_t length = std::min<size_t>(size_t{rest[0]} << 8 | rest[1], rest.size() - 2);
    v1::HeadendDirective directive;
    if (directive.ParseFromArray(rest.data() + 2, static_cast<int>(length))) {
      if (directive.has_key()) server.SealKey(*directive.mutable_key());
      const auto before = headend.StateHash();
      const auto taken = headend.OnDirective(directive, now);
      KEYMAST_CHECK(taken || headend.StateHash() == before);
    }
    rest = rest.subspan(2 + length);
    now += std::chrono::milliseconds(100);
    headend.Tick(now);
    if (const auto state = headend.StateToSave()) headend.OnSaved(*state);
    KEYMAST_CHECK(!headend.StateToSave());
    static_cast<void>(headend.Report());
  }
}

}  // namespace
}  // namespace keymast::headend

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  keymast::headend::Run({data, size});
  return 0;
}
