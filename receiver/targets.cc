// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "receiver/options.h"

namespace keymast::receiver {
namespace {

tl::expected<PlainTarget, Failure> ParseTarget(const std::string& text, const ChannelSdp& channel,
                                               const std::vector<PlainTarget>& taken) {
  const size_t equals = text.find('=');
  const Result<Endpoint> to = equals == std::string::npos
                                  ? Result<Endpoint>(Err(Error::kMalformed))
                                  : ParseEndpoint(std::string_view(text).substr(equals + 1));
  if (!to || to->port == 0) {
    return Fail(Error::kInvalidArgument, "--forward " + text + ": not MEDIA=HOST:PORT");
  }
  const std::string media = text.substr(0, equals);
  for (size_t i = 0; i < channel.streams.size(); ++i) {
    const bool is_taken = std::any_of(taken.begin(), taken.end(),
                                      [&](const PlainTarget& t) { return t.stream == i; });
    if (channel.streams[i].media == media && !is_taken) return PlainTarget{i, *to};
  }
  return Fail(Error::kInvalidArgument,
              "--forward " + text + ": the channel has no (further) stream of that media");
}

}  // namespace

tl::expected<std::vector<PlainTarget>, Failure> ParseTargets(const std::vector<std::string>& texts,
                                                             const ChannelSdp& channel) {
  std::vector<PlainTarget> targets;
  for (const std::string& list : texts) {
    for (size_t begin = 0; begin <= list.size();) {
      const size_t end = std::min(list.find(',', begin), list.size());
      auto target = ParseTarget(list.substr(begin, end - begin), channel, targets);
      if (!target) return tl::unexpected<Failure>(target.error());
      targets.push_back(*target);
      begin = end + 1;
    }
  }
  return targets;
}

}  // namespace keymast::receiver
