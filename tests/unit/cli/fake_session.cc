// SPDX-License-Identifier: Apache-2.0
#include "fake_session.h"

#include <google/protobuf/descriptor.pb.h>

#include "grpc/reflection/v1alpha/reflection.pb.h"

namespace keymast::cli {
namespace {

using google::protobuf::FileDescriptor;
using google::protobuf::Message;
namespace wire = grpc::reflection::v1alpha;

// `Channels.GetChannel` of /keymast.v1.Channels/GetChannel.
std::string ShortName(std::string method) {
  constexpr std::string_view kOwn = "/keymast.v1.";
  if (!method.starts_with(kOwn)) return method;
  method.erase(0, kOwn.size());
  std::replace(method.begin(), method.end(), '/', '.');
  return method;
}

void AddFile(const FileDescriptor* file, wire::ServerReflectionResponse& response) {
  if (file == nullptr) {
    response.mutable_error_response()->set_error_code(5);
    return;
  }
  google::protobuf::FileDescriptorProto proto;
  file->CopyTo(&proto);
  response.mutable_file_descriptor_response()->add_file_descriptor_proto(proto.SerializeAsString());
}

// Each file alone, as a server may answer that leaves imports to be asked for.
void Reflect(const wire::ServerReflectionRequest& request,
             wire::ServerReflectionResponse& response) {
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  if (!request.list_services().empty()) {
    const FileDescriptor* file = pool->FindFileByName("keymast/v1/service.proto");
    for (int i = 0; i < file->service_count(); ++i) {
      response.mutable_list_services_response()->add_service()->set_name(
          file->service(i)->full_name());
    }
  } else if (!request.file_by_filename().empty()) {
    AddFile(pool->FindFileByName(request.file_by_filename()), response);
  } else {
    AddFile(pool->FindFileContainingSymbol(request.file_containing_symbol()), response);
  }
}

// LimitedBuffer takes so many octets, and fails then.
class LimitedBuffer final : public std::stringbuf {
 public:
  explicit LimitedBuffer(size_t room) : std::stringbuf(std::ios::out), room_(room) {}

 private:
  std::streamsize xsputn(const char* octets, std::streamsize count) override {
    if (static_cast<size_t>(count) > room_) return 0;
    room_ -= static_cast<size_t>(count);
    return std::stringbuf::xsputn(octets, count);
  }
  int_type overflow(int_type octet) override {
    if (room_ == 0) return traits_type::eof();
    --room_;
    return std::stringbuf::overflow(octet);
  }

  size_t room_;
};

}  // namespace

class FakeServer::FakeSession final : public Session {
 public:
  explicit FakeSession(FakeServer& server) : server_(server) {}

  cli::Outcome<void> Call(const std::string& path, const Message& request,
                          Message& response) override {
    const std::string method = ShortName(path);
    Remember(method, request);
    server_.now += server_.call_time;
    const auto found = server_.problems_.find(method);
    if (found != server_.problems_.end() && found->second.answered-- == 0) {
      found->second.answered = 0;
      return tl::unexpected(found->second.problem);
    }
    auto& answers = server_.answers_[method];
    if (answers.empty()) return {};
    Read(answers.front(), response);
    if (answers.size() > 1) answers.erase(answers.begin());
    return {};
  }

  cli::Outcome<void> Stream(const std::string& method, const Message& request, Message& scratch,
                            const std::function<bool()>& each) override {
    const Message* next = &request;
    return Converse(
        method, Deadline::kNone, [&] { return std::exchange(next, nullptr); }, scratch, each);
  }

  cli::Outcome<void> Converse(const std::string& path, Deadline,
                              const std::function<const Message*()>& next, Message& scratch,
                              const std::function<bool()>& each) override {
    const std::string method = ShortName(path);
    if (method.find("ServerReflection") != std::string::npos) {
      if (const auto found = server_.problems_.find("reflection");
          found != server_.problems_.end()) {
        return tl::unexpected(found->second.problem);
      }
      Reflect(dynamic_cast<const wire::ServerReflectionRequest&>(*next()),
              dynamic_cast<wire::ServerReflectionResponse&>(scratch));
      static_cast<void>(each());
      return {};
    }
    while (const Message* request = next()) Remember(method, *request);
    for (const std::string& json : server_.answers_[method]) {
      scratch.Clear();
      Read(json, scratch);
      if (!each()) return {};
    }
    if (const auto found = server_.problems_.find(method); found != server_.problems_.end()) {
      return tl::unexpected(found->second.problem);
    }
    return {};
  }

 private:
  void Remember(const std::string& method, const Message& request) {
    const std::unique_ptr<Message> copy(request.New());
    copy->CopyFrom(request);
    std::string id, json;
    if (const auto* field = copy->GetDescriptor()->FindFieldByName("request_id")) {
      id = copy->GetReflection()->GetString(*copy, field);
      copy->GetReflection()->ClearField(copy.get(), field);
    }
    EXPECT_TRUE(google::protobuf::util::MessageToJsonString(*copy, &json).ok());
    server_.asked_.push_back({method, json, id});
  }
  static void Read(const std::string& json, Message& message) {
    const auto read = google::protobuf::util::JsonStringToMessage(json, &message);
    EXPECT_TRUE(read.ok()) << read.ToString() << "\n" << json;
  }

  FakeServer& server_;
};

FakeServer::Outcome FakeServer::Run(const std::vector<std::string>& words) {
  std::vector<const char*> argv = {"keymastctl"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  std::istringstream in(input);
  LimitedBuffer buffer(out_room);
  std::ostream out(&buffer);
  std::ostringstream err;
  const auto connect = [this](const Target& target) -> cli::Outcome<std::unique_ptr<Session>> {
    target_ = target;
    return std::make_unique<FakeSession>(*this);
  };
  Surroundings around{in,
                      out,
                      err,
                      is_terminal,
                      is_terminal,
                      [this] { return now; },
                      [this](Duration duration) {
                        now += duration;
                        on_pause();
                      },
                      [this] { return is_out_closed; }};
  const int exit = cli::Run(static_cast<int>(argv.size()), argv.data(), connect, around);
  return {exit, buffer.str(), err.str()};
}

}  // namespace keymast::cli
