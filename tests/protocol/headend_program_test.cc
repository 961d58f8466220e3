// SPDX-License-Identifier: Apache-2.0
// The program over real sockets on loopback and a real gRPC stream to a key source: keys in, the
// encoder's packets protected on the multicast group.
#include "headend/program.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>

#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"
#include "keymast/v1/service.grpc.pb.h"
#include "shell/process.h"
#include "tests/unit/headend/key_source.h"

namespace keymast::headend {
namespace {

using std::chrono::seconds;

constexpr SrtpProfile kProfile = SrtpProfile::kAesCm128HmacSha1_80;
const HeadendId kName("studio");

grpc::Status StatusOf(grpc::StatusCode code, Error reason) {
  google::rpc::Status status;
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(ErrorName(reason)));
  status.add_details()->PackFrom(info);
  return {code, "as the test wants it", status.SerializeAsString()};
}

// FakeServer answers a proof with what it was told to say, keeps reports, and ends streams on
// demand. One stream at a time.
class FakeServer final : public v1::Headends::Service {
 public:
  explicit FakeServer(ByteView public_key) : source_(kName, public_key) {}

  grpc::Status TrafficKeys(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::HeadendDirective, v1::HeadendReport>* stream) override {
    v1::HeadendReport report;
    if (!stream->Read(&report)) return grpc::Status::OK;
    hello_ = report.headend();
    stream->Write(source_.Challenge());
    if (!stream->Read(&report)) return grpc::Status::OK;
    if (!source_.IsProof(report)) return grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "no");
    std::unique_lock lock(mutex_);
    ++proofs_;
    for (;;) {
      while (!waiting_.empty()) {
        stream->Write(waiting_.front());
        waiting_.pop_front();
      }
      if (end_) return *std::exchange(end_, std::nullopt);
      lock.unlock();
      const bool more = stream->Read(&report);  // each second at least
      lock.lock();
      if (!more) return grpc::Status::OK;
      last_ = report;
      ++reports_;
    }
  }

  void Say(v1::HeadendDirective directive) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(directive));
  }
  void End(grpc::Status status) {
    const std::lock_guard lock(mutex_);
    end_ = std::move(status);
  }
  v1::HeadendReport last() {
    const std::lock_guard lock(mutex_);
    return last_;
  }
  int proofs() {
    const std::lock_guard lock(mutex_);
    return proofs_;
  }
  KeySource& source() { return source_; }

 private:
  KeySource source_;
  std::mutex mutex_;
  std::deque<v1::HeadendDirective> waiting_;
  std::optional<grpc::Status> end_;
  v1::HeadendReport last_;
  std::string hello_;
  int proofs_ = 0;
  int reports_ = 0;
};

class HeadendProgram : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/headend-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    setup_.settings.id = kName;
    setup_.settings.keys = keys_;
    setup_.target.server = "unix:" + folder_ + "/headend.sock";
    setup_.state = folder_ + "/state";
    setup_.record = folder_ + "/record.pcapng";
    setup_.settings.inputs = {{ChannelId(), "video", 0, Local(FreePort())}};
    definition_.streams[0].port = FreePort();
  }
  void TearDown() override {
    StopServer();
    std::filesystem::remove_all(folder_);
  }

  static Endpoint Local(uint16_t port) {
    Endpoint endpoint = *ParseAddress("127.0.0.1");
    endpoint.port = port;
    return endpoint;
  }
  static uint16_t FreePort() { return net::UdpSocket::Open(Local(0))->local()->port; }

  void StartServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(setup_.target.server, grpc::InsecureServerCredentials());
    builder.RegisterService(&server_);
    running_ = builder.BuildAndStart();
    ASSERT_NE(running_, nullptr);
  }
  void StopServer() {
    if (running_) running_->Shutdown(std::chrono::system_clock::now());
    running_.reset();
  }
  std::unique_ptr<Program> Open() {
    auto program = Program::Open(setup_, clock_);
    EXPECT_TRUE(program) << program.error().message;
    return program ? std::move(*program) : nullptr;
  }
  // Runs the program, with a tick each 50 ms, until `done`, at most 20 s.
  template <class Condition>
  bool RunUntil(Program& program, Condition done) {
    const Instant end = clock_.Now() + seconds(20);
    while (!done() && clock_.Now() < end) {
      program.Poll(clock_.Now() + std::chrono::milliseconds(50), -1);
      program.Tick();
    }
    return done();
  }
  void OnAir(Program& program) {
    server_.Say(KeySource::Define(definition_));
    server_.Say(server_.source().Box(definition_, Mtk(kProfile, 1, 1, clock_.Now())));
    ASSERT_TRUE(RunUntil(program, [&] { return KeyOf(program) == 1; }));
    ASSERT_TRUE(RunUntil(program, [&] { return !program.headend().StateToSave(); }));
  }
  // The MTK ID in use, 0 for none.
  static int KeyOf(const Program& program) {
    const auto& channels = program.headend().channels();
    if (channels.empty()) return 0;
    const KeySlot* slot = channels.begin()->second->keys().current();
    return slot == nullptr ? 0 : slot->key.name.mtk.value;
  }
  Endpoint GroupOf(size_t stream) const {
    Endpoint group = definition_.group;
    group.port = definition_.streams[stream].port;
    return group;
  }
  void Encode(const Bytes& datagram) {
    const net::Outgoing out{setup_.settings.inputs[0].listen, datagram};
    Error error = Error::kInternal;
    ASSERT_EQ(encoder_.Send({&out, 1}, error), 1u);
  }
  Bytes Air(Program& program, net::UdpSocket& audience) {
    Bytes heard;
    RunUntil(program, [&] {
      net::Incoming incoming;
      if (audience.Receive({&incoming, 1}) == 1) {
        heard.assign(incoming.octets.begin(), incoming.octets.end());
      }
      return !heard.empty();
    });
    return heard;
  }

  crypto::SystemRng rng_;
  crypto::KeyPair keys_ = crypto::MakeKeyPair(rng_);
  FakeServer server_{keys_.public_key};
  std::unique_ptr<grpc::Server> running_;
  shell::SystemClock clock_;
  ChannelDefinition definition_ = Definition(kProfile);
  net::UdpSocket encoder_ = *net::UdpSocket::Open(Local(0));
  headend::Setup setup_;
  std::string folder_;
};

