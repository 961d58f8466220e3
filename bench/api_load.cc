// SPDX-License-Identifier: Apache-2.0
#include "bench/api_load.h"

#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/async_unary_call.h>

#include <chrono>

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

template <class Request, class Response>
struct Exchange {
  grpc::ClientContext context;
  Request request;
  Response response;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
};

// Keep makes calls number 0 to `total` - 1, `in_flight` at once, all by this thread, and returns
// calls a second. `begin` fills in the exchange's request and begins its call.
template <class Exchange>
double Keep(size_t total, size_t in_flight,
            const std::function<void(size_t, Exchange&, grpc::CompletionQueue&)>& begin) {
  grpc::CompletionQueue queue;
  size_t next = 0;
  const auto call = [&] {
    auto* exchange = new Exchange;  // the queue hands it back
    begin(next++, *exchange, queue);
    exchange->reader->StartCall();
    exchange->reader->Finish(&exchange->response, &exchange->status, exchange);
  };
  const double start = WallSeconds();
  while (next < std::min(total, in_flight)) call();
  for (size_t landed = 0; landed < total; ++landed) {
    void* tag = nullptr;
    bool ok = false;
    Demand(queue.Next(&tag, &ok), "the queue of answers is closed");
    const std::unique_ptr<Exchange> exchange(static_cast<Exchange*>(tag));
    Check(exchange->status, "member");
    if (next < total) call();
  }
  const double took = WallSeconds() - start;
  queue.Shutdown();
  return static_cast<double>(total) / took;
}

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
  using Single = Exchange<v1::CreateMemberRequest, v1::Member>;
  return Keep<Single>(
      count, in_flight, [&](size_t number, Single& exchange, grpc::CompletionQueue& queue) {
        exchange.request = MemberRequest(number);
        exchange.request.set_parent("channels/" + ChannelName(channel));
        exchange.reader =
            members_->PrepareAsyncCreateMember(&exchange.context, exchange.request, &queue);
      });
}

double ApiLoad::AddBatches(size_t channel, size_t count, size_t batch, size_t in_flight) {
  using Batch = Exchange<v1::BatchCreateMembersRequest, v1::BatchCreateMembersResponse>;
  const double calls = Keep<Batch>(
      count / batch, in_flight, [&](size_t number, Batch& exchange, grpc::CompletionQueue& queue) {
        exchange.request.set_parent("channels/" + ChannelName(channel));
        for (size_t i = number * batch; i < (number + 1) * batch; ++i) {
          *exchange.request.add_requests() = MemberRequest(i);
        }
        exchange.reader =
            members_->PrepareAsyncBatchCreateMembers(&exchange.context, exchange.request, &queue);
      });
  return static_cast<double>(batch) * calls;
}

}  // namespace keymast::bench
