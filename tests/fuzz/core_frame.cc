// SPDX-License-Identifier: Apache-2.0
// Octets on the private socket, in pieces: frames come out whole whatever the pieces are, and the
// translation of any request ends in values or in a failure. A credential is tried as it stands,
// and sealed here, so that what is in it is reached.
#include <algorithm>

#include "base/check.h"
#include "crypto/boxes.h"
#include "framing/frame.h"
#include "private/core.pb.h"
#include "server/translate.h"

namespace {

using keymast::server::FromProto;

// A channel that updates may be of.
keymast::rekey::ChannelState News() {
  keymast::rekey::ChannelState news;
  news.channel.id = keymast::ChannelId("news");
  news.channel.multicast.mtk = *keymast::ParseEndpoint("239.255.42.1:2269");
  news.channel.key_domain = keymast::KeyDomainId{{0x26, 0x2f, 0x01}};
  news.channel.key_group = keymast::KeyGroup(9);
  return news;
}

const keymast::crypto::KeyPair& ImportKey() {
  static keymast::crypto::SeededRng rng(1);
  static const keymast::crypto::KeyPair import_key = keymast::crypto::MakeKeyPair(rng);
  return import_key;
}

void Enrol(keymast::v1::CreateSubscriberRequest request) {
  using namespace keymast;
  crypto::SeededRng rng(1);
  const crypto::KeyPair& import_key = ImportKey();
  KEYMAST_CHECK(!FromProto(request, import_key));
  const auto box = crypto::SealBox(
      import_key.public_key, crypto::kUserKeyPurpose,
      crypto::UserKeyAad(SubscriberId(request.subscriber_id()), request.subscriber().identity()),
      AsBytes(request.subscriber().sealed_credential()), rng);
  request.mutable_subscriber()->set_sealed_credential(std::string(AsText(*box)));
  const auto subscriber = FromProto(request, import_key, "requests[0].");
  KEYMAST_CHECK(!subscriber || subscriber->user_key.size() >= 16);
}

// What updates may be of: channels/news with a member and a schedule, headends/studio and
// subscribers/alice.
const keymast::controller::Controller& Known() {
  using namespace keymast;
  static crypto::SeededRng rng(2);
  static const controller::Controller known = [] {
    rekey::State state;
    rekey::ChannelState& news = state.channels[ChannelId("news")] = News();
    groups::Member& member = news.members[SubscriberId("alice")];
    member.subscriber = SubscriberId("alice");
    member.msk_endpoint = *ParseEndpoint("192.0.2.7:2271");
    groups::Schedule& schedule = news.schedules[ScheduleId("night")];
    schedule.id = ScheduleId("night");
    schedule.period = std::chrono::hours(24);
    state.subscribers[SubscriberId("alice")].subscriber.id = SubscriberId("alice");
    state.headends[HeadendId("studio")].id = HeadendId("studio");
    return controller::Controller({"bmsc@example.org", {}}, std::move(state), rng,
                                  crypto::DefaultSuite());
  }();
  return known;
}

// The box is put together here: no fuzzer seals one.
void Rekey(keymast::v1::UpdateSubscriberRequest request) {
  using namespace keymast;
  crypto::SeededRng rng(3);
  FromProto(request, Known(), ImportKey()).has_value();
  const auto box = crypto::SealBox(ImportKey().public_key, crypto::kUserKeyPurpose,
                                   crypto::UserKeyAad(SubscriberId("alice"), ""),
                                   AsBytes(request.subscriber().sealed_credential()), rng);
  request.mutable_subscriber()->set_sealed_credential(std::string(AsText(*box)));
  const auto update = FromProto(request, Known(), ImportKey());
  KEYMAST_CHECK(!update || update->user_key.size() >= 16);
}

void Translate(const keymast::core::CoreRequest& request) {
  FromProto(request.create_channel()).has_value();
  FromProto(request.update_channel(), Known()).has_value();
  FromProto(request.delete_channel()).has_value();
  if (request.has_create_subscriber()) Enrol(request.create_subscriber());
  if (request.has_update_subscriber()) Rekey(request.update_subscriber());
  FromProto(request.create_member()).has_value();
  FromProto(request.update_member(), Known()).has_value();
  FromProto(request.update_headend(), Known()).has_value();
  FromProto(request.create_rekey_schedule()).has_value();
  FromProto(request.update_rekey_schedule(), Known(), keymast::Instant()).has_value();
  FromProto(request.expel_members()).has_value();
  FromProto(request.create_headend()).has_value();
  FromProto(request.rekey_now()).has_value();
  FromProto(keymast::HeadendId("h"), request.headend_report());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  keymast::framing::FrameReader frames;
  const size_t piece = size > 0 ? 1 + data[0] % 64 : 1;
  for (size_t at = 0; at < size; at += piece) {
    const size_t count = std::min(piece, size - at);
    const keymast::MutableBytes room = frames.Room();
    KEYMAST_CHECK(room.size() >= count);
    std::copy_n(data + at, count, room.begin());
    frames.Filled(count);
    while (const auto frame = frames.Next()) {
      keymast::core::CoreRequest request;
      if (request.ParseFromArray(frame->data(), static_cast<int>(frame->size()))) {
        Translate(request);
      }
    }
  }
  return 0;
}
