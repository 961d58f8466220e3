// SPDX-License-Identifier: Apache-2.0
#include "spelling.h"

#include <charconv>

#include "crypto/boxes.h"
#include "crypto/primitives.h"
#include "crypto/secret.h"
#include "mix.h"

namespace keymast::linear {
namespace {

constexpr const char* kName = "name ";
// Nobody listens there: each member has an address of its own, which never leaves this host.
constexpr const char* kEndpoints = "127.77.";
constexpr const char* kPort = ":9";
constexpr int64_t kPastEnd = 1'000'000'000;  // 2001
constexpr int64_t kFarEnd = 4'102'444'800;   // 2100
constexpr uint32_t kKeyGroups = 65'000;

// The number behind `prefix`; 0 where there is none.
uint64_t NumberBehind(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return 0;
  text.remove_prefix(prefix.size());
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// An etag names a state of a resource, and the instant at which that was made.
void ReadEtag(const std::string& etag, View& view) {
  view.revision = NumberBehind(etag, "\"");
  view.created = NumberBehind(etag, '"' + std::to_string(view.revision) + '-');
}

std::string Endpoint(uint32_t number) {
  return kEndpoints + std::to_string(number >> 8) + "." + std::to_string(number & 0xff) + kPort;
}

uint32_t EndpointNumber(const std::string& text) {
  if (!text.starts_with(kEndpoints)) return 0;
  const uint64_t high = NumberBehind(text, kEndpoints);
  const uint64_t low = NumberBehind(text, kEndpoints + std::to_string(high) + ".");
  return static_cast<uint32_t>(high << 8 | low);
}

std::string Hex(uint64_t value, int digits) {
  std::string text(static_cast<size_t>(digits), '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, value >>= 4) {
    *at = "0123456789abcdef"[value & 15];
  }
  return text;
}

void FillMask(Mask mask, const char* first, const char* second,
              google::protobuf::FieldMask& paths) {
  if (mask == Mask::kFirst || mask == Mask::kBoth) paths.add_paths(first);
  if (mask == Mask::kSecond || mask == Mask::kBoth) paths.add_paths(second);
  if (mask == Mask::kStar) paths.add_paths("*");
}

// A user key is the same for the same number, and another history's never.
crypto::Key32 UserKey(uint32_t history, uint32_t number) {
  auto key = crypto::Key32::OfSize(16);
  const MutableBytes octets = key.mutable_view();
  for (size_t i = 0; i < 4; ++i) {
    octets[i] = static_cast<uint8_t>(history >> (8 * i));
    octets[4 + i] = static_cast<uint8_t>(number >> (8 * i));
  }
  return key;
}

}  // namespace

std::string Spelling::Id(char kind, int number) const {
  std::string id = "h" + std::to_string(history_) + "-" + kind;
  if (number >= 0) id += std::to_string(number);
  return id;
}

int Spelling::NumberOf(const std::string& name, char kind) const {
  const std::string id = name.substr(name.rfind('/') + 1);
  const std::string prefix = Id(kind, -1);
  if (!id.starts_with(prefix)) return -1;
  return static_cast<int>(NumberBehind(id, prefix));
}

std::string Spelling::RequestId(uint32_t id) const {
  return Hex(run_ >> 32, 8) + "-" + Hex(run_ >> 16, 4) + "-" + Hex(run_, 4) + "-" +
         Hex(history_ >> 16, 4) + "-" + Hex(history_, 4) + Hex(id, 8);
}

std::string Spelling::Etag(const Request& request) {
  if (request.revision == 0) return "";
  return '"' + std::to_string(request.revision) + '-' + std::to_string(request.created) + '"';
}

// The group of keys is one that no other history of a run has, until there were very many.
uint32_t Spelling::KeyGroup(uint32_t group) const {
  return 1 + (history_ * kChannels + group - 1) % kKeyGroups;
}

v1::CreateChannelRequest Spelling::NewChannel(const Request& request) const {
  v1::CreateChannelRequest message;
  message.set_channel_id(Id('c', request.channel));
  v1::Channel& channel = *message.mutable_channel();
  channel.set_display_name(kName + std::to_string(request.first));
  channel.mutable_policy()->set_max_datagram(request.second);
  channel.mutable_multicast()->set_group("239.255.44.1");
  channel.mutable_multicast()->set_interface_address("127.0.0.1");
  channel.set_key_domain("262f01");
  channel.set_key_group(KeyGroup(request.group));
  channel.set_srtp_profile(v1::AES_CM_128_HMAC_SHA1_80);
  v1::Stream& stream = *channel.add_streams();
  stream.set_media("video");
  stream.set_port(5004);
  stream.set_ssrc(0xa0000001);
  stream.set_payload_type(96);
  stream.set_rtpmap("H264/90000");
  return message;
}

v1::UpdateChannelRequest Spelling::ChannelUpdate(const Request& request) const {
  v1::UpdateChannelRequest message;
  v1::Channel& channel = *message.mutable_channel();
  channel.set_name(Channel(request.channel));
  channel.set_display_name(kName + std::to_string(request.first));
  channel.mutable_policy()->set_max_datagram(request.second);
  channel.set_etag(Etag(request));
  FillMask(request.mask, "display_name", "policy.max_datagram", *message.mutable_update_mask());
  return message;
}

v1::CreateSubscriberRequest Spelling::NewSubscriber(const Request& request,
                                                    const std::string& import_key,
                                                    crypto::Rng& rng) const {
  v1::CreateSubscriberRequest message;
  const std::string id = Id('s', request.subscribers[0]);
  const std::string identity = Id('i', static_cast<int>(request.first)) + "@example.org";
  message.set_subscriber_id(id);
  message.mutable_subscriber()->set_identity(identity);
  const auto box = crypto::SealBox(AsBytes(import_key), crypto::kUserKeyPurpose,
                                   crypto::UserKeyAad(SubscriberId(id), identity),
                                   UserKey(history_, request.second).view(), rng);
  if (box) message.mutable_subscriber()->set_sealed_credential(box->data(), box->size());
  return message;
}

void Spelling::FillMember(const Request& request, v1::Member& member) const {
  member.set_msk_endpoint(Endpoint(request.first));
  if (request.second == kOpen) return;
  member.mutable_entitlement_end()->set_seconds(request.second == kPast ? kPastEnd : kFarEnd);
}

v1::CreateMemberRequest Spelling::NewMember(const Request& request, int subscriber) const {
  v1::CreateMemberRequest message;
  message.set_parent(Channel(request.channel));
  message.set_member_id(Id('s', subscriber));
  message.set_join(request.join);
  FillMember(request, *message.mutable_member());
  return message;
}

v1::UpdateMemberRequest Spelling::MemberUpdate(const Request& request) const {
  v1::UpdateMemberRequest message;
  message.mutable_member()->set_name(Member(request.channel, request.subscribers[0]));
  message.mutable_member()->set_etag(Etag(request));
  FillMember(request, *message.mutable_member());
  FillMask(request.mask, "msk_endpoint", "entitlement_end", *message.mutable_update_mask());
  return message;
}

View Spelling::ViewOf(const v1::Channel& channel) const {
  View view;
  view.id = NumberOf(channel.name(), 'c');
  view.first = static_cast<uint32_t>(NumberBehind(channel.display_name(), kName));
  view.second = channel.policy().max_datagram();
  for (uint32_t group = 1; group <= kChannels; ++group) {
    if (channel.key_group() == KeyGroup(group)) view.group = group;
  }
  ReadEtag(channel.etag(), view);
  view.members = channel.member_count();
  view.joined = channel.joined_count();
  return view;
}

View Spelling::ViewOf(const v1::Subscriber& subscriber) const {
  View view;
  view.id = NumberOf(subscriber.name(), 's');
  view.first = static_cast<uint32_t>(NumberBehind(subscriber.identity(), Id('i', -1)));
  ReadEtag(subscriber.etag(), view);
  return view;
}

View Spelling::ViewOf(const v1::Member& member) const {
  View view;
  view.id = NumberOf(member.name(), 's');
  view.first = EndpointNumber(member.msk_endpoint());
  if (member.has_entitlement_end()) {
    view.second = member.entitlement_end().seconds() == kPastEnd ? kPast : kFar;
  }
  ReadEtag(member.etag(), view);
  view.joined = uint64_t{member.joined()};
  return view;
}

}  // namespace keymast::linear
