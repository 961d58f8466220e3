// SPDX-License-Identifier: Apache-2.0
// Names and tokens that callers give to the server: what is taken is what the server would give.
#include "base/check.h"
#include "groups/cron.h"
#include "server/filter.h"
#include "server/listing.h"
#include "server/masks.h"
#include "server/names.h"
#include "server/page_token.h"
#include "server/request_digest.h"
#include "server/translate.h"
#include "server/watch_log.h"

namespace {

using namespace keymast;
using namespace keymast::server;

void ReadNames(const std::string& text) {
  if (const auto channel = ChannelOf(text)) KEYMAST_CHECK(NameOf(*channel) == text);
  if (const auto subscriber = SubscriberOf(text)) KEYMAST_CHECK(NameOf(*subscriber) == text);
  if (const auto headend = HeadendOf(text)) KEYMAST_CHECK(NameOf(*headend) == text);
  if (const auto schedule = ScheduleOf(text)) {
    KEYMAST_CHECK(NameOf(schedule->channel, schedule->schedule) == text);
  }
  if (const auto rekey = RekeyOf(text)) {
    KEYMAST_CHECK(RekeyOf(RekeyName(rekey->channel, rekey->sequence))->sequence == rekey->sequence);
  }
  if (const auto operation = OperationOf(text)) KEYMAST_CHECK(NameOf(*operation) == text);
  if (const auto id = RequestIdOf(text)) KEYMAST_CHECK(RequestIdOf(ToText(*id)) == id);
  if (const auto member = MemberOf(text)) {
    KEYMAST_CHECK(NameOf(member->channel, member->subscriber) == text);
  }
}

void ReadTokens(const std::string& text) {
  static const PageTokens tokens(crypto::SecretKey<32>(Bytes(32, 1)));
  if (const auto position = PositionOf(text)) KEYMAST_CHECK(TokenOf(*position) == text);
  // 64 bits of tag: no input that the fuzzer finds is a token.
  KEYMAST_CHECK(text.empty() || !tokens.Read("channels", text));
  const std::string token = tokens.Make("channels", text);
  const auto last = tokens.Read("channels", token);
  KEYMAST_CHECK(text.empty() || text.size() > 500 || (last && *last == text));
  KEYMAST_CHECK(!tokens.Read("subscribers", token));
  const std::optional<groups::Version> version = VersionOf(text);
  KEYMAST_CHECK(version.has_value() == !text.empty());
  if (version && *version != groups::Version{}) KEYMAST_CHECK(EtagOf(*version) == text);
}

void ReadFilters(const std::string& text) {
  v1::Member member;
  member.set_name(text);
  member.set_joined(true);
  member.mutable_create_time()->set_seconds(1);
  const auto filter = Filter::Parse(text, *v1::Member::descriptor());
  if (filter) {
    filter->Matches(member);
  } else {
    KEYMAST_CHECK(filter.error().violations.at(0).field == "filter");
  }
  const auto other = Filter::Parse(text, *v1::Channel::descriptor());
  if (other) other->Matches(v1::Channel());
}

void ReadMasksAndOrders(const std::string& text) {
  static const PageTokens tokens(crypto::SecretKey<32>(Bytes(32, 1)));
  google::protobuf::FieldMask mask;
  mask.add_paths(text);
  v1::Member member;
  member.set_name("channels/a/members/b");
  member.mutable_create_time()->set_seconds(1);
  if (CheckReadMask(mask, *v1::Member::descriptor())) Trim(mask, member);
  v1::Member into;
  constexpr std::string_view kChangeable[] = {"msk_endpoint", "entitlement_end"};
  if (!Merge(member, &mask, kChangeable, into)) KEYMAST_CHECK(into.ByteSizeLong() == 0);
  const std::string none;
  Listing::Read({"members", 0, text, none, none}, *v1::Member::descriptor(), tokens);
  Listing::Read({"members", 0, none, text, text}, *v1::Member::descriptor(), tokens);
}

void ReadCron(const std::string& text) {
  const auto cron = groups::Cron::Parse(text);
  if (!cron) return;
  const Instant now(std::chrono::hours(500'000));
  const Instant at = cron->After(now);
  KEYMAST_CHECK(at > now);
  if (at != kNever) KEYMAST_CHECK(cron->After(at - Duration(1)) == at);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(AsText({data, size}));
  ReadNames(text);
  ReadTokens(text);
  ReadFilters(text);
  ReadMasksAndOrders(text);
  ReadCron(text);
  return 0;
}
