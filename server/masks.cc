// SPDX-License-Identifier: Apache-2.0
#include "server/masks.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/field_mask_util.h>

#include <algorithm>

#include "server/translate.h"

namespace keymast::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FieldMask;
using google::protobuf::Message;
using google::protobuf::util::FieldMaskUtil;

constexpr int kMaxPaths = 256;

bool IsPath(const Descriptor& type, const std::string& path) {
  return FieldMaskUtil::GetFieldDescriptors(&type, path, nullptr);
}

std::string_view FirstOf(std::string_view path) { return path.substr(0, path.find('.')); }

// PathsOf are the leaves below `path` that are set: an update of one field of a policy leaves the
// others alone.
void AddSetPaths(const Message& message, const FieldDescriptor& field, const std::string& path,
                 FieldMask& paths) {
  const auto& reflection = *message.GetReflection();
  const bool is_value = field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE ||
                        field.message_type()->full_name().starts_with("google.protobuf.");
  if (field.is_repeated()) {
    if (reflection.FieldSize(message, &field) > 0) paths.add_paths(path);
    return;
  }
  if (!reflection.HasField(message, &field)) return;
  if (is_value) return paths.add_paths(path);
  const Message& inner = reflection.GetMessage(message, &field);
  for (int i = 0; i < field.message_type()->field_count(); ++i) {
    const FieldDescriptor& below = *field.message_type()->field(i);
    AddSetPaths(inner, below, path + "." + below.name(), paths);
  }
}

}  // namespace

tl::expected<void, Failure> CheckReadMask(const FieldMask& mask, const Descriptor& type) {
  if (mask.paths_size() > kMaxPaths)
    return tl::unexpected(Wrong("read_mask", "has more than 256 paths"));
  for (const std::string& path : mask.paths()) {
    if (path != "*" && !IsPath(type, path)) {
      return tl::unexpected(Wrong("read_mask", "has no field \"" + path + "\" of " + type.name()));
    }
  }
  return {};
}

void Trim(const FieldMask& mask, Message& message) {
  const auto& paths = mask.paths();
  if (paths.empty() || std::find(paths.begin(), paths.end(), "*") != paths.end()) return;
  FieldMaskUtil::TrimMessage(mask, &message);
}

tl::expected<void, Failure> Merge(const Message& asked, const FieldMask* mask,
                                  std::span<const std::string_view> changeable, Message& into) {
  const Descriptor& type = *asked.GetDescriptor();
  const auto may_change = [&](std::string_view path) {
    return std::find(changeable.begin(), changeable.end(), FirstOf(path)) != changeable.end();
  };
  FieldMask paths;
  if (mask == nullptr || mask->paths().empty()) {
    for (const std::string_view name : changeable) {
      const auto* field = type.FindFieldByName(std::string(name));
      AddSetPaths(asked, *field, std::string(name), paths);
    }
  } else if (mask->paths_size() == 1 && mask->paths(0) == "*") {
    for (const std::string_view name : changeable) paths.add_paths(std::string(name));
  } else {
    if (mask->paths_size() > kMaxPaths)
      return tl::unexpected(Wrong("update_mask", "has more than 256 paths"));
    for (const std::string& path : mask->paths()) {
      if (!IsPath(type, path)) {
        return tl::unexpected(
            Wrong("update_mask", "has no field \"" + path + "\" of " + type.name()));
      }
      if (!may_change(path))
        return tl::unexpected(Wrong("update_mask", "names " + path + ", which is fixed"));
    }
    paths = *mask;
  }
  FieldMaskUtil::MergeOptions options;
  options.set_replace_message_fields(true);
  options.set_replace_repeated_fields(true);
  FieldMaskUtil::MergeMessageTo(asked, paths, options, &into);
  return {};
}

}  // namespace keymast::server
