// SPDX-License-Identifier: Apache-2.0
#include "receiver/options.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace keymast::receiver {
namespace {

constexpr std::string_view kSdp =
    "v=0\r\na=keymast-channel:one\r\na=keymast-key-domain:262f01\r\na=keymast-key-group:7\r\n"
    "a=keymast-mtk:239.255.42.1:2269\r\n"
    "m=video 5004 RTP/SAVP 96\r\nc=IN IP4 239.255.42.1/0\r\na=rtpmap:96 H264/90000\r\n"
    "a=ssrc:1 cname:one\r\n"
    "m=video 5006 RTP/SAVP 96\r\nc=IN IP4 239.255.42.1/0\r\na=rtpmap:96 H264/90000\r\n"
    "a=ssrc:2 cname:one\r\n"
    "m=audio 5007 RTP/SAVP 97\r\nc=IN IP4 239.255.42.1/0\r\na=rtpmap:97 opus/48000/2\r\n"
    "a=ssrc:3 cname:one\r\n";

class OptionsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/options-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    options_.sdp = Write("one.sdp", kSdp);
    options_.key_file = Write("key", std::string(16, 'k'), 0600);
    options_.identity = "one@example.org";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, std::string_view text, mode_t mode = 0644) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
  std::string RefusalOf(const Options& options) const {
    const auto setup = MakeSetup(options);
    EXPECT_FALSE(setup);
    return setup ? "" : setup.error().message;
  }

  std::string folder_;
  Options options_;
};

TEST_F(OptionsTest, DefaultsFillWhatIsOpen) {
  const auto setup = MakeSetup(options_);
  ASSERT_TRUE(setup) << setup.error().message;
  EXPECT_EQ(ToString(setup->listen), kDefaultListen);
  EXPECT_EQ(setup->interface_address, kDefaultInterface);
  EXPECT_EQ(setup->credential.user_key, crypto::Key32(AsBytes(std::string(16, 'k'))));
  EXPECT_TRUE(setup->targets.empty());
  EXPECT_FALSE(setup->profile.strict_seqs);
}

TEST_F(OptionsTest, TheCommandLineGoesOverTheFile) {
  options_.config = Write("receiver.toml",
                          "listen = \"127.0.0.1:9000\"\ninterface = \"192.0.2.1\"\n"
                          "forward = [\"audio=127.0.0.1:7000\"]\nstate = \"/tmp/s\"\n"
                          "[profile]\nstrict_seqs = true\n");
  options_.listen = "127.0.0.1:9001";
  const auto setup = MakeSetup(options_);
  ASSERT_TRUE(setup) << setup.error().message;
  EXPECT_EQ(ToString(setup->listen), "127.0.0.1:9001");
  EXPECT_EQ(setup->interface_address, "192.0.2.1");
  EXPECT_EQ(setup->targets.at(0).stream, 2u);
  EXPECT_EQ(setup->state, "/tmp/s");
  EXPECT_TRUE(setup->profile.strict_seqs);
}

TEST_F(OptionsTest, AnUnknownKeyInTheFileIsRefused) {
  options_.config = Write("receiver.toml", "lisen = \"127.0.0.1:9000\"\n");
  EXPECT_NE(RefusalOf(options_).find("lisen"), std::string::npos);
}

TEST_F(OptionsTest, WhatIsMissingIsNamed) {
  Options options = options_;
  options.identity.clear();
  EXPECT_NE(RefusalOf(options).find("--identity"), std::string::npos);
  options = options_;
  options.sdp.clear();
  EXPECT_NE(RefusalOf(options).find("--sdp"), std::string::npos);
  options = options_;
  options.sdp = folder_ + "/none";
  EXPECT_NE(RefusalOf(options).find("keymastctl channels sdp"), std::string::npos);
  options = options_;
  options.key_file = folder_ + "/none";
  EXPECT_NE(RefusalOf(options).find("keymast-receiver init"), std::string::npos);
  options = options_;
  options.listen = "localhost";
  EXPECT_NE(RefusalOf(options).find("--listen"), std::string::npos);
}

TEST_F(OptionsTest, AKeyFileThatOthersCanReadIsRefused) {
  ASSERT_EQ(chmod(options_.key_file.c_str(), 0640), 0);
  EXPECT_NE(RefusalOf(options_).find("chmod 600"), std::string::npos);
}

TEST_F(OptionsTest, AKeyHasSixteenToThirtyTwoOctets) {
  for (const size_t size : {size_t{0}, size_t{15}, size_t{33}, size_t{64}}) {
    options_.key_file = Write("key", std::string(size, 'k'), 0600);
    EXPECT_FALSE(MakeSetup(options_)) << size;
  }
  options_.key_file = Write("key", std::string(32, 'k'), 0600);
  EXPECT_TRUE(MakeSetup(options_));
}

