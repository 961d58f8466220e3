// SPDX-License-Identifier: Apache-2.0
// How names of the API are spelled and fields are typed (AIP-126, 140, 142, 148, 190, 191), in
// every message of it.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <regex>
#include <set>

#include "api/methods.h"

namespace keymast::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

const std::regex kSnake("[a-z][a-z0-9]*(_[a-z0-9]+)*");
const std::regex kCamel("([A-Z][a-z0-9]*)+");
const std::regex kConstant("[A-Z][A-Z0-9]*(_[A-Z0-9]+)*");

bool Is(const std::string& name, const std::regex& pattern) {
  return std::regex_match(name, pattern);
}

// The files of the package: google's own have rules of their own.
std::vector<const FileDescriptor*> Files() {
  const FileDescriptor* services = Methods().front().descriptor->file();
  std::vector<const FileDescriptor*> files{services};
  for (int i = 0; i < services->dependency_count(); ++i) files.push_back(services->dependency(i));
  return files;
}

void EachMessage(const Descriptor& message, const std::function<void(const Descriptor&)>& take) {
  take(message);
  for (int i = 0; i < message.nested_type_count(); ++i) EachMessage(*message.nested_type(i), take);
}

void EachMessage(const std::function<void(const Descriptor&)>& take) {
  for (const FileDescriptor* file : Files()) {
    for (int i = 0; i < file->message_type_count(); ++i) EachMessage(*file->message_type(i), take);
  }
}

void EachField(const std::function<void(const FieldDescriptor&)>& take) {
  EachMessage([&](const Descriptor& message) {
    for (int i = 0; i < message.field_count(); ++i) take(*message.field(i));
  });
}

std::set<const EnumDescriptor*> Enums() {
  std::set<const EnumDescriptor*> found;
  for (const FileDescriptor* file : Files()) {
    for (int i = 0; i < file->enum_type_count(); ++i) found.insert(file->enum_type(i));
  }
  EachMessage([&](const Descriptor& message) {
    for (int i = 0; i < message.enum_type_count(); ++i) found.insert(message.enum_type(i));
  });
  return found;
}

