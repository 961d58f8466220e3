// SPDX-License-Identifier: Apache-2.0
// The program over real sockets on loopback: keys in, plain packets out, an answer to the server.
#include "receiver/program.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <thread>

#include "receiver/doctor.h"
#include "receiver/replay.h"
#include "shell/files.h"
#include "shell/process.h"
#include "tests/unit/net/namespace.h"
#include "tests/unit/receiver/broadcast.h"

namespace keymast::receiver {
namespace {

Endpoint Local(uint16_t port) {
  Endpoint endpoint = *ParseAddress("127.0.0.1");
  endpoint.port = port;
  return endpoint;
}

net::UdpSocket OpenLocal() {
  auto socket = net::UdpSocket::Open(Local(0));
  EXPECT_TRUE(socket.has_value());
  return std::move(*socket);
}

class ReceiverProgram : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/program-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    setup_.channel.channel = "one";
    setup_.channel.domain = kDomain;
    setup_.channel.key_group = kGroup;
    setup_.channel.mtk = Group();
    SdpStream video;
    video.media = "video";
    video.group = Group();
    video.ssrc = kVideo;
    setup_.channel.streams = {video};
    setup_.credential = server_.MemberCredential();
    setup_.listen = Local(FreePort());
    setup_.interface_address = "127.0.0.1";
    setup_.targets = {{0, *player_.local()}};
    setup_.record = folder_ + "/record.pcapng";
    setup_.state = folder_ + "/state";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static uint16_t FreePort() { return OpenLocal().local()->port; }
  static Endpoint Group() {
    Endpoint group = *ParseAddress("239.255.42.77");
    group.port = FreePort();
    return group;
  }
  std::unique_ptr<Program> Open() {
    auto program = Program::Open(setup_, clock_);
    EXPECT_TRUE(program) << program.error().message;
    return program ? std::move(*program) : nullptr;
  }
  void Send(net::UdpSocket& from, const Endpoint& to, const Bytes& octets) {
    const net::Outgoing out{to, octets};
    Error error = Error::kInternal;
    ASSERT_EQ(from.Send({&out, 1}, error), 1u) << ErrorName(error);
  }
  // Receives one datagram that is already on its way over loopback.
  static Bytes ReceiveOne(net::UdpSocket& at) {
    net::Incoming incoming;
    for (int i = 0; i < 100'000; ++i) {
      if (at.Receive({&incoming, 1}) == 1) {
        return {incoming.octets.begin(), incoming.octets.end()};
      }
    }
    return {};
  }
  // Polls until `done`, at most some seconds.
  template <class Condition>
  static bool PollUntil(Program& program, Condition done) {
    for (int i = 0; i < 200 && !done(); ++i) program.Poll(20, -1);
    return done();
  }

