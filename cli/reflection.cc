// SPDX-License-Identifier: Apache-2.0
#include "cli/reflection.h"

#include <google/protobuf/descriptor.pb.h>
#include <grpcpp/support/status_code_enum.h>

#include <algorithm>

#include "grpc/reflection/v1alpha/reflection.pb.h"

namespace keymast::cli {
namespace {

namespace wire = grpc::reflection::v1alpha;

constexpr const char* kMethod = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
constexpr const char* kOwnPackage = "keymast.v1.";
// Files of the package, and what they import.
constexpr const char* kDetailsFolders[] = {"google/rpc/", "google/protobuf/"};
constexpr const char* kDetailsPackage = "google.rpc.";
constexpr size_t kMostFiles = 1000;  // more is no API

Outcome<wire::ServerReflectionResponse> Ask(Session& session,
                                            const wire::ServerReflectionRequest& request) {
  const google::protobuf::Message* next = &request;
  wire::ServerReflectionResponse response;
  bool answered = false;
  auto done = session.Converse(
      kMethod, Session::Deadline::kOfCall, [&] { return std::exchange(next, nullptr); }, response,
      [&] {
        answered = true;
        return false;
      });
  if (!done) {
    if (done.error().is_unimplemented) {
      done.error().advice = "reflection is switched off: reflection of keymast-api.toml";
    }
    return tl::unexpected(std::move(done.error()));
  }
  if (!answered) return tl::unexpected(Problem{.message = "the server's reflection is silent"});
  if (response.has_error_response()) {
    const auto& error = response.error_response();
    return tl::unexpected(ProblemOf(error.error_code(), error.error_message(), {}));
  }
  return response;
}

// What a person types, as the symbol it may be, the likeliest first.
std::vector<std::string> Candidates(std::string typed) {
  if (typed.starts_with('/')) typed.erase(0, 1);
  std::replace(typed.begin(), typed.end(), '/', '.');
  const bool has_package = !typed.empty() && typed[0] >= 'a' && typed[0] <= 'z';
  if (has_package) return {typed};
  return {kOwnPackage + typed, typed};
}

}  // namespace

Outcome<std::vector<std::string>> Reflection::Services() {
  wire::ServerReflectionRequest request;
  request.set_list_services("*");
  const auto response = Ask(session_, request);
  if (!response) return tl::unexpected(response.error());
  std::vector<std::string> names;
  for (const auto& service : response->list_services_response().service()) {
    names.push_back(service.name());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Outcome<std::string> Reflection::Find(const std::string& typed) {
  Outcome<void> loaded;
  for (const std::string& candidate : Candidates(typed)) {
    loaded = Load(candidate);
    if (loaded) return candidate;
    if (loaded.error().exit != Exit::kNotFound) return tl::unexpected(loaded.error());
  }
  return tl::unexpected(
      Problem{.exit = Exit::kNotFound,
              .message = "the server has nothing of the name \"" + typed + "\"",
              .advice = "keymastctl list shows its services, keymastctl list SERVICE its methods"});
}

Outcome<void> Reflection::Load(const std::string& symbol) {
  wire::ServerReflectionRequest request;
  request.set_file_containing_symbol(symbol);
  const auto response = Ask(session_, request);
  if (!response) return tl::unexpected(response.error());
  if (auto added = Add(response->file_descriptor_response().file_descriptor_proto()); !added) {
    return added;
  }
  return LoadImports();
}

// A server may send the file alone, without those that it imports.
Outcome<void> Reflection::LoadImports() {
  while (!wanted_.empty()) {
    wire::ServerReflectionRequest request;
    request.set_file_by_filename(*wanted_.begin());
    const auto response = Ask(session_, request);
    if (!response) return tl::unexpected(response.error());
    if (auto added = Add(response->file_descriptor_response().file_descriptor_proto()); !added) {
      return added;
    }
    wanted_.erase(request.file_by_filename());
  }
  return {};
}

Outcome<void> Reflection::Add(const google::protobuf::RepeatedPtrField<std::string>& files) {
  for (const std::string& octets : files) {
    google::protobuf::FileDescriptorProto file;
    if (!file.ParseFromString(octets) || known_.size() >= kMostFiles) {
      return tl::unexpected(Problem{.message = "what the server says of its API cannot be read"});
    }
    wanted_.erase(file.name());
    if (!known_.insert(file.name()).second) continue;
    if (!database_.Add(file)) {
      return tl::unexpected(Problem{.message = "the server says two things of " + file.name()});
    }
    for (const std::string& import : file.dependency()) {
      if (!known_.contains(import)) wanted_.insert(import);
    }
  }
  return {};
}

bool Reflection::Details::FindFileByName(const std::string& name,
                                         google::protobuf::FileDescriptorProto* file) {
  return std::any_of(std::begin(kDetailsFolders), std::end(kDetailsFolders),
                     [&](const char* folder) { return name.starts_with(folder); }) &&
         own_.FindFileByName(name, file);
}

bool Reflection::Details::FindFileContainingSymbol(const std::string& symbol,
                                                   google::protobuf::FileDescriptorProto* file) {
  return symbol.starts_with(kDetailsPackage) && own_.FindFileContainingSymbol(symbol, file);
}

std::unique_ptr<google::protobuf::Message> Reflection::New(
    const google::protobuf::Descriptor* type) {
  return std::unique_ptr<google::protobuf::Message>(factory_.GetPrototype(type)->New());
}

}  // namespace keymast::cli
