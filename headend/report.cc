// SPDX-License-Identifier: Apache-2.0
#include "headend/report.h"

#include "shell/json_line.h"

namespace keymast::headend {
namespace {

using shell::JsonLine;

void TextOrNull(JsonLine& line, std::string_view name, std::string_view value) {
  if (value.empty()) {
    line.Null(name);
  } else {
    line.Text(name, value);
  }
}

JsonLine ByReason(const Discards& discards) {
  JsonLine line;
  for (size_t i = 0; i < discards.size(); ++i) {
    if (discards[i] != 0) line.Number(ErrorName(static_cast<Error>(i)), discards[i]);
  }
  return line;
}

JsonLine StreamPart(const Channel& channel, size_t at) {
  const Stream& stream = channel.streams()[at];
  const StreamCounters& counters = stream.counters();
  JsonLine line;
  line.Number("ssrc", stream.definition().ssrc.value)
      .Number("packets_in", counters.packets_in)
      .Number("packets_out", counters.packets_out)
      .Number("octets_out", counters.octets_out)
      .Number("rtcp_in", counters.rtcp_in)
      .Number("rtcp_out", counters.rtcp_out)
      .Number("encoder_restarts", stream.sequencer().restarts());
  if (const auto& position = channel.position(at)) {
    line.Number("index", position->index.value).Number("roc", srtp::RocOf(position->index).value);
  } else {
    line.Null("index").Null("roc");
  }
  line.Number("next_index", stream.sequencer().next().value)
      .Number("reserved_end", stream.range().end().value);
  return line;
}

// The key in use and the next one, by their names.
void AddKeys(JsonLine& line, const Channel& channel) {
  if (const KeySlot* current = channel.keys().current()) {
    const KeyName& name = current->key.name;
    line.Text("mki", ToHex(channel.MkiOf(name)))
        .Number("msk_id", name.msk.value())
        .Number("mtk_id", name.mtk.value);
  } else {
    line.Null("mki").Null("msk_id").Null("mtk_id");
  }
  line.Number("switches", channel.keys().switches())
      .Number("keys_announced", channel.keys().announced().size());
  if (channel.keys().next_switch() == kNever) {
    line.Null("next_switch_ns");
  } else {
    line.Signed("next_switch_ns", ToUnixNanos(channel.keys().next_switch()));
  }
  if (const std::optional<Duration> lead = channel.lead()) {
    line.Signed("lead_ms", std::chrono::duration_cast<std::chrono::milliseconds>(*lead).count());
  } else {
    line.Null("lead_ms");
  }
}

JsonLine ChannelPart(const Channel& channel, const Outside::Of& outside) {
  JsonLine line;
  AddKeys(line, channel);
  TextOrNull(line, "silent", outside.silent);
  line.Number("send_failed", outside.send_failed);
  const std::vector<std::string> names = StreamNames(channel.definition());
  JsonLine streams;
  for (size_t i = 0; i < names.size(); ++i) streams.Object(names[i], StreamPart(channel, i));
  return line.Object("streams", streams);
}

}  // namespace

std::vector<std::string> StreamNames(const ChannelDefinition& channel) {
  std::map<std::string, int> seen;
  std::vector<std::string> names;
  for (const StreamDefinition& stream : channel.streams) {
    const int number = ++seen[stream.media];
    names.push_back(number == 1 ? stream.media : stream.media + std::to_string(number));
  }
  return names;
}

std::string ReportLine(const Headend& headend, const Outside& outside, Instant now) {
  JsonLine line;
  line.Signed("time", ToUnixNanos(now)).Text("headend", headend.settings().id.value);
  line.Boolean("connected", headend.link() == LinkState::kConnected);
  TextOrNull(line, "link_error", outside.link_error);
  JsonLine channels;
  uint64_t packets_out = 0;
  for (const auto& [id, channel] : headend.channels()) {
    const auto around = outside.channels.find(id);
    channels.Object(
        id.value,
        ChannelPart(*channel, around == outside.channels.end() ? Outside::Of() : around->second));
    for (const Stream& stream : channel->streams()) packets_out += stream.counters().packets_out;
  }
  // Of the first channel again at the top: most headends have one.
  if (headend.channels().empty()) {
    line.Null("channel").Null("mki").Null("msk_id").Null("mtk_id");
    line.Text("silent", "no_channel");
  } else {
    const auto& [id, channel] = *headend.channels().begin();
    line.Text("channel", id.value);
    AddKeys(line, *channel);
    const auto around = outside.channels.find(id);
    TextOrNull(line, "silent", around == outside.channels.end() ? "" : around->second.silent);
  }
  line.Number("packets_out", packets_out).Object("channels", channels);
  line.Object("discards", ByReason(headend.discards()));
  line.Object("directive_discards", ByReason(headend.directive_discards()));
  line.Number("input_drops", outside.input_drops).Number("records_lost", outside.records_lost);
  TextOrNull(line, "last_error", headend.last_error());
  if (headend.last_error().empty()) {
    line.Null("last_error_ns");
  } else {
    line.Signed("last_error_ns", ToUnixNanos(headend.last_error_at()));
  }
  line.Text("state_hash", ToHex(headend.StateHash()));
  return line.str();
}

}  // namespace keymast::headend
