// SPDX-License-Identifier: Apache-2.0
#include "served.h"

#include <poll.h>
#include <sys/socket.h>

#include <filesystem>
#include <thread>

#include "server/translate.h"

namespace keymast::server {
namespace {

// Nothing here takes so long; without it a test that fails would hang.
constexpr Duration kPatience = seconds(120);
constexpr Duration kNoWait = Duration(0);

std::string MakeFolder() {
  std::string folder = "/tmp/keymast-served-XXXXXX";
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  return folder;
}

// HashOf stands for the hash of the records: it tells states apart by what they count.
std::array<uint8_t, 32> HashOf(const rekey::State& state) {
  const std::string text =
      std::to_string(state.channels.size()) + " " + std::to_string(state.subscribers.size());
  return crypto::Sha256(AsBytes(text));
}

}  // namespace

size_t Recorder::Count(const std::string& channel, bool multicast) const {
  return static_cast<size_t>(
      std::count_if(sent.begin(), sent.end(), [&](const controller::Datagram& one) {
        return one.channel.value == channel && one.to.IsMulticast() == multicast;
      }));
}

Served::Served(On on, const controller::KeyingConfig& keying, bool audits)
    : folder_(MakeFolder()),
      server_({clock_,
               loop_,
               on.durable == nullptr ? store_ : *on.durable,
               port_,
               rng_,
               import_key_,
               {},
               nullptr,
               &clock_view_,
               on.means},
              {"bmsc@example.org",
               {},
               keying,
               audits ? AuditOf(import_key_, {}) : controller::AuditConfig()},
              {3, 5, 2, false}, std::move(on.state), HashOf),
      client_([this] {
        EXPECT_TRUE(server_.Listen(folder_ + "/core.sock"));
        server_.Start();
        return Connect();
      }()) {}

Served::~Served() {
  store_.Gate(false);  // the committer must come to its end
  std::filesystem::remove_all(folder_);
}

CoreClient Served::Connect() {
  Result<CoreClient> client = Err(Error::kUnavailable);
  std::atomic<bool> done = false;
  std::thread caller([&] {
    client = CoreClient::Connect(folder_ + "/core.sock");
    done = true;
    loop_.Wake();
  });
  EXPECT_TRUE(Until([&] { return done.load(); }));
  caller.join();
  KEYMAST_CHECK(client.has_value());
  return std::move(*client);
}

core::CoreReply Served::Call(CoreClient& client, core::CoreRequest request) {
  Result<core::CoreReply> reply = Err(Error::kUnavailable);
  std::atomic<bool> done = false;
  std::thread caller([&] {
    reply = client.Call(std::move(request));
    done = true;
    loop_.Wake();
  });
  EXPECT_TRUE(Until([&] { return done.load(); }));
  caller.join();
  EXPECT_TRUE(reply.has_value());
  return reply.value_or(core::CoreReply());
}

core::CoreReply Served::Must(core::CoreRequest request) {
  core::CoreReply reply = Call(std::move(request));
  EXPECT_FALSE(reply.has_error()) << reply.error().ShortDebugString();
  EXPECT_TRUE(reply.last());
  return reply;
}

core::CoreError Served::Refused(core::CoreRequest request) {
  const core::CoreReply reply = Call(std::move(request));
  EXPECT_TRUE(reply.has_error()) << reply.ShortDebugString();
  EXPECT_TRUE(reply.last());
  EXPECT_FALSE(reply.error().message().empty());
  return reply.error();
}

uint64_t Served::Send(CoreClient& client, core::CoreRequest request) {
  const auto call = client.Send(std::move(request));
  EXPECT_TRUE(call.has_value());
  return call.value_or(0);
}

core::CoreReply Served::Next(CoreClient& client) {
  core::CoreReply next;
  EXPECT_TRUE(Until([&] {
    Turn();
    auto reply = client.Receive(kNoWait);
    if (reply) next = std::move(*reply);
    return reply.has_value();
  }));
  return next;
}

bool Served::Quiet(CoreClient& client) {
  for (int i = 0; i < 3; ++i) Turn();
  return !client.Receive(kNoWait);
}

bool Served::Closed(CoreClient& client) {
  return Until([&] {
    Turn();
    char octet = 0;
    return recv(client.fd(), &octet, 1, MSG_DONTWAIT) == 0;
  });
}

void Served::Turn() {
  loop_.WakeAt(system_clock_.Now());
  loop_.Turn();
  server_.Turn();
}

bool Served::Until(const std::function<bool()>& done) {
  const Instant last = system_clock_.Now() + kPatience;
  while (system_clock_.Now() < last) {
    server_.Turn();
    if (done()) return true;
    // What was to wake it may have come while `done` asked the server for something.
    loop_.WakeAt(system_clock_.Now() + std::chrono::milliseconds(10));
    loop_.Turn();
  }
  return false;
}

void Served::Pass(Duration duration) {
  const Instant until = clock_.now + duration;
  while (server_.NextDeadline() <= until) {
    clock_.now = std::max(clock_.now, server_.NextDeadline());
    Turn();
  }
  clock_.now = until;
  Turn();
}

uint64_t Served::Outcomes() const {
  const Shard::Counters& counters = server_.shard().counters();
  uint64_t outcomes = counters.commits;
  for (const uint64_t errors : counters.commit_errors) outcomes += errors;
  return outcomes;
}

void Served::Settle(std::optional<Error> error) {
  Turn();
  store_.WaitForCommit();
  const uint64_t before = Outcomes();
  store_.LetThrough(error);
  EXPECT_TRUE(Until([&] { return Outcomes() > before; }));
  Turn();
}

void Served::MakeChannel(const std::string& id) {
  const std::string group = std::to_string(++key_group_);
  Must(R"(create_channel { channel_id: ")" + id + R"("
           channel { multicast { group: "239.255.42.)" +
       group + R"(" }
                     streams { media: "video" port: 5004 ssrc: 7 payload_type: 96
                               rtpmap: "H264/90000" }
                     key_domain: "262f01" key_group: )" +
       group + "} }");
}

core::CoreRequest Served::NewSubscriber(const std::string& id, size_t identity_size) {
  core::CoreRequest request;
  v1::CreateSubscriberRequest& create = *request.mutable_create_subscriber();
  create.set_subscriber_id(id);
  std::string identity = id + "@example.org";
  if (identity.size() < identity_size) identity.append(identity_size - identity.size(), 'x');
  create.mutable_subscriber()->set_identity(identity);
  std::array<uint8_t, 16> user_key{1, 2, 3};
  std::copy_n(id.begin(), std::min<size_t>(id.size(), 12), user_key.begin() + 3);
  const auto box = crypto::SealBox(
      import_key_.public_key, crypto::kUserKeyPurpose,
      crypto::UserKeyAad(SubscriberId(id), create.subscriber().identity()), user_key, rng_);
  create.mutable_subscriber()->set_sealed_credential(std::string(AsText(*box)));
  return request;
}

core::CoreRequest Served::NewSubscribers(int count) {
  core::CoreRequest request;
  for (int i = 0; i < count; ++i) {
    *request.mutable_batch_create_subscribers()->add_requests() =
        NewSubscriber("s" + std::to_string(i), 250).create_subscriber();
  }
  return request;
}

void Served::AddMember(const std::string& channel, const std::string& subscriber) {
  if (!server_.shard().controller().state().subscribers.contains(SubscriberId(subscriber))) {
    Must(NewSubscriber(subscriber));
  }
  Must(R"(create_member { parent: "channels/)" + channel + R"(" member_id: ")" + subscriber +
       R"(" member { msk_endpoint: "127.0.0.1:2271" } join: true })");
}

