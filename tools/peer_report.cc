// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_report.h"

#include "shell/json_line.h"
#include "srtp/policy.h"

namespace keymast::tools {
namespace {

using mikey::PortTraffic;
using shell::JsonLine;

// OfTold is what the other side says of our packets.
JsonLine OfTold(const ReportBlock& block, const CallRtcp::Source& source, uint32_t rate) {
  constexpr uint64_t kMicros = 1'000'000;
  JsonLine line;
  line.Signed("lost", block.lost).Number("lost_of_256", block.fraction_lost);
  line.Number("jitter_us", block.jitter * kMicros / rate);
  if (source.round_trip) {
    line.Number("round_trip_us", static_cast<uint64_t>(source.round_trip->count() / 1000));
  }
  return line;
}

JsonLine OfRtcp(const CallRtcp::Source& source, uint32_t rate) {
  JsonLine line;
  line.Number("sent", source.sent).Number("received", source.received);
  if (!source.cname.empty()) line.Text("cname", source.cname);
  if (source.told) line.Object("told", OfTold(*source.told, source, rate));
  if (source.has_left) line.Boolean("left", true);
  return line;
}

JsonLine OfStream(const CallStream& stream, const CallRtcp::Source& source) {
  JsonLine line;
  line.Number("ssrc", stream.sender.ssrc().value);
  line.Boolean("sends", stream.sends).Boolean("receives", stream.receives);
  line.Number("sent", stream.sent).Number("received", stream.received);
  line.Number("tone", stream.tone);
  line.Object("rtcp", OfRtcp(source, stream.codec->rate));
  return line;
}

void Append(crypto::SecretBytes& text, std::string_view piece) {
  text.insert(text.end(), piece.begin(), piece.end());
}

// ToHex would leave the key in memory that nobody wipes.
void AppendHex(crypto::SecretBytes& text, ByteView octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const uint8_t octet : octets) {
    text.push_back(static_cast<uint8_t>(kDigits[octet >> 4]));
    text.push_back(static_cast<uint8_t>(kDigits[octet & 15]));
  }
}

}  // namespace

std::string ReportOf(const PeerCall& call) {
  JsonLine port;
  for (size_t i = 0; i < mikey::kPortTrafficKinds; ++i) {
    const auto kind = static_cast<PortTraffic>(i);
    port.Number(mikey::TrafficName(kind), call.traffic(kind));
  }
  JsonLine streams;
  const auto& all = call.media().streams();
  for (size_t i = 0; i < all.size(); ++i) {
    streams.Object(std::to_string(i + 1), OfStream(all[i], call.rtcp().source(i)));
  }
  JsonLine line;
  line.Text("state", StateName(call.state()));
  if (!call.failure().message.empty()) line.Text("reason", call.failure().message);
  line.Number("rounds", call.rounds());
  const bool has_keys = !call.keys().empty();
  if (has_keys) {
    line.Text("mode", mikey::NameOf(call.mode())).Boolean("resumed", call.is_resumed());
    line.Text("profile", srtp::InfoOf(call.keys()[0].key.profile).name);
    line.Text("mki", ToHex(call.keys()[0].key.mki));
  }
  line.Object("streams", streams).Object("port", port);
  line.Number("early", call.media().early());
  line.Number("media_refused", call.media().refused() + call.rtcp().refused());
  line.Number("mikey_refused", call.refused_messages());
  return line.str();
}

crypto::SecretBytes KeysAsText(const std::vector<StreamKey>& keys) {
  crypto::SecretBytes text;
  for (const StreamKey& key : keys) {
    Append(text, std::to_string(key.cs_id) + " " + std::to_string(key.ssrc.value) + " ");
    Append(text, srtp::InfoOf(key.key.profile).name);
    Append(text, " ");
    AppendHex(text, key.key.master_key.view());
    Append(text, " ");
    AppendHex(text, key.key.master_salt.view());
    Append(text, " ");
    Append(text, key.key.mki.empty() ? "-" : ToHex(key.key.mki));
    Append(text, "\n");
  }
  return text;
}

}  // namespace keymast::tools
