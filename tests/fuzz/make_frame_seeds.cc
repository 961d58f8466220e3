// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of the targets that take protobuf messages: make_frame_seeds tests/fuzz/corpus
#include <google/protobuf/text_format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/bytes.h"
#include "base/check.h"
#include "keymast/v1/headend.pb.h"
#include "private/core.pb.h"

namespace keymast {
namespace {

namespace fs = std::filesystem;

void Save(const fs::path& folder, const std::string& name, const std::string& octets) {
  fs::create_directories(folder);
  std::ofstream(folder / name, std::ios::binary) << octets;
}

// Octets of a message in text form, with another one merged over it.
template <class Message>
std::string Octets(const std::string& text, const std::string& over = {}) {
  Message message;
  Message merged;
  KEYMAST_CHECK(google::protobuf::TextFormat::ParseFromString(text, &message));
  KEYMAST_CHECK(google::protobuf::TextFormat::ParseFromString(over, &merged));
  message.MergeFrom(merged);
  return message.SerializeAsString();
}

std::string Counted(const std::string& octets, int width) {
  std::string head;
  for (int octet = width - 1; octet >= 0; --octet) {
    head += static_cast<char>(octets.size() >> (8 * octet));
  }
  return head + octets;
}

// A channel with every field that can be given; `more` comes on top.
std::string Channel(const std::string& name, const std::string& more) {
  return name + R"(
    display_name: "News"
    multicast { group: "239.255.42.1" mtk_port: 2269 interface_address: "127.0.0.1" ttl: 2 dscp: 46 }
    streams { media: "video" port: 5004 ssrc: 7 payload_type: 96 rtpmap: "H264/90000"
              initial_sequence: 1000 }
    streams { media: "audio" port: 5006 ssrc: 8 payload_type: 97 rtpmap: "opus/48000/2"
              fmtp: "stereo=1" }
    key_domain: "262f01" key_group: 9 srtp_profile: AES_CM_128_HMAC_SHA1_80
    policy { mtk_period { seconds: 10 } mtk_lead { seconds: 2 } mtk_repetition { nanos: 500000000 }
             msk_period { seconds: 3600 } msk_lead { seconds: 60 } msk_give_up { seconds: 8 }
             exclusion_lead { nanos: 200000000 } leave_policy: BATCHED batch_window { seconds: 5 }
             mtk_ids_per_msk: 1000 max_datagram: 1400 msk_pacing_rate: 500 } )" +
         more;
}

std::string Wrong() {
  return R"(name: "channels/News" multicast { group: "10.0.0.1x" mtk_port: 70000 ttl: 300 dscp: 99
      interface_address: "nowhere" }
    streams { media: "video" port: 70000 ssrc: 7 payload_type: 300 initial_sequence: 70000 }
    key_domain: "26" key_group: 70000 srtp_profile: 99
    policy { mtk_period { seconds: 1 nanos: -1 } msk_period { seconds: 999999999999 }
             leave_policy: 9 mtk_ids_per_msk: 70000 max_datagram: 70000 } etag: "nonsense")";
}