TEST_F(HeadendProgram, KeysInProtectedPacketsOut) {
  StartServer();
  auto program = Open();
  ASSERT_NE(program, nullptr);
  OnAir(*program);
  auto audience = net::UdpSocket::OpenMulticastReceiver(GroupOf(0), "127.0.0.1");
  ASSERT_TRUE(audience);
  Listener listener(kProfile, kVideo, PacketIndex(kFirstSequence));
  const TrafficKey key = Mtk(kProfile, 1, 1, clock_.Now());
  listener.Learn(key, Bytes{0, 1, 0, 1, 0, 1});
  for (uint16_t i = 0; i < 5; ++i) {
    Encode(Rtp(static_cast<uint16_t>(500 + i)));
    const auto plain = listener.Hear(Air(*program, *audience));
    ASSERT_TRUE(plain) << ErrorName(plain.error());
    RtpParts want;
    want.sequence = static_cast<uint16_t>(kFirstSequence + i);
    want.ssrc = kVideo;
    EXPECT_EQ(*plain, Rtp(want));
  }
  // Its report goes up with the position, and the next key is used from its instant on.
  server_.Say(server_.source().Box(definition_, Mtk(kProfile, 1, 2, clock_.Now() + seconds(2))));
  ASSERT_TRUE(RunUntil(*program, [&] { return KeyOf(*program) == 2; }));
  ASSERT_TRUE(RunUntil(*program, [&] { return server_.last().held_size() == 1; }));
  const v1::HeadendReport report = server_.last();
  EXPECT_EQ(report.held(0).mtk_id(), 2u);
  ASSERT_EQ(report.positions_size(), 1);
  EXPECT_EQ(report.positions(0).index(), kFirstSequence + 4u);
  EXPECT_GT(std::filesystem::file_size(setup_.record), 500u);
  EXPECT_TRUE(program->Stop());
}

TEST_F(HeadendProgram, WithoutServerItSendsNothingAndSaysSo) {
  auto program = Open();
  ASSERT_NE(program, nullptr);
  Encode(Rtp(1));
  ASSERT_TRUE(RunUntil(*program, [&] {
    return program->headend().discards()[static_cast<size_t>(Error::kUnknownChannel)] == 1;
  }));
  ASSERT_TRUE(RunUntil(
      *program, [&] { return program->Report().find("\"link_error\":\"") != std::string::npos; }));
  EXPECT_NE(program->Report().find("\"connected\":false"), std::string::npos);
  EXPECT_NE(program->Report().find("\"silent\":\"no_channel\""), std::string::npos);
}

