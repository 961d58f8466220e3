// SPDX-License-Identifier: Apache-2.0
#include "front_fixture.h"

#include <grpcpp/generic/generic_stub.h>
#include <httplib.h>

namespace keymast::api {

std::pair<grpc::Status, std::string> FrontTest::CallRaw(grpc::Channel& channel,
                                                        const std::string& path,
                                                        const std::string& octets,
                                                        grpc::ClientContext* context) {
  grpc::GenericStub stub(std::shared_ptr<grpc::Channel>(std::shared_ptr<void>(), &channel));
  const grpc::Slice slice(octets);
  grpc::CompletionQueue queue;
  auto call = stub.PrepareUnaryCall(context, "/" + path, grpc::ByteBuffer(&slice, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer answer;
  grpc::Status status;
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  grpc::Slice all;
  if (!status.ok() || !answer.DumpToSingleSlice(&all).ok()) return {status, ""};
  return {status, std::string(reinterpret_cast<const char*>(all.begin()), all.size())};
}

grpc::Status FrontTest::Call(grpc::Channel& channel, const std::string& method,
                             const google::protobuf::Message& request,
                             google::protobuf::Message* response, grpc::ClientContext* context) {
  grpc::ClientContext own;
  // A method with a slash is a whole path, of a service that is not ours.
  std::string path = method;
  if (method.find('/') == std::string::npos) {
    path = "keymast.v1." + method;
    path[path.find('.', 11)] = '/';
  }
  const auto [status, octets] =
      CallRaw(channel, path, request.SerializeAsString(), context != nullptr ? context : &own);
  if (status.ok() && response != nullptr) {
    EXPECT_TRUE(response->ParseFromString(octets));
  }
  return status;
}

std::pair<int, std::string> FrontTest::Get(const std::string& path) {
  httplib::Client client("127.0.0.1", front_->http_port());
  const auto answer = client.Get(path.c_str());
  if (!answer) return {0, ""};
  return {answer->status, answer->body};
}

}  // namespace keymast::api