std::array<uint8_t, 32> Served::AddHeadend(const std::string& id, const std::string& channel) {
  const crypto::KeyPair key = crypto::MakeKeyPair(rng_);
  headend_keys_[id] = key;
  core::CoreRequest request;
  request.mutable_create_headend()->set_headend_id(id);
  v1::Headend& headend = *request.mutable_create_headend()->mutable_headend();
  headend.set_public_key(std::string(AsText(key.public_key)));
  headend.add_channels("channels/" + channel);
  Must(std::move(request));
  return key.public_key;
}

core::CoreRequest Headend::First(uint64_t call) const {
  core::CoreRequest request;
  request.set_call(call);
  request.mutable_headend_report()->set_headend("headends/" + id_);
  return request;
}

core::CoreRequest Headend::Proof(uint64_t call, const core::CoreReply& challenge) const {
  EXPECT_TRUE(challenge.headend_directive().has_challenge()) << challenge.ShortDebugString();
  const auto proof = crypto::OpenBox(key_, crypto::kHeadendChallengePurpose,
                                     crypto::HeadendChallengeAad(HeadendId(id_)),
                                     AsBytes(challenge.headend_directive().challenge().box()));
  EXPECT_TRUE(proof.has_value());
  core::CoreRequest request;
  request.set_call(call);
  if (proof) request.mutable_headend_report()->set_proof(std::string(AsText(*proof)));
  return request;
}

bool Headend::Opens(const v1::TrafficKeyBox& box) const {
  crypto::TrafficKeyContext context;
  context.channel = ChannelId(box.channel().substr(box.channel().find('/') + 1));
  context.headend = HeadendId(id_);
  context.msk = MskId::FromValue(box.msk_id());
  context.mtk = MtkId(static_cast<uint16_t>(box.mtk_id()));
  context.switch_at = Instant(seconds(box.switch_time().seconds())) +
                      std::chrono::nanoseconds(box.switch_time().nanos());
  context.epoch = box.epoch();
  return crypto::OpenBox(key_, crypto::kTrafficKeyPurpose, crypto::TrafficKeyAad(context),
                         AsBytes(box.box()))
      .has_value();
}

}  // namespace keymast::server