  KeyServer server_;
  shell::SystemClock clock_;
  net::UdpSocket unicast_ = OpenLocal();
  net::UdpSocket player_ = OpenLocal();
  net::UdpSocket multicast_ =
      *net::UdpSocket::OpenMulticastSender(Endpoint::Family::kIpv4, {"127.0.0.1", 0, 0});
  receiver::Setup setup_;
  std::string folder_;
};

TEST_F(ReceiverProgram, KeysInPlainPacketsOut) {
  auto program = Open();
  ASSERT_NE(program, nullptr);
  Send(unicast_, setup_.listen, server_.MskMessage(Msk(1)));
  ASSERT_TRUE(PollUntil(*program, [&] { return program->core().keyring().msks().Newest(); }));
  EXPECT_FALSE(ReceiveOne(unicast_).empty()) << "the verification came back";
  EXPECT_TRUE(std::filesystem::exists(setup_.state)) << "the COUNTER was made durable";

  Send(multicast_, setup_.channel.mtk, server_.MtkMessage(Msk(1), 1));
  ASSERT_TRUE(PollUntil(*program, [&] { return program->core().keyring().mtks().held() == 1; }));
  Headend headend(server_, kVideo, srtp::MakeIndex(Roc(0), 9));
  headend.SwitchTo(Msk(1), 1);
  Send(multicast_, setup_.channel.streams[0].group, headend.Send(100));
  const auto opened = [&] { return program->core().streams()[0]->counters().opened; };
  ASSERT_TRUE(PollUntil(*program, [&] { return opened() == 1; }));
  const Bytes plain = ReceiveOne(player_);
  Bytes want = RtpHeader(kVideo, 9);
  want.resize(112, 9);
  EXPECT_EQ(plain, want);
  EXPECT_NE(program->Report().find("\"opened\":1"), std::string::npos);
}

TEST_F(ReceiverProgram, TheRecordingReplaysToTheSame) {
  {
    auto program = Open();
    ASSERT_NE(program, nullptr);
    Send(unicast_, setup_.listen, server_.MskMessage(Msk(1)));
    Send(multicast_, setup_.channel.mtk, server_.MtkMessage(Msk(1), 1));
    Headend headend(server_, kVideo, srtp::MakeIndex(Roc(0), 9));
    headend.SwitchTo(Msk(1), 1);
    for (int i = 0; i < 5; ++i) Send(multicast_, setup_.channel.streams[0].group, headend.Send());
    const auto opened = [&] { return program->core().streams()[0]->counters().opened; };
    // All of it waited in the sockets: MSK, then MTK, then media.
    ASSERT_TRUE(PollUntil(*program, [&] { return opened() == 5; }));
  }
  std::ifstream file(setup_.record, std::ios::binary);
  const Bytes octets((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto result = Replay(octets, setup_, kNever);
  ASSERT_TRUE(result) << ErrorName(result.error());
  EXPECT_EQ(result->msk_messages, 1u);
  EXPECT_EQ(result->mtk_messages, 1u);
  EXPECT_EQ(result->opened_before, 5u);
}

TEST_F(ReceiverProgram, AReplayedMskIsRefusedAfterARestart) {
  const Bytes message = server_.MskMessage(Msk(1));
  for (const bool first : {true, false}) {
    auto program = Open();
    ASSERT_NE(program, nullptr);
    Send(unicast_, setup_.listen, message);
    const auto& discards = program->core().key_discards();
    ASSERT_TRUE(PollUntil(*program, [&] {
      return program->core().keyring().msks().Newest() != nullptr ||
             discards[static_cast<size_t>(Error::kReplayed)] != 0;
    }));
    EXPECT_EQ(program->core().keyring().msks().Newest() != nullptr, first);
  }
}

TEST_F(ReceiverProgram, AFloodOfKeyMessagesHoldsUpNothing) {
  auto program = Open();
  ASSERT_NE(program, nullptr);
  Send(unicast_, setup_.listen, server_.MskMessage(Msk(1)));
  Send(multicast_, setup_.channel.mtk, server_.MtkMessage(Msk(1), 1));
  ASSERT_TRUE(PollUntil(*program, [&] { return program->core().keyring().mtks().held() == 1; }));
  Headend headend(server_, kVideo, srtp::MakeIndex(Roc(0), 9));
  headend.SwitchTo(Msk(1), 1);
  constexpr uint64_t kFlood = 3 * kBatch;
  for (uint64_t i = 0; i < kFlood; ++i) {
    Send(unicast_, setup_.listen, {0});
    Send(multicast_, setup_.channel.mtk, {0});
  }
  Send(multicast_, setup_.channel.streams[0].group, headend.Send());
  const auto refused = [&] {
    const Discards& discards = program->core().key_discards();
    return std::accumulate(discards.begin(), discards.end(), uint64_t{0});
  };
  program->Poll(20, -1);
  EXPECT_LT(refused(), 2 * kFlood);
  EXPECT_EQ(program->core().streams()[0]->counters().opened, 1u);
  EXPECT_TRUE(PollUntil(*program, [&] { return refused() == 2 * kFlood; }));
}

TEST_F(ReceiverProgram, WhoDoesNotAnswerSavesNothingEither) {
  setup_.answers = false;
  auto program = Open();
  ASSERT_NE(program, nullptr);
  Send(unicast_, setup_.listen, server_.MskMessage(Msk(1)));
  ASSERT_TRUE(PollUntil(*program, [&] { return program->core().keyring().msks().Newest(); }));
  net::Incoming incoming;
  EXPECT_EQ(unicast_.Receive({&incoming, 1}), 0u) << "a verification came back";
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    EXPECT_EQ(entry.path(), setup_.record);
  }
}

TEST_F(ReceiverProgram, TheDoctorLeavesTheMessageToTheReceiver) {
  Options options;
  options.sdp = folder_ + "/one.sdp";
  options.key_file = folder_ + "/one.key";
  options.identity = std::string(AsText(setup_.credential.identity.view()));
  options.listen = ToString(setup_.listen);
  options.state = setup_.state;
  std::ofstream(options.sdp) << "v=0\na=keymast-channel:one\na=keymast-key-domain:"
                             << ToHex(kDomain.octets) << "\na=keymast-key-group:" << kGroup.value
                             << "\na=keymast-mtk:" << ToString(setup_.channel.mtk) << "\nm=video "
                             << Group().port << " RTP/SAVP 96\nc=IN IP4 "
                             << "239.255.42.77/0\na=rtpmap:96 H264/90000\na=ssrc:" << kVideo.value
                             << " cname:one\n";
  ASSERT_TRUE(shell::WriteSecretFile(options.key_file, setup_.credential.user_key.view()));
  std::atomic<bool> over = false;
  std::thread server([&] {
    // Until somebody listens it is lost.
    while (!over) {
      const Bytes message = server_.MskMessage(Msk(1));
      const net::Outgoing out{setup_.listen, message};
      Error error = Error::kInternal;
      unicast_.Send({&out, 1}, error);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  EXPECT_EQ(DoctorCommand(options, std::chrono::milliseconds(500), clock_), 16) << "no MTK came";
  over = true;
  server.join();
  net::Incoming incoming;
  EXPECT_EQ(unicast_.Receive({&incoming, 1}), 0u) << "a verification came back";
  EXPECT_FALSE(std::filesystem::exists(setup_.state));
}

TEST_F(ReceiverProgram, WhatCannotWorkFailsAtTheStart) {
  auto first = Open();
  ASSERT_NE(first, nullptr);
  const auto second = Program::Open(setup_, clock_);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(ToString(setup_.listen)), std::string::npos);
  setup_.listen = Local(FreePort());
  setup_.interface_address = "192.0.2.77";
  const auto elsewhere = Program::Open(setup_, clock_);
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().error, Error::kNoInterface);
  EXPECT_NE(elsewhere.error().message.find("192.0.2.77"), std::string::npos);
}

TEST_F(ReceiverProgram, TheReceiveBufferIsReadBack) {
  const auto program = Open();
  ASSERT_NE(program, nullptr);
  const Step step = CheckBuffers(program->multicast());
  EXPECT_NE(step.result, StepResult::kFailed);
  EXPECT_NE(step.finding.find("asked for 1048576"), std::string::npos) << step.finding;
}

// A receiver that sits on an interface of its own.
TEST_F(ReceiverProgram, ARequestForAReportWakesItAndDoesNotEndIt) {
  auto program = Open();
  ASSERT_NE(program, nullptr);
  const int report_fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
  ASSERT_GE(report_fd, 0);
  EXPECT_FALSE(program->Poll(-1, -1, report_fd)) << "without it nothing ends this wait";
  close(report_fd);
}

class ReceiverOnVeth : public ReceiverProgram {
 protected:
  void SetUp() override {
    if (!namespace_.entered()) GTEST_SKIP() << "may not make a network namespace";
    if (!namespace_.AddVeth()) GTEST_SKIP() << "no virtual interfaces here";
    ReceiverProgram::SetUp();
    setup_.interface_address = net::kVethIpv4;
    setup_.listen = Local(FreePort());
    setup_.targets.clear();
  }
  void SendMtk(uint16_t mtk) {
    auto sender =
        net::UdpSocket::OpenMulticastSender(Endpoint::Family::kIpv4, {net::kVethIpv4, 1, 0});
    ASSERT_TRUE(sender);
    Send(*sender, setup_.channel.mtk, server_.MtkMessage(Msk(1), mtk));
  }
  static size_t Held(const Program& program) { return program.core().keyring().mtks().held(); }

  net::Namespace namespace_;
};

TEST_F(ReceiverOnVeth, JoinsAgainWhenTheInterfaceIsMadeAgain) {
  auto program = Open();
  ASSERT_NE(program, nullptr);
  net::UdpSocket server = OpenLocal();
  Send(server, setup_.listen, server_.MskMessage(Msk(1)));
  SendMtk(1);
  ASSERT_TRUE(PollUntil(*program, [&] { return Held(*program) == 1; }));

  // Gone and back within one look: the notice tells, without a Tick.
  ASSERT_TRUE(namespace_.RemoveVeth() && namespace_.AddVeth());
  program->Poll(1000, -1);
  SendMtk(2);
  EXPECT_TRUE(PollUntil(*program, [&] { return Held(*program) == 2; }));

  // Away for longer.
  ASSERT_TRUE(namespace_.RemoveVeth());
  program->Poll(1000, -1);
  program->Tick();
  ASSERT_TRUE(namespace_.AddVeth());
  program->Poll(1000, -1);
  SendMtk(3);
  EXPECT_TRUE(PollUntil(*program, [&] { return Held(*program) == 3; }));
}

}  // namespace
}  // namespace keymast::receiver
