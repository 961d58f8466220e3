// SPDX-License-Identifier: Apache-2.0
// What a server says of its own methods and messages (grpc.reflection.v1alpha).
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/dynamic_message.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cli/session.h"

namespace keymast::cli {

// Reflection asks as it goes and keeps what it was told. Descriptors live as long as it.
class Reflection {
 public:
  explicit Reflection(Session& session) : session_(session) {}

  // Services gives the full names of all services.
  Outcome<std::vector<std::string>> Services();

  // Find gets the files that declare the symbol, typed as `Channels.GetChannel`,
  // `keymast.v1.Channel` or `/keymast.v1.Channels/GetChannel`, and gives its full name. What has no
  // package is of keymast.v1.
  Outcome<std::string> Find(const std::string& typed);

  const google::protobuf::DescriptorPool& pool() const { return pool_; }
  std::unique_ptr<google::protobuf::Message> New(const google::protobuf::Descriptor* type);

 private:
  // Quiet takes what is wrong with a file and keeps it from standard error: who asks for what is
  // in it is told that it is not there.
  class Quiet final : public google::protobuf::DescriptorPool::ErrorCollector {
    void AddError(const std::string&, const std::string&, const google::protobuf::Message*,
                  ErrorLocation, const std::string&) override {}
  };

  Outcome<void> Load(const std::string& symbol);
  Outcome<void> LoadImports();
  Outcome<void> Add(const google::protobuf::RepeatedPtrField<std::string>& files);

  // Details gives the types that are within the details of any status, and that no file of a server
  // imports, as this program has them.
  class Details final : public google::protobuf::DescriptorDatabase {
   public:
    bool FindFileByName(const std::string& name,
                        google::protobuf::FileDescriptorProto* file) override;
    bool FindFileContainingSymbol(const std::string& symbol,
                                  google::protobuf::FileDescriptorProto* file) override;
    bool FindFileContainingExtension(const std::string&, int,
                                     google::protobuf::FileDescriptorProto*) override {
      return false;
    }

   private:
    google::protobuf::DescriptorPoolDatabase own_{
        *google::protobuf::DescriptorPool::generated_pool()};
  };

  Session& session_;
  Quiet quiet_;
  google::protobuf::SimpleDescriptorDatabase database_;  // what the server says
  Details details_;
  google::protobuf::MergedDescriptorDatabase both_{&database_, &details_};
  google::protobuf::DescriptorPool pool_{&both_, &quiet_};
  google::protobuf::DynamicMessageFactory factory_{&pool_};
  std::set<std::string> known_, wanted_;  // files
};

}  // namespace keymast::cli
