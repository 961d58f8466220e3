// SPDX-License-Identifier: Apache-2.0
// What the API promises: the shapes that all methods of a kind share (AIP-132 to 136, 155, 158),
// and that nothing which a release had goes away or means something else.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>

#include "api/methods.h"

namespace keymast::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

constexpr char kContract[] = KEYMAST_SOURCE_DIR "/tests/data/api_contract.txt";

std::string VerbOf(const Method& method) {
  std::smatch match;
  const std::string name = method.descriptor->name();
  std::regex_search(name, match, std::regex("^(Batch)?[A-Z][a-z]+"));
  return match.str();
}

bool Has(const Descriptor* message, const std::string& field) {
  return message->FindFieldByName(field) != nullptr;
}

// Reads, and streams: these change nothing.
bool IsRead(const Method& method) {
  static const std::set<std::string> reads = {"Get",  "List",  "BatchGet", "Plan",
                                              "Wait", "Watch", "Traffic"};
  return reads.contains(VerbOf(method));
}

TEST(Contract, EveryChangeCanBeRepeated) {
  for (const Method& method : Methods()) {
    EXPECT_EQ(Has(method.descriptor->input_type(), "request_id"), !IsRead(method)) << method.name;
  }
}

TEST(Contract, EveryChangeCanBeCheckedFirst) {
  for (const Method& method : Methods()) {
    EXPECT_EQ(Has(method.descriptor->input_type(), "validate_only"), !IsRead(method))
        << method.name;
  }
}

TEST(Contract, ListsHavePages) {
  for (const Method& method : Methods()) {
    if (VerbOf(method) != "List") continue;
    const Descriptor* request = method.descriptor->input_type();
    EXPECT_TRUE(Has(request, "page_size")) << method.name;
    EXPECT_TRUE(Has(request, "page_token")) << method.name;
    EXPECT_TRUE(Has(method.descriptor->output_type(), "next_page_token")) << method.name;
    EXPECT_EQ(Has(request, "filter"), Has(request, "order_by")) << method.name;
    EXPECT_EQ(method.descriptor->output_type()->name(), method.descriptor->name() + "Response");
  }
}

TEST(Contract, StandardMethodsHaveTheirFields) {
  for (const Method& method : Methods()) {
    const Descriptor* request = method.descriptor->input_type();
    EXPECT_TRUE(request->name() == method.descriptor->name() + "Request" ||
                method.descriptor->client_streaming())
        << method.name;
    const std::string verb = VerbOf(method);
    if (verb == "Update") {
      EXPECT_TRUE(Has(request, "update_mask")) << method.name;
    }
    if (verb == "Delete") {
      EXPECT_TRUE(Has(request, "name")) << method.name;
      EXPECT_TRUE(Has(request, "allow_missing")) << method.name;
    }
    if (verb == "Get" && Has(request, "name")) {
      EXPECT_FALSE(Has(request, "id")) << method.name;
    }
  }
}

TEST(Contract, ResourcesHaveNameAndEtag) {
  const auto* pool = Methods().front().descriptor->file()->pool();
  for (const char* name : {"Channel", "Subscriber", "Member", "Headend", "RekeySchedule"}) {
    const Descriptor* resource = pool->FindMessageTypeByName("keymast.v1." + std::string(name));
    ASSERT_NE(resource, nullptr) << name;
    EXPECT_EQ(resource->FindFieldByName("name")->number(), 1) << name;
    EXPECT_TRUE(Has(resource, "etag") && Has(resource, "create_time")) << name;
  }
}

void AddEnum(const EnumDescriptor& type, std::set<std::string>& lines) {
  for (int i = 0; i < type.value_count(); ++i) {
    lines.insert("value " + type.full_name() + " " + std::to_string(type.value(i)->number()) + " " +
                 type.value(i)->name());
  }
}

std::string TypeOf(const FieldDescriptor& field) {
  std::string type = field.is_repeated()            ? "repeated "
                     : field.has_optional_keyword() ? "optional "
                                                    : "";
  if (field.message_type() != nullptr) return type + field.message_type()->full_name();
  if (field.enum_type() != nullptr) return type + field.enum_type()->full_name();
  return type + field.type_name();
}

void AddMessage(const Descriptor& type, std::set<std::string>& lines) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    lines.insert("field " + type.full_name() + " " + std::to_string(field.number()) + " " +
                 field.name() + " " + TypeOf(field));
    const google::protobuf::OneofDescriptor* choice = field.real_containing_oneof();
    if (choice != nullptr) lines.insert("choice " + field.full_name() + " " + choice->name());
  }
  for (int i = 0; i < type.enum_type_count(); ++i) AddEnum(*type.enum_type(i), lines);
  for (int i = 0; i < type.nested_type_count(); ++i) AddMessage(*type.nested_type(i), lines);
}

void AddFile(const FileDescriptor& file, std::set<std::string>& lines) {
  for (int i = 0; i < file.message_type_count(); ++i) AddMessage(*file.message_type(i), lines);
  for (int i = 0; i < file.enum_type_count(); ++i) AddEnum(*file.enum_type(i), lines);
}

// One line for everything that a client may depend on.
std::set<std::string> Lines() {
  std::set<std::string> lines;
  const FileDescriptor& services = *Methods().front().descriptor->file();
  for (int i = 0; i < services.dependency_count(); ++i) AddFile(*services.dependency(i), lines);
  for (const Method& method : Methods()) {
    lines.insert("method " + method.name + " " + method.descriptor->input_type()->name() + " " +
                 method.descriptor->output_type()->name());
    const bool asks_once = !method.descriptor->client_streaming();
    const bool is_answered_once = !method.descriptor->server_streaming();
    lines.insert("call " + method.name + (asks_once ? " one" : " stream") +
                 (is_answered_once ? " one" : " stream"));
  }
  return lines;
}

// KEYMAST_WRITE_API_CONTRACT=1 adds what is new to the file, which a release does once.
TEST(Contract, NothingThatWasPromisedHasGone) {
  std::set<std::string> lines = Lines();
  std::set<std::string> promised;
  std::ifstream before(kContract);
  ASSERT_TRUE(before.good()) << kContract;
  for (std::string line; std::getline(before, line);) promised.insert(line);
  EXPECT_GT(promised.size(), 400U);
  for (const std::string& line : promised) {
    EXPECT_TRUE(lines.contains(line)) << "gone, or changed: " << line;
  }
  if (std::getenv("KEYMAST_WRITE_API_CONTRACT") == nullptr) return;
  lines.merge(promised);
  std::ofstream file(kContract);
  for (const std::string& line : lines) file << line << "\n";
}

}  // namespace
}  // namespace keymast::api
