// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_options.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sdp/base64.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/make_certificate.h"

namespace keymast::tools {
namespace {

namespace fs = std::filesystem;

class PeerOptionsTest : public testing::Test {
 protected:
  PeerOptionsTest() {
    folder_ = fs::temp_directory_path() / ("keymast-peer-options-" + std::to_string(getpid()));
    fs::create_directories(folder_);
    WriteKey("6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b", 0600);
    options_.offers = true;
    options_.identity = "uri:sip:alice@example.org";
    options_.peer_identity = "nai:bob@example.org";
    options_.key_file = (folder_ / "key").string();
    options_.offer = "o";
    options_.answer = "a";
  }
  ~PeerOptionsTest() override { fs::remove_all(folder_); }

  void WriteKey(std::string_view text, mode_t mode) const {
    const std::string path = (folder_ / "key").string();
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
  }
  std::string Refusal() const {
    const auto plan = MakePlan(options_);
    return plan ? "" : plan.error().message;
  }

  fs::path folder_;
  PeerOptions options_;
};

TEST_F(PeerOptionsTest, WhatIsLeftOut) {
  const auto plan = MakePlan(options_);
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_EQ(plan->rounds.size(), 1u);
  EXPECT_TRUE(plan->rounds[0].offers);
  ASSERT_EQ(plan->rounds[0].streams.size(), 1u);
  EXPECT_EQ(plan->rounds[0].streams[0].direction, sdp::Direction::kSendRecv);
  EXPECT_EQ(plan->rounds[0].streams[0].codec->rtpmap, "PCMU/8000");
  EXPECT_EQ(ToString(plan->setup.media), "127.0.0.1:0");
  EXPECT_EQ(plan->setup.policy.modes.size(), 3u);
  EXPECT_EQ(plan->setup.policy.profiles.size(), 4u);
  EXPECT_EQ(plan->setup.psk.size(), 16u);
  EXPECT_FALSE(plan->duration);
  EXPECT_TRUE(plan->early.IsUnset());
}

TEST_F(PeerOptionsTest, WhatIsGiven) {
  options_.streams = {"sendonly", "recvonly:L16"};
  options_.next = "answer";
  options_.next_offer = "o2";
  options_.next_answer = "a2";
  options_.added = {"sendrecv"};
  options_.modes = "psk,early-dhhmac";
  options_.profiles = "AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80";
  options_.media = "[::1]:5004";
  options_.early = "192.0.2.1:6000";
  options_.ring = "2s";
  options_.duration = "10s";
  options_.sources = {"2=none"};
  options_.sinks = {"1=udp:127.0.0.1:7000", "2=file:x"};
  const auto plan = MakePlan(options_);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->rounds[0].streams[1].codec->rtpmap, "L16/16000");
  ASSERT_EQ(plan->rounds.size(), 2u);
  EXPECT_FALSE(plan->rounds[1].offers);
  EXPECT_EQ(plan->rounds[1].streams.size(), 1u);
  EXPECT_EQ(ToHex(plan->setup.policy.modes.view()), "0106");
  EXPECT_EQ(plan->setup.policy.profiles[1], 1);
  EXPECT_EQ(ToString(plan->setup.media), "[::1]:5004");
  EXPECT_EQ(plan->ring, std::chrono::seconds(2));
  ASSERT_EQ(plan->sources.size(), 2u);
  EXPECT_EQ(plan->sources[0].kind, Place::Kind::kTone);
  EXPECT_EQ(plan->sources[1].kind, Place::Kind::kNone);
  EXPECT_EQ(ToString(plan->sinks[0].udp), "127.0.0.1:7000");
  EXPECT_EQ(plan->sinks[1].path, "x");
}

TEST_F(PeerOptionsTest, WhatCannotBe) {
  const PeerOptions good = options_;
  const auto refused = [&](std::string PeerOptions::*field, std::string value) {
    options_ = good;
    options_.*field = std::move(value);
    return !Refusal().empty();
  };
  EXPECT_TRUE(refused(&PeerOptions::identity, ""));
  EXPECT_TRUE(refused(&PeerOptions::identity, "nai:"));
  EXPECT_TRUE(refused(&PeerOptions::identity, std::string(256, 'x')));
  EXPECT_TRUE(refused(&PeerOptions::peer_identity, good.identity));
  EXPECT_TRUE(refused(&PeerOptions::offer, ""));
  EXPECT_TRUE(refused(&PeerOptions::answer, ""));
  EXPECT_TRUE(refused(&PeerOptions::media, "here"));
  EXPECT_TRUE(refused(&PeerOptions::modes, "psk,psk"));
  EXPECT_TRUE(refused(&PeerOptions::modes, "rsa"));
  EXPECT_TRUE(refused(&PeerOptions::profiles, "NULL"));
  EXPECT_TRUE(refused(&PeerOptions::profiles, "AEAD_AES_128_GCM,AEAD_AES_128_GCM"));
  EXPECT_TRUE(refused(&PeerOptions::profiles, "AES_256_CM_HMAC_SHA1_80"));  // has no number
  EXPECT_TRUE(refused(&PeerOptions::early, "127.0.0.1"));
  EXPECT_TRUE(refused(&PeerOptions::ring, "soon"));
  EXPECT_TRUE(refused(&PeerOptions::duration, "1"));
  EXPECT_TRUE(refused(&PeerOptions::next, "offer"));
  EXPECT_TRUE(refused(&PeerOptions::key_file, (folder_ / "none").string()));
  EXPECT_TRUE(refused(&PeerOptions::certificate, "x"));  // and a pre-shared key
  EXPECT_TRUE(refused(&PeerOptions::modes, "dh"));
  options_ = good;
  options_.added = {"sendrecv"};
  EXPECT_FALSE(Refusal().empty());
  options_ = good;
  options_.streams = std::vector<std::string>(9, "sendrecv");
  EXPECT_FALSE(Refusal().empty());
  for (const std::string text : {"1", "0=tone", "x=tone", "1=udp:here", "1=udp:127.0.0.1:0",
                                 "1=file:", "1=loud", "65=tone"}) {
    EXPECT_FALSE(ParsePlaces({text})) << text;
  }
  for (const std::string text : {"", "both", "sendrecv:OPUS", "sendrecv:L"}) {
    EXPECT_FALSE(ParseStream(text)) << text;
  }
}

TEST_F(PeerOptionsTest, AKeyThatOthersCanReadIsRefused) {
  WriteKey("6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b", 0644);
  EXPECT_NE(Refusal().find("chmod 600"), std::string::npos) << Refusal();
  WriteKey("6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b", 0600);
  EXPECT_NE(Refusal().find("16 octets"), std::string::npos) << Refusal();
}

TEST_F(PeerOptionsTest, CertificatesHaveModesOfTheirOwn) {
  crypto::CertificateRecipe recipe;
  recipe.key = recipe.signer = testdata::kEndKey;
  const std::string certificate = (folder_ / "crt").string();
  std::ofstream(certificate) << "-----BEGIN CERTIFICATE-----\n"
                             << sdp::ToBase64(crypto::MakeCertificate(recipe))
                             << "\n-----END CERTIFICATE-----\n";
  WriteKey(testdata::kEndKey, 0600);
  options_.private_key = std::exchange(options_.key_file, "");
  options_.certificate = certificate;
  options_.modes = "rsa,early-dh,dh";
  for (const bool key_mgmt : {false, true}) {
    options_.key_mgmt = key_mgmt;
    const auto plan = MakePlan(options_);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(ToHex(plan->setup.policy.modes.view()), "020503");
    EXPECT_EQ(plan->setup.policy.fragments, mikey::v2::kMaxFragments);
  }
  options_.modes = "early-dh";
  EXPECT_NE(Refusal().find("--key-mgmt has no early-dh"), std::string::npos) << Refusal();
  options_.key_mgmt = false;
  EXPECT_EQ(Refusal(), "");
  options_.modes = "psk";
  EXPECT_NE(Refusal().find("--modes: dh, early-dh, rsa"), std::string::npos) << Refusal();
  options_.modes = "dh";
  options_.early = "127.0.0.1:5000";
  EXPECT_EQ(Refusal(), "");
  options_.key_mgmt = true;
  EXPECT_EQ(Refusal(), "--early or --key-mgmt, not both");
}

TEST(PeerIdentity, Kinds) {
  const auto kind = [](std::string_view text) {
    const auto identity = ParseIdentity(text);
    return identity ? std::to_string(static_cast<int>(identity->type)) + ":" +
                          std::string(AsText(identity->data.view()))
                    : "none";
  };
  EXPECT_EQ(kind("nai:a@b"), "0:a@b");
  EXPECT_EQ(kind("uri:sip:a@b"), "1:sip:a@b");
  EXPECT_EQ(kind("a@b"), "0:a@b");
  EXPECT_EQ(kind("sip:a@b"), "1:sip:a@b");
  EXPECT_EQ(kind("uri:"), "none");
}

}  // namespace
}  // namespace keymast::tools
