// SPDX-License-Identifier: Apache-2.0
#include "receiver/report.h"

#include <map>

#include "shell/json_line.h"

namespace keymast::receiver {
namespace {

shell::JsonLine PacketsByStream(const Core& core, const ChannelSdp& channel) {
  const std::vector<std::string> names = StreamNames(channel);
  shell::JsonLine packets;
  for (size_t i = 0; i < core.streams().size(); ++i) {
    const Stream& stream = *core.streams()[i];
    shell::JsonLine one;
    one.Number("ssrc", stream.ssrc().value)
        .Number("packets", stream.counters().packets)
        .Number("opened", stream.counters().opened)
        .Number("rtcp_packets", stream.counters().rtcp_packets)
        .Number("rtcp_opened", stream.counters().rtcp_opened);
    if (stream.highest()) one.Number("index", stream.highest()->value);
    packets.Object(names[i], one);
  }
  return packets;
}

shell::JsonLine ByReason(const Discards& discards) {
  shell::JsonLine line;
  for (size_t i = 0; i < discards.size(); ++i) {
    if (discards[i] != 0) line.Number(ErrorName(static_cast<Error>(i)), discards[i]);
  }
  return line;
}

void AddKeys(shell::JsonLine& line, const Keyring& keyring) {
  if (const MtkSlot* current = keyring.mtks().Current()) {
    line.Text("mki", ToHex(current->mki.view()));
    line.Number("msk_id", current->msk.value());
    line.Number("mtk_id", current->mtk.value);
  } else {
    line.Null("mki");
    if (const MskSlot* msk = keyring.msks().Newest()) {
      line.Number("msk_id", msk->id.value());
    } else {
      line.Null("msk_id");
    }
    line.Null("mtk_id");
  }
  line.Number("keys_held", keyring.mtks().held());
  line.Number("mtk_changes", keyring.mtks().changes());
  line.Number("msk_changes", keyring.msk_changes());
}

uint64_t Of(const Discards& discards, Error error) { return discards[static_cast<size_t>(error)]; }

}  // namespace

std::vector<std::string> StreamNames(const ChannelSdp& channel) {
  std::map<std::string, int> seen;
  std::vector<std::string> names;
  for (const SdpStream& stream : channel.streams) {
    const int number = ++seen[stream.media];
    names.push_back(number == 1 ? stream.media : stream.media + std::to_string(number));
  }
  return names;
}

std::string ReportLine(const Core& core, const ChannelSdp& channel, const Losses& losses,
                       Instant now, const ReporterCounters* member) {
  uint64_t opened = 0;
  Instant last_good = Instant::min();
  for (const std::optional<Stream>& stream : core.streams()) {
    opened += stream->counters().opened;
    last_good = std::max(last_good, stream->last_good());
  }
  shell::JsonLine line;
  line.Signed("time", ToUnixNanos(now)).Text("channel", channel.channel);
  AddKeys(line, core.keyring());
  line.Object("packets", PacketsByStream(core, channel));
  line.Number("opened", opened);
  line.Number("unknown_mki", Of(core.media_discards(), Error::kUnknownKey));
  line.Number("auth_failed", Of(core.media_discards(), Error::kAuthenticationFailed));
  line.Number("replayed", Of(core.media_discards(), Error::kReplayed));
  line.Number("refused_since_key", core.refused_since_key());
  if (last_good == Instant::min()) {
    line.Null("last_good_packet_ns");
  } else {
    line.Signed("last_good_packet_ns", ToUnixNanos(last_good));
  }
  line.Object("discards", ByReason(core.key_discards()));
  line.Object("media_discards", ByReason(core.media_discards()));
  line.Number("kernel_drops", losses.kernel_drops).Number("records_lost", losses.records);
  if (member != nullptr) {
    shell::JsonLine reports;
    reports.Number("acknowledge", member->reports[1]);
    reports.Number("missing", member->reports[2]).Number("leave", member->reports[3]);
    line.Object("reports", reports).Number("keys", member->keys);
    line.Number("group_rekeys", member->rekeys);
    line.Object("member_discards", ByReason(member->discards));
  }
  line.Text("state_hash", ToHex(core.keyring().StateHash()));
  return line.str();
}

}  // namespace keymast::receiver
