// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_control.h"

#include "sdp/base64.h"

namespace keymast::tools {
namespace {

constexpr size_t kCnameRandom = 12;   // octets: 96 bits (RFC 7022 §4.2)
constexpr size_t kLower = 28;         // octets of UDP and IP, RFC 3550 §6.2
constexpr double kShare = 0.05;       // of the session's bandwidth, §6.2
constexpr double kFirstGuess = 150;   // octets of a compound packet, §6.3.2
constexpr double kWeight = 1.0 / 16;  // §6.3.3
constexpr int kForgotten = 5;         // intervals without a word: no member, §6.3.5
constexpr int kSilent = 2;            // intervals without RTP: no sender, §6.3.5
constexpr size_t kMaxHeld = 64;       // compound packets; beyond, the oldest go
constexpr uint32_t kSecond = 65536;   // of LSR and DLSR
constexpr int64_t kNanos = 1'000'000'000;

// ShortNtp is a duration in 16.16 seconds.
uint32_t ShortNtp(Duration duration) { return TimestampsIn(duration, kSecond); }

}  // namespace

CallRtcp::CallRtcp(CallMedia& media, crypto::Rng& rng)
    : media_(media), rng_(rng), average_size_(kFirstGuess) {
  std::array<uint8_t, kCnameRandom> random{};
  rng_.Fill(random);
  cname_ = sdp::ToBase64(random);
}

CallRtcp::Source CallRtcp::source(size_t stream) const {
  return stream < states_.size() ? states_[stream].shown : Source();
}

void CallRtcp::Grow() {
  states_.resize(std::max(states_.size(), media_.streams().size()));
  for (size_t i = 0; i < states_.size(); ++i) {
    const auto& receiver = media_.streams()[i].receiver;
    if (!receiver || receiver->ssrc() == states_[i].theirs.ssrc) continue;
    states_[i].theirs = {receiver->ssrc(), {}, 0};
    states_[i].shown.has_left = false;
  }
}

bool CallRtcp::Reports(size_t stream) const {
  const CallStream& of = media_.streams()[stream];
  return of.sends && of.sender.has_key();
}

// §6.4: an SR is due to who has sent since the last report but one.
bool CallRtcp::HasSent(size_t stream) const {
  const auto& sent = media_.streams()[stream].last_sent;
  const auto& before = states_[stream].ours.before;
  return sent && (!before || *sent >= *before);
}

bool CallRtcp::IsThere(size_t stream, Duration within, bool by_media, Instant now) const {
  const State& state = states_[stream];
  const auto& reception = media_.streams()[stream].reception;
  const auto is_recent = [&](const std::optional<Instant>& at) {
    return at && now - *at <= within;
  };
  if (!reception || state.shown.has_left) return false;
  return is_recent(reception->last()) || (!by_media && is_recent(state.theirs.heard));
}

// Bandwidth of all RTCP: what the codecs send, with their headers.
double CallRtcp::Bandwidth() const {
  double session = 0;
  for (const CallStream& stream : media_.streams()) {
    const auto packet = static_cast<double>(stream.codec->frame_octets() + kRtpHeader + kLower);
    const double of_stream =
        packet * static_cast<double>(kNanos) / static_cast<double>(Duration(kToneFrame).count());
    session += of_stream * ((stream.sends ? 1 : 0) + (stream.receives ? 1 : 0));
  }
  return session * kShare;
}

RtcpLoad CallRtcp::Load(Instant now) const {
  RtcpLoad load{0, 0, Bandwidth(), average_size_};
  RtcpLoad all = load;
  all.members = 2 * states_.size();
  const Duration interval = RtcpInterval(all, false, false);
  for (size_t i = 0; i < states_.size(); ++i) {
    load.members +=
        (Reports(i) ? 1u : 0u) + (IsThere(i, kForgotten * interval, false, now) ? 1u : 0u);
    load.senders += (Reports(i) && HasSent(i) ? 1u : 0u) +
                    (IsThere(i, kSilent * interval, true, now) ? 1u : 0u);
  }
  return load;
}

// §6.3.3: of what is sent and what comes.
void CallRtcp::Count(size_t octets) {
  const auto size = static_cast<double>(octets + kLower);
  average_size_ += kWeight * (size - average_size_);
}

void CallRtcp::Arm(Instant now) {
  Grow();
  for (size_t i = 0; i < states_.size(); ++i) {
    auto& timer = states_[i].ours.timer;
    if (!Reports(i)) {
      timer.reset();
    } else if (!timer) {
      timer.emplace(Load(now), HasSent(i), now, rng_);
    }
  }
}

void CallRtcp::Forget() {
  states_.clear();
  held_.clear();
}

void CallRtcp::set_held(bool held) {
  is_held_ = held;
  if (held) return;
  for (const Held& packet : std::exchange(held_, {})) {
    Take(packet.stream, packet.compound, packet.at);
  }
}

Instant CallRtcp::deadline() const {
  Instant next = kNever;
  for (const State& state : states_) {
    if (state.ours.timer) next = std::min(next, state.ours.timer->next());
  }
  return next;
}

std::vector<CallRtcp::Packet> CallRtcp::Tick(Instant now) {
  std::vector<Packet> out;
  Arm(now);
  for (size_t i = 0; i < states_.size(); ++i) {
    auto& timer = states_[i].ours.timer;
    if (!timer || now < timer->next()) continue;
    if (timer->Expire(Load(now), HasSent(i), now, rng_)) Send(i, false, now, out);
  }
  return out;
}

std::vector<CallRtcp::Packet> CallRtcp::Leave(Instant now) {
  std::vector<Packet> out;
  Grow();
  for (size_t i = 0; i < states_.size(); ++i) {
    CallStream& stream = media_.streams()[i];
    // §6.3.7: who was never heard takes no leave.
    const bool was_heard = stream.sent != 0 || states_[i].shown.sent != 0;
    if (Reports(i) && was_heard) Send(i, true, now, out);
    stream.sends = false;
    states_[i].ours.timer.reset();
  }
  return out;
}

// Blocks about all that was heard since this SSRC reported last (§6.4).
std::vector<ReportBlock> CallRtcp::Blocks(Ours& ours, Instant now) {
  std::vector<ReportBlock> blocks;
  for (size_t i = 0; i < states_.size(); ++i) {
    const CallStream& stream = media_.streams()[i];
    if (!stream.reception || !stream.receives || blocks.size() == kMaxReportBlocks) continue;
    const Ssrc ssrc = stream.receiver->ssrc();
    RtpReception::Prior& prior = ours.prior[ssrc.value];
    if (!stream.reception->HasNews(prior)) continue;
    ReportBlock block = stream.reception->Report(prior);
    block.ssrc = ssrc;
    block.last_report = states_[i].theirs.last_report;
    if (block.last_report != 0) block.delay = ShortNtp(now - states_[i].last_report_at);
    blocks.push_back(block);
  }
  return blocks;
}

// §6.4.1: the RTP timestamp is that of the same moment, which no packet need have.
srtp::SenderInfo CallRtcp::SenderOf(const CallStream& stream, Instant now) const {
  srtp::SenderInfo info;
  info.ntp = NtpOf(now);
  info.timestamp =
      stream.last_timestamp + TimestampsIn(now - *stream.last_sent, stream.codec->rate);
  info.packets = static_cast<uint32_t>(stream.sent);
  info.octets = static_cast<uint32_t>(stream.sent_octets);
  return info;
}

void CallRtcp::Send(size_t stream, bool is_bye, Instant now, std::vector<Packet>& out) {
  State& state = states_[stream];
  const CallStream& of = media_.streams()[stream];
  Compound compound;
  compound.ssrc = of.sender.ssrc();
  if (HasSent(stream)) compound.sender = SenderOf(of, now);
  compound.blocks = Blocks(state.ours, now);
  compound.cname = cname_;
  compound.is_bye = is_bye;
  state.ours.before = std::exchange(state.ours.last, now);
  Result<Bytes> octets = media_.ProtectRtcp(stream, WriteCompound(compound));
  if (!octets) return;  // its key has protected as many as it may
  ++state.shown.sent;
  Count(octets->size());
  out.push_back({stream, std::move(*octets)});
}

Status CallRtcp::OnPacket(MutableBytes packet, Instant now) {
  const size_t size = packet.size();
  const Result<CallMedia::Opened> opened = media_.OpenRtcp(packet);
  if (!opened) return Err(opened.error());
  Grow();
  const Result<Compound> compound = ReadCompound(opened->plain);
  if (!compound) {
    ++refused_;
    return Err(compound.error());
  }
  Count(size);
  if (!is_held_) {
    Take(opened->stream, *compound, now);
    return {};
  }
  held_.push_back({opened->stream, *compound, now});
  if (held_.size() > kMaxHeld) held_.pop_front();
  return {};
}

void CallRtcp::Take(size_t stream, const Compound& compound, Instant now) {
  State& state = states_[stream];
  ++state.shown.received;
  state.shown.cname = compound.cname;
  state.theirs.heard = now;
  if (compound.sender) {
    state.theirs.last_report = MiddleOf(compound.sender->ntp);
    state.last_report_at = now;
  }
  for (const ReportBlock& block : compound.blocks) TakeBlock(block, now);
  if (!compound.is_bye || state.shown.has_left) return;
  state.shown.has_left = true;
  const size_t members = Load(now).members;
  for (State& each : states_) {
    if (each.ours.timer) each.ours.timer->Leave(members, now);
  }
}

// §6.4.1: the round trip is what is left of the time since our SR when its stay there is taken off.
void CallRtcp::TakeBlock(const ReportBlock& block, Instant now) {
  for (size_t i = 0; i < states_.size(); ++i) {
    if (media_.streams()[i].sender.ssrc() != block.ssrc) continue;
    Source& shown = states_[i].shown;
    shown.told = block;
    if (block.last_report == 0) continue;
    const uint32_t trip = MiddleOf(NtpOf(now)) - block.last_report - block.delay;
    // Both times are rounded: what is less than nothing is nothing.
    const uint64_t units = trip > 0x7fffffff ? 0 : trip;
    shown.round_trip = Duration(static_cast<int64_t>(units * kNanos / kSecond));
  }
}

}  // namespace keymast::tools
