// SPDX-License-Identifier: Apache-2.0
// Names and tokens that callers give to the server: what is taken is what the server would give.
#include "base/check.h"
#include "server/names.h"
#include "server/page_token.h"
#include "server/translate.h"
#include "server/watch_log.h"

namespace {

using namespace keymast;
using namespace keymast::server;

void ReadNames(const std::string& text) {
  if (const auto channel = ChannelOf(text)) KEYMAST_CHECK(NameOf(*channel) == text);
  if (const auto subscriber = SubscriberOf(text)) KEYMAST_CHECK(NameOf(*subscriber) == text);
  if (const auto headend = HeadendOf(text)) KEYMAST_CHECK(NameOf(*headend) == text);
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
  const uint64_t revision = RevisionOf(text);
  if (revision != 0 && revision != UINT64_MAX) KEYMAST_CHECK(EtagOf(revision) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(AsText({data, size}));
  ReadNames(text);
  ReadTokens(text);
  return 0;
}
