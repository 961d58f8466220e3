// SPDX-License-Identifier: Apache-2.0
#include "bench/api_load.h"

#include <grpcpp/create_channel.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "bench/harness.h"
#include "bench/processes.h"
#include "crypto/boxes.h"

namespace keymast::bench {
namespace {

constexpr size_t kSubscriberBatch = 1000;
constexpr auto kStartPatience = std::chrono::seconds(10);

void Check(const grpc::Status& status, const char* what) {
  Demand(status.ok(), std::string(what) + ": " + status.error_message());
}

std::string SubscriberName(size_t number) { return "subscriber-" + std::to_string(number); }
std::string ChannelName(size_t number) { return "channel-" + std::to_string(number); }

// The channel is named by the call.
v1::CreateMemberRequest MemberRequest(size_t subscriber) {
  v1::CreateMemberRequest request;
  request.set_member_id(SubscriberName(subscriber));
  request.mutable_member()->set_msk_endpoint("127.0.0.1:2271");
  return request;
}

// Flight counts calls out and in; the last one in wakes who waits.
class Flight {
 public:
  explicit Flight(size_t total) : total_(total) {}

  // Next is the number of the call to make now; `total` when there is none.
  size_t Next() { return std::min(next_.fetch_add(1), total_); }
  size_t total() const { return total_; }
  void Landed() {
    if (landed_.fetch_add(1) + 1 < total_) return;
    const std::lock_guard lock(mutex_);
    over_ = true;
    changed_.notify_all();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return over_; });
  }

 private:
  const size_t total_;
  std::atomic<size_t> next_ = 0;
  std::atomic<size_t> landed_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
};

// Keep makes calls number 0 to `total` - 1, `in_flight` at once, and returns calls a second. `call`
// makes one and runs what it is given when the answer is there.
double Keep(size_t total, size_t in_flight,
            const std::function<void(size_t, std::function<void()>)>& call) {
  Flight flight(total);
  const std::function<void()> one = [&] {
    const size_t number = flight.Next();
    if (number == flight.total()) return;
    call(number, [&] {
      one();
      flight.Landed();
    });
  };
  const double begin = WallSeconds();
  for (size_t i = 0; i < in_flight; ++i) one();
  flight.Wait();
  return static_cast<double>(total) / (WallSeconds() - begin);
}

template <class Request, class Response>
struct Exchange {
  grpc::ClientContext context;
  Request request;
  Response response;
};

}  // namespace

ApiLoad::ApiLoad(const std::string& operator_socket)
    : channel_(grpc::CreateChannel("unix:" + operator_socket, grpc::InsecureChannelCredentials())),
      members_(v1::Members::NewStub(channel_)) {
  const auto server = v1::Server::NewStub(channel_);
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + kStartPatience);
  v1::ServerStatus answer;
  Check(server->GetServerStatus(&context, {}, &answer), "server status");
}

void ApiLoad::MakeSubscribers(size_t count) {
  v1::ServerStatus server;
  grpc::ClientContext context;
  Check(v1::Server::NewStub(channel_)->GetServerStatus(&context, {}, &server), "server status");
  const auto stub = v1::Subscribers::NewStub(channel_);
  crypto::SystemRng rng;
  for (size_t first = 0; first < count; first += kSubscriberBatch) {
    v1::BatchCreateSubscribersRequest request;
    for (size_t i = first; i < std::min(count, first + kSubscriberBatch); ++i) {
      const std::string identity = SubscriberName(i) + "@example.org";
      auto key = crypto::Key32::OfSize(16);
      rng.Fill(key.mutable_view());
      const auto box = crypto::SealBox(
          AsBytes(server.import_public_key()), crypto::kUserKeyPurpose,
          crypto::UserKeyAad(SubscriberId(SubscriberName(i)), identity), key.view(), rng);
      Demand(box.has_value(), "the server's import key is not usable");
      v1::CreateSubscriberRequest* one = request.add_requests();
      one->set_subscriber_id(SubscriberName(i));
      one->mutable_subscriber()->set_identity(identity);
      one->mutable_subscriber()->set_sealed_credential(box->data(), box->size());
    }
    grpc::ClientContext call;
    v1::BatchCreateSubscribersResponse response;
    Check(stub->BatchCreateSubscribers(&call, request, &response), "subscribers");
  }
}

void ApiLoad::MakeChannel(size_t number) {
  v1::CreateChannelRequest request;
  request.set_channel_id(ChannelName(number));
  v1::Channel& channel = *request.mutable_channel();
  channel.mutable_multicast()->set_group("239.255.43.1");
  channel.mutable_multicast()->set_interface_address("127.0.0.1");
  channel.set_key_domain("262f01");
  channel.set_key_group(static_cast<uint32_t>(number));
  channel.set_srtp_profile(v1::AES_CM_128_HMAC_SHA1_80);
  v1::Stream& stream = *channel.add_streams();
  stream.set_media("video");
  stream.set_port(static_cast<uint32_t>(5000 + 4 * number));
  stream.set_ssrc(static_cast<uint32_t>(0xa0000000 + number));
  stream.set_payload_type(96);
  stream.set_rtpmap("H264/90000");
  grpc::ClientContext context;
  v1::Channel answer;
  Check(v1::Channels::NewStub(channel_)->CreateChannel(&context, request, &answer), "channel");
}

double ApiLoad::AddMembers(size_t channel, size_t count, size_t in_flight) {
  return Keep(count, in_flight, [this, channel](size_t number, std::function<void()> done) {
    auto exchange = std::make_shared<Exchange<v1::CreateMemberRequest, v1::Member>>();
    exchange->request = MemberRequest(number);
    exchange->request.set_parent("channels/" + ChannelName(channel));
    members_->async()->CreateMember(&exchange->context, &exchange->request, &exchange->response,
                                    [exchange, done = std::move(done)](const grpc::Status& status) {
                                      Check(status, "member");
                                      done();
                                    });
  });
}

double ApiLoad::AddBatches(size_t channel, size_t count, size_t batch, size_t in_flight) {
  const auto call = [&](size_t number, std::function<void()> done) {
    using Batch = Exchange<v1::BatchCreateMembersRequest, v1::BatchCreateMembersResponse>;
    auto exchange = std::make_shared<Batch>();
    exchange->request.set_parent("channels/" + ChannelName(channel));
    for (size_t i = number * batch; i < (number + 1) * batch; ++i) {
      *exchange->request.add_requests() = MemberRequest(i);
    }
    members_->async()->BatchCreateMembers(
        &exchange->context, &exchange->request, &exchange->response,
        [exchange, done = std::move(done)](const grpc::Status& status) {
          Check(status, "members");
          done();
        });
  };
  return static_cast<double>(batch) * Keep(count / batch, in_flight, call);
}

}  // namespace keymast::bench