// `KEY_LEVEL` of `KeyLevel`.
std::string ConstantOf(const std::string& camel) {
  std::string name;
  for (const char c : camel) {
    if (std::isupper(static_cast<unsigned char>(c)) && !name.empty()) name += '_';
    name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

TEST(Lint, FilesAreOfTheVersionedPackage) {
  EXPECT_GE(Files().size(), 9U);
  for (const FileDescriptor* file : Files()) {
    EXPECT_EQ(file->package(), "keymast.v1") << file->name();
    EXPECT_TRUE(file->name().starts_with("keymast/v1/")) << file->name();
    EXPECT_EQ(file->syntax(), FileDescriptor::SYNTAX_PROTO3) << file->name();
  }
}

TEST(Lint, NamesAreSpelledByKind) {
  EachMessage([](const Descriptor& message) {
    EXPECT_TRUE(Is(message.name(), kCamel)) << message.full_name();
    for (int i = 0; i < message.real_oneof_decl_count(); ++i) {
      EXPECT_TRUE(Is(message.oneof_decl(i)->name(), kSnake)) << message.oneof_decl(i)->full_name();
    }
  });
  EachField([](const FieldDescriptor& field) {
    EXPECT_TRUE(Is(field.name(), kSnake)) << field.full_name();
  });
  for (const Method& method : Methods()) {
    EXPECT_TRUE(Is(method.descriptor->name(), kCamel)) << method.name;
    EXPECT_TRUE(Is(method.descriptor->service()->name(), kCamel)) << method.name;
  }
}

// AIP-126: what is not set is told from each value.
TEST(Lint, EnumsBeginUnspecified) {
  EXPECT_GE(Enums().size(), 5U);
  for (const EnumDescriptor* type : Enums()) {
    EXPECT_TRUE(Is(type->name(), kCamel)) << type->full_name();
    EXPECT_EQ(type->value(0)->number(), 0) << type->full_name();
    EXPECT_EQ(type->value(0)->name(), ConstantOf(type->name()) + "_UNSPECIFIED");
    for (int i = 0; i < type->value_count(); ++i) {
      EXPECT_TRUE(Is(type->value(i)->name(), kConstant)) << type->value(i)->full_name();
    }
  }
}

// AIP-142: an instant is `time` or ends so; nothing else does.
TEST(Lint, InstantsEndInTime) {
  EachField([](const FieldDescriptor& field) {
    const auto* type = field.message_type();
    const bool is_instant = type != nullptr && type->full_name() == "google.protobuf.Timestamp";
    const bool is_span = type != nullptr && type->full_name() == "google.protobuf.Duration";
    const std::string& name = field.name();
    const bool says_time = name == "time" || name.ends_with("_time");
    static const std::set<std::string> plain = {
        // Ends of a window, a choice beside `period` and `cron`, and where an instant was before it
        // was put off.
        "keymast.v1.Member.entitlement_start",
        "keymast.v1.Member.entitlement_end",
        "keymast.v1.RekeySchedule.once",
        "keymast.v1.UpcomingRekey.deferred_from",
    };
    const bool is_plain = plain.contains(field.full_name());
    EXPECT_TRUE(!is_instant || says_time || is_plain) << field.full_name();
    EXPECT_TRUE(!says_time || is_instant || is_span) << field.full_name();
  });
}

// AIP-148: a name is a string, the first field; so are the fields that requests share.
TEST(Lint, CommonFieldsHaveOneType) {
  const std::vector<std::pair<std::string, std::string>> types = {
      {"name", "string"},         {"parent", "string"},     {"etag", "string"},
      {"page_token", "string"},   {"page_size", "int32"},   {"filter", "string"},
      {"order_by", "string"},     {"request_id", "string"}, {"validate_only", "bool"},
      {"allow_missing", "bool"},  {"force", "bool"},        {"next_page_token", "string"},
      {"display_name", "string"}, {"done", "bool"},
  };
  const std::vector<std::pair<std::string, std::string>> messages = {
      {"update_mask", "google.protobuf.FieldMask"},
      {"read_mask", "google.protobuf.FieldMask"},
      {"create_time", "google.protobuf.Timestamp"},
  };
  EachField([&](const FieldDescriptor& field) {
    for (const auto& [name, type] : types) {
      if (field.name() != name) continue;
      EXPECT_EQ(field.type_name(), type) << field.full_name();
    }
    for (const auto& [name, type] : messages) {
      if (field.name() != name) continue;
      ASSERT_NE(field.message_type(), nullptr) << field.full_name();
      EXPECT_EQ(field.message_type()->full_name(), type) << field.full_name();
    }
    EXPECT_TRUE(field.name() != "name" || field.number() == 1) << field.full_name();
  });
}

// AIP-132, 231: lists and batches hold their resource by its plural name, first.
TEST(Lint, ListsAndBatchesHoldTheirResource) {
  for (const Method& method : Methods()) {
    const std::string& name = method.descriptor->name();
    const std::string start = name.starts_with("List")       ? "List"
                              : name.starts_with("BatchGet") ? "BatchGet"
                                                             : "";
    if (start.empty()) continue;
    const FieldDescriptor* items = method.descriptor->output_type()->field(0);
    std::string plural = ConstantOf(name.substr(start.size()));
    for (char& c : plural) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_TRUE(items->is_repeated()) << method.name;
    EXPECT_EQ(items->name(), plural) << method.name;
  }
}

// AIP-121: what can be deleted can be looked up by name and listed; what has an etag and can be
// created can be updated.
TEST(Lint, ResourcesHaveTheStandardMethods) {
  std::map<std::string, const google::protobuf::MethodDescriptor*> methods;
  for (const Method& method : Methods()) {
    methods[method.descriptor->name()] = method.descriptor;
  }
  size_t resources = 0;
  for (const auto& [name, method] : methods) {
    if (!name.starts_with("Delete")) continue;
    ++resources;
    const std::string resource = name.substr(6);
    ASSERT_TRUE(methods.contains("Get" + resource)) << resource;
    EXPECT_TRUE(methods.contains("List" + resource + "s")) << resource;
    const Descriptor* type = methods.at("Get" + resource)->output_type();
    EXPECT_EQ(type->name(), resource);
    if (type->FindFieldByName("etag") == nullptr) continue;
    EXPECT_TRUE(methods.contains("Create" + resource)) << resource;
    EXPECT_TRUE(methods.contains("Update" + resource)) << resource;
  }
  EXPECT_GE(resources, 7U);
}

}  // namespace
}  // namespace keymast::api
