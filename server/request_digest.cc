// SPDX-License-Identifier: Apache-2.0
#include "server/request_digest.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "base/bytes.h"
#include "crypto/primitives.h"

namespace keymast::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Clear takes away what may differ from one try to the next, at any depth.
void Clear(Message& message) {
  const auto& reflection = *message.GetReflection();
  const auto& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    const bool varies = field->name() == "request_id" || field->name() == "sealed_credential";
    if (varies) {
      reflection.ClearField(&message, field);
    } else if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      continue;
    } else if (field->is_repeated()) {
      for (int k = 0; k < reflection.FieldSize(message, field); ++k) {
        Clear(*reflection.MutableRepeatedMessage(&message, field, k));
      }
    } else if (reflection.HasField(message, field)) {
      Clear(*reflection.MutableMessage(&message, field));
    }
  }
}

std::string Serialized(const Message& message) {
  std::string octets;
  google::protobuf::io::StringOutputStream stream(&octets);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&out);
  out.Trim();
  return octets;
}

}  // namespace

std::optional<RequestId> RequestIdOf(const std::string& text) {
  constexpr size_t kDashes[] = {8, 13, 18, 23};
  if (text.size() != 36) return std::nullopt;
  std::string digits = text;
  for (const size_t at : kDashes) {
    if (text[at] != '-') return std::nullopt;
  }
  std::erase(digits, '-');
  Bytes octets;
  RequestId id;
  if (digits.size() != 32 || !FromHex(digits, octets)) return std::nullopt;
  std::copy(octets.begin(), octets.end(), id.octets.begin());
  return id;
}

std::string ToText(const RequestId& id) {
  std::string text = ToHex(id.octets);
  for (const size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
  return text;
}

Digests::Digests(const crypto::SecretKey<32>& root) {
  const ByteView label[] = {AsBytes("keymast request digests 1")};
  key_ = crypto::HmacSha256(root.view(), label);
}

RequestDigest Digests::Of(std::string_view method, const Message& request,
                          std::span<const ByteView> secrets) const {
  const std::unique_ptr<Message> plain(request.New());
  plain->CopyFrom(request);
  Clear(*plain);
  const std::string octets = Serialized(*plain);
  const std::array<uint8_t, 1> separator{0};
  std::vector<ByteView> parts = {AsBytes(method), separator, AsBytes(octets)};
  // Of one length each, so that none can stand for parts of two.
  std::vector<crypto::SecretKey<32>> hidden;
  hidden.reserve(secrets.size());
  for (const ByteView secret : secrets) {
    const ByteView part[] = {secret};
    hidden.push_back(crypto::HmacSha256(key_.view(), part));
  }
  for (const auto& one : hidden) parts.push_back(one.view());
  const crypto::SecretKey<32> mac = crypto::HmacSha256(key_.view(), parts);
  RequestDigest digest;
  std::copy_n(mac.view().begin(), digest.octets.size(), digest.octets.begin());
  return digest;
}

}  // namespace keymast::server
