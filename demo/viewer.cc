// SPDX-License-Identifier: Apache-2.0
#include "demo/viewer.h"

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

namespace keymast::demo {
namespace {

using Json = nlohmann::json;

// A line that is not JSON, or not of the expected types, is nothing: programs are not trusted to
// write whole lines when they are killed.
std::optional<Json> ParseObject(const std::string& line) {
  Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  return json;
}

uint64_t Number(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

std::optional<uint64_t> LowestRoc(const Json& report) {
  const auto streams = report.find("packets");
  if (streams == report.end() || !streams->is_object()) return std::nullopt;
  std::optional<uint64_t> lowest;
  for (const Json& stream : *streams) {
    if (!stream.is_object() || !stream.contains("index")) return std::nullopt;
    const uint64_t roc = Number(stream, "index") >> 16;  // RFC 3711 §3.3.1
    lowest = std::min(roc, lowest.value_or(roc));
  }
  return lowest;
}

}  // namespace

std::optional<ReceiverReport> ParseReport(const std::string& line) {
  const std::optional<Json> json = ParseObject(line);
  if (!json || !json->contains("opened")) return std::nullopt;
  ReceiverReport report;
  if (const auto mki = json->find("mki"); mki != json->end() && mki->is_string()) {
    report.mki = mki->get<std::string>();
  }
  report.opened = Number(*json, "opened");
  report.unknown_mki = Number(*json, "unknown_mki");
  report.refused_since_key = Number(*json, "refused_since_key");
  report.mtk_changes = Number(*json, "mtk_changes");
  report.msk_changes = Number(*json, "msk_changes");
  report.kernel_drops = Number(*json, "kernel_drops");
  if (const uint64_t last = Number(*json, "last_good_packet_ns"); last != 0) {
    report.last_good_packet_ns = static_cast<int64_t>(last);
  }
  report.lowest_roc = LowestRoc(*json);
  return report;
}

bool ReadFrameLine(const std::string& line, FrameLog& log) {
  const std::optional<Json> json = ParseObject(line);
  if (!json) return false;
  if (json->contains("unreadable")) {
    log.AddUnreadable();
    return true;
  }
  const uint64_t frame = Number(*json, "frame");
  const auto tail = json->find("tail");
  if (!json->contains("frame") || tail == json->end() || !tail->is_boolean()) return false;
  if (frame >= kFrameLimit) return false;
  log.Add({static_cast<uint32_t>(frame), tail->get<bool>()});
  return true;
}

Viewer::Viewer(std::string name, Role role, int seat) : seat_(seat) {
  result_.name = std::move(name);
  result_.role = role;
}

tl::expected<void, Failure> Viewer::StartReceiver(const Stage& stage) {
  auto started = Process::Start(stage.Receiver(name(), seat_), stage.Log(name()));
  if (!started) return tl::unexpected<Failure>(started.error());
  receiver_ = std::move(*started);
  is_receiving_ = true;
  return {};
}

tl::expected<void, Failure> Viewer::StartDecoder(const Stage& stage) {
  auto started =
      StartChain(stage.Decoder(name()), stage.FrameReader(name()), stage.Log(name() + "-decoder"));
  if (!started) return tl::unexpected<Failure>(started.error());
  decoder_ = std::move(*started);
  is_decoding_ = true;
  return {};
}

void Viewer::Drain() {
  for (const std::string& line : receiver_.TakeLines()) {
    if (const std::optional<ReceiverReport> report = ParseReport(line)) report_ = *report;
  }
  result_.kernel_drops = report_.kernel_drops;
  result_.refused_since_key = report_.refused_since_key;
  for (const std::string& line : decoder_.reader.TakeLines()) {
    ReadFrameLine(line, result_.frames);
  }
}

void Viewer::Stop() {
  constexpr Duration kPatience = std::chrono::seconds(2);
  decoder_.feeder.Stop(SIGKILL, Duration(0));
  // The reader ends by itself when what the decoder wrote has been read.
  decoder_.reader.Stop(0, kPatience);
  receiver_.Stop(SIGTERM, kPatience);
  Drain();
  is_decoding_ = false;
  is_receiving_ = false;
}

}  // namespace keymast::demo