TEST_F(HeadendProgram, ItStaysOnTheKeyWhileTheServerIsAwayAndComesBack) {
  StartServer();
  auto program = Open();
  ASSERT_NE(program, nullptr);
  OnAir(*program);
  StopServer();
  ASSERT_TRUE(RunUntil(*program, [&] { return program->headend().link() == LinkState::kAway; }));
  EXPECT_EQ(KeyOf(*program), 1);
  StartServer();
  ASSERT_TRUE(RunUntil(*program, [&] { return server_.proofs() == 2; }));
  server_.Say(KeySource::Define(definition_));
  server_.Say(server_.source().Box(definition_, Mtk(kProfile, 1, 2, clock_.Now())));
  EXPECT_TRUE(RunUntil(*program, [&] { return KeyOf(*program) == 2; }));
}

TEST_F(HeadendProgram, ARestartGoesOnAboveWhatWasUsed) {
  StartServer();
  for (uint64_t life = 0; life < 3; ++life) {
    auto program = Open();
    ASSERT_NE(program, nullptr);
    OnAir(*program);
    Encode(Rtp(7));
    const Channel& channel = *program->headend().channels().begin()->second;
    ASSERT_TRUE(RunUntil(*program, [&] { return channel.position(0).has_value(); }));
    EXPECT_EQ(channel.position(0)->index, PacketIndex(kFirstSequence + life));
    EXPECT_TRUE(program->Stop());
  }
  {
    auto program = Open();
    ASSERT_NE(program, nullptr);
    OnAir(*program);  // and ends without Stop
  }
  auto program = Open();
  ASSERT_NE(program, nullptr);
  OnAir(*program);
  Encode(Rtp(7));
  const Channel& channel = *program->headend().channels().begin()->second;
  ASSERT_TRUE(RunUntil(*program, [&] { return channel.position(0).has_value(); }));
  EXPECT_EQ(channel.position(0)->index, PacketIndex(kFirstSequence + 3 + IndexRange::kFirstAhead));
}

TEST_F(HeadendProgram, ARevokedOneForgetsItsKeys) {
  StartServer();
  auto program = Open();
  ASSERT_NE(program, nullptr);
  OnAir(*program);
  server_.End(StatusOf(grpc::StatusCode::NOT_FOUND, Error::kNotFound));
  EXPECT_TRUE(RunUntil(*program, [&] { return program->headend().channels().empty(); }));
  EXPECT_FALSE(program->failure());
}

TEST_F(HeadendProgram, OneWhosePlaceWasTakenLeaves) {
  StartServer();
  auto program = Open();
  ASSERT_NE(program, nullptr);
  OnAir(*program);
  server_.End(StatusOf(grpc::StatusCode::FAILED_PRECONDITION, Error::kInUse));
  EXPECT_TRUE(RunUntil(*program, [&] { return program->failure().has_value(); }));
  EXPECT_FALSE(program->Poll(clock_.Now(), -1));
}

TEST_F(HeadendProgram, AnInterfaceThatIsNotThereIsToldAndTriedAgain) {
  definition_.interface_address = "192.0.2.77";
  StartServer();
  auto program = Open();
  ASSERT_NE(program, nullptr);
  OnAir(*program);
  Encode(Rtp(1));
  ASSERT_TRUE(RunUntil(*program, [&] {
    return program->Report().find("\"silent\":\"no_interface\"") != std::string::npos;
  }));
  EXPECT_EQ(KeyOf(*program), 1);
}

TEST_F(HeadendProgram, AnEncoderWhosePacketsAreAllRefusedIsTold) {
  StartServer();
  auto program = Open();
  ASSERT_NE(program, nullptr);
  OnAir(*program);
  RtpParts parts;
  const auto says = [&](const char* silent) {
    return RunUntil(*program, [&] {
      ++parts.sequence;
      Encode(Rtp(parts));
      return program->Report().find(silent) != std::string::npos;
    });
  };
  parts.payload_type = 33;
  EXPECT_TRUE(says("\"silent\":\"input_refused\"")) << program->Report();
  parts.payload_type = 96;
  EXPECT_TRUE(says("\"silent\":null")) << program->Report();
}

TEST_F(HeadendProgram, WhatCannotWorkFailsAtTheStart) {
  auto first = Open();
  ASSERT_NE(first, nullptr);
  auto second = Program::Open(setup_, clock_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().error, Error::kInUse);
  EXPECT_NE(second.error().message.find(setup_.state), std::string::npos);
  headend::Setup other = setup_;
  other.state = folder_ + "/other";
  second = Program::Open(other, clock_);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(ToString(setup_.settings.inputs[0].listen)),
            std::string::npos);
  other.target.server = "192.0.2.1:7443";
  other.settings.inputs = {{ChannelId(), "video", 0, Local(FreePort())}};
  second = Program::Open(other, clock_);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("--tls-ca"), std::string::npos);
}

}  // namespace
}  // namespace keymast::headend