void MakeRequests(const fs::path& folder) {
  const std::pair<const char*, std::string> requests[] = {
      {"channel", "create_channel { channel_id: 'news' channel {" + Channel("", "") + "} }"},
      {"wrong_channel", "create_channel { channel_id: 'News' channel {" + Wrong() + "} }"},
      {"ipv6",
       "create_channel { channel_id: 'six' channel { multicast { group: 'ff15::1' } policy {"
       " leave_policy: IMMEDIATE } } validate_only: true }"},
      {"update",
       "update_channel { channel {" + Channel("name: 'channels/news'", "etag: '\"3-0\"'") + "} }"},
      {"wrong_update", "update_channel { channel {" + Wrong() + "} }"},
      {"changed",
       "update_channel { channel { name: 'channels/news' multicast { group: '239.1.1.1' } "
       "key_domain: '262f02' key_group: 10 srtp_profile: AEAD_AES_256_GCM } }"},
      {"delete", "delete_channel { name: 'channels/news' etag: '\"3-0\"' force: true }"},
      {"delete_nothing", "delete_channel { name: 'news' }"},
      {"subscriber",
       "create_subscriber { subscriber_id: 's1' subscriber { identity: 's1@example.org' "
       "sealed_credential: '0123456789abcdef' } }"},
      {"short_key",
       "create_subscriber { subscriber_id: 's1' subscriber { identity: 's1@example.org' "
       "sealed_credential: '0123' } }"},
      {"wrong_subscriber",
       "create_subscriber { subscriber_id: 'S' subscriber { identity: 'a b' } }"},
      {"user_key",
       "update_subscriber { subscriber { name: 'subscribers/alice' etag: '\"1-0\"' "
       "sealed_credential: '0123456789abcdef' } update_mask { paths: 'sealed_credential' } }"},
      {"short_user_key",
       "update_subscriber { subscriber { name: 'subscribers/alice' sealed_credential: '0123' } }"},
      {"wrong_user_key",
       "update_subscriber { subscriber { name: 'subscribers/bob' identity: 'bob@example.org' } "
       "update_mask { paths: 'identity' paths: 'x' } }"},
      {"member",
       "create_member { parent: 'channels/news' member_id: 's1' member { msk_endpoint: "
       "'127.0.0.1:2271' entitlement_start { seconds: 1 } entitlement_end { seconds: 2 } } "
       "join: true }"},
      {"wrong_member",
       "create_member { parent: 'x' member_id: 'S' member { msk_endpoint: 'x' "
       "entitlement_start { seconds: -1 } entitlement_end { nanos: -1 } } }"},
      {"update_member",
       "update_member { member { name: 'channels/news/members/s1' msk_endpoint: "
       "'[::1]:1' entitlement_end { seconds: 99 } etag: '\"1-0\"' } }"},
      {"wrong_update_member", "update_member { member { name: 'x' msk_endpoint: 'x' } }"},
      {"expel",
       "expel_members { parent: 'channels/news' names: 'channels/news/members/s1' names: "
       "'channels/news/members/s2' }"},
      {"wrong_expel", "expel_members { parent: 'channels/news' names: 'channels/x/members/s1' }"},
      {"headend",
       "create_headend { headend_id: 'studio' headend { public_key: "
       "'0123456789abcdef0123456789abcdef' channels: 'channels/news' } }"},
      {"wrong_headend",
       "create_headend { headend_id: 'S' headend { public_key: 'x' channels: 'x' } }"},
      {"update_headend",
       "update_headend { headend { name: 'headends/studio' channels: 'channels/news' } "
       "update_mask { paths: 'channels' } }"},
      {"schedule",
       "create_rekey_schedule { parent: 'channels/news' rekey_schedule_id: 'day' rekey_schedule { "
       "cron: '0 4 * * 1-5' jitter { seconds: 60 } } }"},
      {"blackout",
       "create_rekey_schedule { parent: 'channels/news' rekey_schedule_id: 'match' "
       "rekey_schedule { once { seconds: 1800000000 } blackout { seconds: 7200 } } }"},
      {"wrong_schedule",
       "create_rekey_schedule { parent: 'x' rekey_schedule_id: 'X' rekey_schedule { cron: '61 * *' "
       "jitter { seconds: -1 } blackout { seconds: 1 } } }"},
      {"update_schedule",
       "update_rekey_schedule { rekey_schedule { name: 'channels/news/rekeySchedules/night' "
       "period { seconds: 3600 } start_time { seconds: 1700000000 } paused: true } }"},
      {"wrong_update_schedule",
       "update_rekey_schedule { rekey_schedule { name: 'channels/news/rekeySchedules/night' "
       "period { seconds: 1 } etag: 'x' } update_mask { paths: 'cron' paths: 'next_time' } }"},
      {"rekey", "rekey_now { channel: 'channels/news' level: MSK }"},
      {"wrong_rekey", "rekey_now { channel: 'x' level: 9 }"},
      {"report",
       "headend_report { headend: 'headends/studio' positions { channel: 'channels/news' "
       "msk_id: 65537 mtk_id: 1 ssrc: 7 index: 99 } held { channel: 'channels/news' msk_id: "
       "65537 mtk_id: 2 } kept { channel: 'channels/news' create_time { seconds: 1 } ssrc: 7 "
       "end: 100 msk_id: 65537 mtk_id: 1 } }"},
      {"wrong_report",
       "headend_report { positions { channel: 'x' mtk_id: 70000 } held { channel: 'x' "
       "mtk_id: 70000 } kept { channel: 'x' create_time { seconds: -1 } end: "
       "281474976710656 } }"}};
  std::string all;
  for (const auto& [name, text] : requests) {
    const std::string frame = Counted(Octets<core::CoreRequest>("call: 1 " + text), 4);
    Save(folder, name, frame);
    all += frame;
  }
  Save(folder, "all", all);
}

