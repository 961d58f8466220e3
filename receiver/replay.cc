// SPDX-License-Identifier: Apache-2.0
#include "receiver/replay.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "net/replay.h"
#include "receiver/json_line.h"
#include "receiver/program.h"

namespace keymast::receiver {
namespace {

// A key goes kGrace after the one behind it came into use; in a recording every key is kept, which
// only makes the proof stronger.
void Feed(Core& core, const Setup& setup, const net::RecordedDatagram& datagram, Instant after,
          ReplayResult& result) {
  const std::vector<Endpoint> groups = MediaGroups(setup.channel);
  if (!datagram.to.IsMulticast()) {
    std::array<uint8_t, kMaxAnswer> answer{};
    result.msk_messages += core.OnMsk(datagram.octets, answer) ? 1u : 0u;
    return;
  }
  if (datagram.to == setup.channel.mtk) {
    result.mtk_messages += core.OnMtk(datagram.octets, datagram.at) ? 1u : 0u;
    return;
  }
  if (std::find(groups.begin(), groups.end(), datagram.to) == groups.end()) return;
  Bytes packet(datagram.octets.begin(), datagram.octets.end());
  const bool opened = core.OnMedia(packet, datagram.at).has_value();
  const bool is_after = datagram.at >= after;
  if (opened) {
    ++(is_after ? result.opened_after : result.opened_before);
  } else {
    ++(is_after ? result.refused_after : result.refused_before);
  }
}

}  // namespace

Result<ReplayResult> Replay(ByteView file, const Setup& setup, Instant after) {
  Core core = MakeCore(setup, {});
  ReplayResult result;
  net::RecordReader reader(file);
  for (;;) {
    const Result<std::optional<net::RecordedDatagram>> next = reader.Next();
    if (!next && next.error() == Error::kTruncated) {
      result.cut_off = true;
      return result;
    }
    if (!next) return Err(next.error());
    if (!*next) return result;
    Feed(core, setup, **next, after, result);
  }
}

int ReplayCommand(const std::string& path, const Setup& setup, Instant after) {
  std::ifstream file(path, std::ios::binary);
  const Bytes octets((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.good() && !file.eof()) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    return 1;
  }
  const Result<ReplayResult> result = Replay(octets, setup, after);
  if (!result) {
    std::fprintf(stderr, "%s: not a recording of ours (%s)\n", path.c_str(),
                 std::string(ErrorName(result.error())).c_str());
    return 1;
  }
  JsonLine line;
  line.Number("msk_messages", result->msk_messages)
      .Number("mtk_messages", result->mtk_messages)
      .Number("opened_before", result->opened_before)
      .Number("opened_after", result->opened_after)
      .Number("refused_before", result->refused_before)
      .Number("refused_after", result->refused_after)
      .Number("cut_off", result->cut_off ? 1 : 0);
  std::puts(line.str().c_str());
  return 0;
}

}  // namespace keymast::receiver