TEST_F(OptionsTest, EachMediaNameTakesTheNextStreamOfThatMedia) {
  const auto channel = ParseSdp(kSdp);
  ASSERT_TRUE(channel);
  const auto targets =
      ParseTargets({"audio=127.0.0.1:7000,video=127.0.0.1:7002", "video=[::1]:7004"}, *channel);
  ASSERT_TRUE(targets);
  ASSERT_EQ(targets->size(), 3u);
  EXPECT_EQ((*targets)[0].stream, 2u);
  EXPECT_EQ((*targets)[1].stream, 0u);
  EXPECT_EQ((*targets)[2].stream, 1u);
  for (const std::string_view bad : {"audio=127.0.0.1:1,audio=127.0.0.1:2", "text=127.0.0.1:1",
                                     "audio", "audio=127.0.0.1", "audio=127.0.0.1:0", ""}) {
    EXPECT_FALSE(ParseTargets({std::string(bad)}, *channel)) << bad;
  }
}

TEST_F(OptionsTest, MediaGroupsAreRtpAndTheNextPortForRtcp) {
  const auto channel = ParseSdp(kSdp);
  ASSERT_TRUE(channel);
  std::vector<uint16_t> ports;
  for (const Endpoint& group : MediaGroups(*channel)) ports.push_back(group.port);
  EXPECT_EQ(ports, (std::vector<uint16_t>{5004, 5006, 5007, 5005, 5008}));
}

TEST_F(OptionsTest, AJoinNeedsAPlaceThatCanBeReached) {
  options_.join = "psk";
  EXPECT_NE(RefusalOf(options_).find("no a=mikeyv2-join"), std::string::npos);
  const auto with = [&](const std::string& place) {
    std::string text(kSdp);
    return Write("join.sdp", text.insert(text.find("m="), "a=mikeyv2-join:" + place + "\r\n"));
  };
  options_.sdp = with("192.0.2.1 2270 mikey://example.org/one");
  const auto setup = MakeSetup(options_);
  ASSERT_TRUE(setup) << setup.error().message;
  ASSERT_TRUE(setup->join.has_value());
  EXPECT_EQ(ToString(setup->join->server), "192.0.2.1:2270");
  EXPECT_EQ(setup->join->uri, "mikey://example.org/one");
  EXPECT_EQ(setup->join->policy.modes.size(), 1U);
  // The algorithms of the group's MTK messages, as the profile has them.
  EXPECT_EQ(setup->join->policy.macs.size(), 1U);
  EXPECT_EQ(setup->join->policy.macs[0], static_cast<uint8_t>(setup->profile.mac_alg));
  options_.join = "tls";
  EXPECT_NE(RefusalOf(options_).find("--join tls"), std::string::npos);
  options_.join = "all";
  options_.sdp = with("2001:db8::1 2270 mikey://example.org/one");
  EXPECT_NE(RefusalOf(options_).find("family"), std::string::npos);
  options_.sdp = with("keys.example.org 2270 mikey://example.org/one");
  EXPECT_NE(RefusalOf(options_).find("no address"), std::string::npos);
}

TEST_F(OptionsTest, ModesNeedWhatProvesThem) {
  std::string text(kSdp);
  options_.sdp = Write("join.sdp", text.insert(text.find("m="),
                                               "a=mikeyv2-join:192.0.2.1 2270 "
                                               "mikey://example.org/one\r\n"));
  options_.join = "all";
  const auto by_key = MakeSetup(options_);
  ASSERT_TRUE(by_key) << by_key.error().message;
  EXPECT_EQ(by_key->join->policy.modes.size(), 3U);
  EXPECT_EQ(by_key->join->policy.fragments, 0);
  EXPECT_EQ(by_key->join->policy.features, 0x78U)
      << "MSK messages, tickets, signed MTK messages, REPORT";
  options_.no_msk_messages = true;
  EXPECT_EQ(MakeSetup(options_)->join->policy.features, 0x58U);
  options_.join = "dh,psk";
  EXPECT_NE(RefusalOf(options_).find("--join-certificate"), std::string::npos);
  options_.join_certificate = folder_ + "/none.pem";
  EXPECT_NE(RefusalOf(options_).find("--join-private-key"), std::string::npos);
  options_.join_private_key = folder_ + "/none.key";
  EXPECT_NE(RefusalOf(options_).find("--join-pin"), std::string::npos) << "nobody is believed";
  options_.join_pin = "1234";
  EXPECT_NE(RefusalOf(options_).find("none.pem"), std::string::npos);
  options_.key_file.clear();
  EXPECT_NE(RefusalOf(options_).find("--key-file"), std::string::npos);
  options_.join.clear();
  EXPECT_NE(RefusalOf(options_).find("--key-file"), std::string::npos);
}

}  // namespace
}  // namespace keymast::receiver