using Directive = std::pair<std::string, std::string>;  // and what is merged over it

Directive Definition(const std::string& id, const std::string& over = {}) {
  return {"definition { channel {" +
              Channel("name: 'channels/" + id + "'", "create_time { seconds: 1700000000 }") +
              "} positions { channel: 'channels/" + id +
              "' ssrc: 7 index: 5 msk_id: 1 mtk_id: 1 } }",
          "definition { channel { " + over + " } }"};
}

// Key is of 30 octets of key and salt, which the target seals.
Directive Key(int mtk, int second, const std::string& more = "srtp_profile: 1") {
  return {"key { channel: 'channels/news' msk_id: 589825 mtk_id: " + std::to_string(mtk) +
              " switch_time { seconds: " + std::to_string(1700000000 + second) +
              " } epoch: " + std::to_string(mtk) + " box: '" +
              std::string(30, static_cast<char>('a' + mtk)) + "' }",
          "key { " + more + " }"};
}

void MakeDirectives(const fs::path& folder) {
  const std::pair<const char*, std::vector<Directive>> runs[] = {
      {"keys", {Definition("news"), Key(1, 0), Key(2, 1), Key(3, 1), Key(2, 1), Key(4, 9)}},
      {"dropped",
       {Definition("news"),
        Key(1, 0),
        {"dropped_channel: 'channels/news'", ""},
        Key(2, 1),
        Definition("news"),
        Key(2, 0),
        {"dropped_channel: 'x'", ""}}},
      {"changed",
       {Definition("news"), Key(1, 0), Definition("news", "policy { max_datagram: 600 }"),
        Key(2, 0), Definition("news", "display_name: 'Other'"), Key(3, 0)}},
      {"two", {Definition("news"), Definition("other", "key_group: 10"), Key(1, 0)}},
      {"profiles",
       {Definition("news", "srtp_profile: 2"), Key(1, 0, "srtp_profile: 2"),
        Definition("news", "srtp_profile: 3"), Key(1, 0, "srtp_profile: 3"),
        Definition("news", "srtp_profile: 4"), Key(1, 0, "srtp_profile: 4"),
        Definition("news", "srtp_profile: 5"), Key(1, 0, "srtp_profile: 5"),
        Definition("news", "srtp_profile: 9"), Key(1, 0, "srtp_profile: 1")}},
      {"wrong",
       {Key(1, 0),
        {"challenge { box: 'x' }", ""},
        {"definition { channel {" + Wrong() + "} }", ""},
        {"definition { channel { name: 'channels/news' create_time { seconds: -1 } } }", ""},
        Definition("news", "streams { media: 'video' port: 5008 ssrc: 7 }"),
        Definition("news", "multicast { group: '10.0.0.1' }"),
        Definition("news", "multicast { interface_address: 'x' }"),
        Definition("news", "key_domain: 'x'"),
        Definition("news", "streams { port: 0 }"),
        Definition("news", "policy { mtk_period { nanos: -1 } }"),
        {"", ""}}}};
  for (const auto& [name, directives] : runs) {
    std::string input;
    for (const auto& [text, over] : directives) {
      input += Counted(Octets<v1::HeadendDirective>(text, over), 2);
    }
    Save(folder, name, input);
  }
}

}  // namespace
}  // namespace keymast

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
    return 2;
  }
  const std::filesystem::path corpus = argv[1];
  keymast::MakeRequests(corpus / "core_frame");
  keymast::MakeDirectives(corpus / "headend_directives");
  return 0;
}
