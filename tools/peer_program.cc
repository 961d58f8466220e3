// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_program.h"

#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "shell/files.h"
#include "shell/log.h"
#include "srtp/policy.h"
#include "tools/peer_report.h"

namespace keymast::tools {
namespace {

using shell::Log;
using shell::LogLevel;
using Done = tl::expected<void, Failure>;

constexpr Duration kLook = std::chrono::milliseconds(20);  // for files
constexpr Duration kReport = std::chrono::seconds(1);
constexpr Duration kBetweenRounds = std::chrono::seconds(1);
constexpr size_t kFrameHead = 2;  // RFC 4571 §2: length

}  // namespace

tl::expected<std::unique_ptr<PeerProgram>, Failure> PeerProgram::Open(PeerPlan plan,
                                                                      const Clock& clock) {
  Result<net::UdpSocket> media = net::UdpSocket::Open(plan.setup.media);
  if (!media) {
    return Fail(media.error(), "--media " + ToString(plan.setup.media) + ": " +
                                   std::string(ErrorName(media.error())));
  }
  const Result<Endpoint> local = media->local();
  if (!local) return Fail(local.error(), "--media: the system does not say which port it gave");
  plan.setup.media = *local;
  auto program =
      std::unique_ptr<PeerProgram>(new PeerProgram(std::move(plan), clock, std::move(*media)));
  if (Done opened = program->OpenSources(); !opened) return tl::unexpected(opened.error());
  return program;
}

PeerProgram::PeerProgram(PeerPlan plan, const Clock& clock, net::UdpSocket media)
    : plan_(std::move(plan)),
      clock_(clock),
      media_(std::move(media)),
      call_(crypto::DefaultSuite(), plan_.setup, rng_) {}

Done PeerProgram::OpenSources() {
  for (const Place& place : plan_.sources) {
    Source& source = sources_.emplace_back();
    source.place = place;
    if (place.kind != Place::Kind::kUdp) continue;
    Result<net::UdpSocket> socket = net::UdpSocket::Open(place.udp);
    if (!socket) return Fail(socket.error(), "--source udp:" + ToString(place.udp));
    source.socket = std::move(*socket);
  }
  return {};
}

// Advance takes the next step of the rounds when it is due.
Done PeerProgram::Advance(Instant now) {
  if (round_ == plan_.rounds.size()) return {};
  switch (step_) {
    case Step::kBegin:
      return BeginRound(now);
    case Step::kWriteOffer:
      return WriteOut(Step::kAwaitAnswer, now);
    case Step::kAwaitAnswer:
    case Step::kAwaitOffer:
      return Await(now);
    case Step::kRing: {
      if (now < at_) return {};
      const auto answer = call_.Answer(now);
      if (!answer) return tl::unexpected(answer.error());
      text_ = *answer;
      step_ = Step::kWriteAnswer;
      return {};
    }
    case Step::kWriteAnswer:
      return WriteOut(Step::kBegin, now);
  }
  return {};
}

Done PeerProgram::BeginRound(Instant now) {
  const RoundPlan& round = plan_.rounds[round_];
  if (round_ > 0) {
    const bool is_over =
        call_.state() == PeerCall::State::kUp && call_.exchange_deadline() == kNever;
    if (!is_over) return {};
    if (at_ == kNever) at_ = now + (round.offers ? kBetweenRounds : Duration(0));
    if (now < at_) return {};
    at_ = kNever;
  }
  for (const StreamPlan& stream : round.streams) call_.media().Add(stream.direction, *stream.codec);
  if (!round.offers) {
    awaited_ = std::make_unique<DescriptionSource>(round.offer);
    step_ = Step::kAwaitOffer;
    return {};
  }
  const auto offer = call_.Offer(now);
  if (!offer) return tl::unexpected(offer.error());
  text_ = *offer;
  step_ = Step::kWriteOffer;
  return {};
}

Done PeerProgram::WriteOut(Step next, Instant now) {
  const RoundPlan& round = plan_.rounds[round_];
  const std::string& path = next == Step::kAwaitAnswer ? round.offer : round.answer;
  const Result<bool> written = WriteDescription(path, text_);
  if (!written) return Fail(written.error(), path + ": cannot be written");
  if (!*written) return {};
  Log(LogLevel::kInfo, "description_written", {{"path", path}});
  if (next == Step::kBegin) {
    EndRound(now);
    return {};
  }
  awaited_ = std::make_unique<DescriptionSource>(round.answer);
  step_ = next;
  const bool is_early = round_ == 0 && !plan_.early.IsUnset();
  return is_early ? call_.OpenEarly(plan_.early, now) : Done();
}

Done PeerProgram::Await(Instant now) {
  const auto text = awaited_->Poll();
  if (!text) return Fail(text.error(), "a description cannot be read");
  if (!*text) return {};
  Log(LogLevel::kInfo, "description_read");
  if (step_ == Step::kAwaitAnswer) {
    Done taken = call_.TakeAnswer(**text, now);
    if (taken) EndRound(now);
    return taken;
  }
  step_ = Step::kRing;
  at_ = now + (round_ == 0 ? plan_.ring : Duration(0));
  return call_.TakeOffer(**text, now);
}

void PeerProgram::EndRound(Instant) {
  ++round_;
  step_ = Step::kBegin;
  at_ = kNever;
  awaited_.reset();
  is_revealed_ = false;
}

Done PeerProgram::Reveal() {
  if (plan_.reveal_keys.empty() || is_revealed_ || call_.state() != PeerCall::State::kUp) return {};
  is_revealed_ = true;
  const std::string path = plan_.reveal_keys + (round_ > 1 ? "." + std::to_string(round_) : "");
  const Status written = shell::WriteSecretFile(path, KeysAsText(call_.keys()));
  if (!written) return Fail(written.error(), path + ": cannot be written");
  return {};
}

bool PeerProgram::WaitsForFile() const {
  return round_ < plan_.rounds.size() && (round_ == 0 || step_ != Step::kBegin || at_ != kNever ||
                                          call_.state() == PeerCall::State::kUp);
}

// Wait is true when it is time to stop.
bool PeerProgram::Wait(Instant until, int stop_fd) {
  if (WaitsForFile()) until = std::min(until, clock_.Now() + kLook);
  std::vector<pollfd> fds = {{stop_fd, POLLIN, 0}, {media_.fd(), POLLIN, 0}};
  for (const Source& source : sources_) {
    if (source.socket) fds.push_back({source.socket->fd(), POLLIN, 0});
    if (source.place.kind == Place::Kind::kStandardInput) fds.push_back({STDIN_FILENO, POLLIN, 0});
  }
  // While nothing comes there is time for what the next exchange needs.
  if (call_.HasRoomAhead()) {
    int ready = 0;
    do {
      ready = poll(fds.data(), fds.size(), 0);
    } while (ready == 0 && call_.MakeAhead());
    if (ready != 0) return fds[0].revents != 0;
  }
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock_.Now());
  poll(fds.data(), fds.size(), static_cast<int>(std::clamp<int64_t>(left.count() + 1, 0, 1000)));
  return fds[0].revents != 0;
}

void PeerProgram::DrainMedia(Instant now) {
  std::array<net::Incoming, net::kMaxBatch> batch;
  const size_t count = media_.Receive(batch);
  for (size_t i = 0; i < count; ++i) call_.OnDatagram(batch[i].from, batch[i].octets, now);
}

void PeerProgram::DrainSources(Instant now) {
  std::array<net::Incoming, net::kMaxBatch> batch;
  for (size_t i = 0; i < sources_.size() && i < call_.media().streams().size(); ++i) {
    Source& source = sources_[i];
    if (source.place.kind == Place::Kind::kStandardInput) DrainInput(i, source, now);
    if (!source.socket) continue;
    const size_t count = source.socket->Receive(batch);
    // What comes before there are keys, or is no RTP, is lost.
    for (size_t k = 0; k < count; ++k) static_cast<void>(call_.SendRtp(i, batch[k].octets, now));
  }
}

// RFC 4571 §2: packets behind their lengths.
void PeerProgram::DrainInput(size_t stream, Source& source, Instant now) {
  if (!HasInput()) return;
  std::array<uint8_t, 4096> room;
  const ssize_t count = read(STDIN_FILENO, room.data(), room.size());
  if (count == 0) source.place.kind = Place::Kind::kNone;
  if (count > 0) source.input.insert(source.input.end(), room.begin(), room.begin() + count);
  Reader reader(source.input);
  size_t used = 0;
  while (true) {
    const ByteView packet = reader.Take(reader.U16());
    if (!reader.ok()) break;
    used += kFrameHead + packet.size();
    static_cast<void>(call_.SendRtp(stream, packet, now));
  }
  source.input.erase(source.input.begin(), source.input.begin() + static_cast<ptrdiff_t>(used));
}

void PeerProgram::SendTones(Instant now) {
  if (next_frame_ == kNever) next_frame_ = now;
  if (now < next_frame_) return;
  // After a long wait the frames that were missed are not made up for.
  next_frame_ = std::max(next_frame_ + kToneFrame, now);
  std::vector<CallStream>& streams = call_.media().streams();
  while (sources_.size() < streams.size()) sources_.emplace_back().place.kind = Place::Kind::kTone;
  for (size_t i = 0; i < streams.size(); ++i) {
    CallStream& stream = streams[i];
    Source& source = sources_[i];
    if (source.place.kind != Place::Kind::kTone || !stream.sends || !stream.sender.has_key()) {
      continue;
    }
    if (!source.tone) source.tone.emplace(*stream.codec, stream.sender.ssrc());
    Bytes packet(kMaxMediaPacket);
    packet.resize(source.tone->Packet(stream.payload_type, 0, source.timestamp, packet));
    source.timestamp += static_cast<uint32_t>(stream.codec->frame_samples());
    static_cast<void>(call_.SendRtp(i, packet, now));
  }
}

void PeerProgram::Send() {
  Error ignored = Error::kSendFailed;
  for (const Datagram& datagram : call_.TakeOut()) {
    const net::Outgoing out{datagram.to, datagram.octets};
    media_.Send({&out, 1}, ignored);  // what is lost here is lost like on the way
  }
}

void PeerProgram::HandOn() {
  Error ignored = Error::kSendFailed;
  for (const PlainPacket& packet : call_.media().TakePlain()) {
    if (packet.stream >= plan_.sinks.size()) continue;
    const Place& place = plan_.sinks[packet.stream];
    if (place.kind == Place::Kind::kUdp) {
      const net::Outgoing out{place.udp, packet.rtp};
      media_.Send({&out, 1}, ignored);
    }
    if (place.kind != Place::Kind::kFile) continue;
    std::ofstream file(place.path, std::ios::binary | std::ios::app);
    const std::string_view sound = AsText(ByteView(packet.rtp).subspan(kRtpHeader));
    file.write(sound.data(), static_cast<std::streamsize>(sound.size()));
  }
}

void PeerProgram::Print() const {
  const bool is_taken = std::ranges::any_of(plan_.rounds, [](const RoundPlan& round) {
    return (round.offers ? round.offer : round.answer) == "-";
  });
  std::FILE* const out = is_taken ? stderr : stdout;
  std::fprintf(out, "%s\n", ReportOf(call_).c_str());
  std::fflush(out);
}

int PeerProgram::Run(int stop_fd) {
  const Instant end = plan_.duration ? clock_.Now() + *plan_.duration : kNever;
  Instant next_report = clock_.Now();
  bool stops = false;
  Done done;
  while (call_.MakeAhead()) continue;
  while (!stops && done && call_.state() != PeerCall::State::kFailed && clock_.Now() < end) {
    const Instant now = clock_.Now();
    done = Advance(now);
    DrainMedia(now);
    DrainSources(now);
    SendTones(now);
    call_.Tick(now);
    Send();
    HandOn();
    if (done) done = Reveal();
    if (now >= next_report) {
      Print();
      next_report = now + kReport;
    }
    const Instant next = std::min({next_frame_, next_report, call_.deadline(), end});
    stops = Wait(next, stop_fd);
  }
  call_.Leave(clock_.Now());
  Send();  // also an error that the other side is told
  Print();
  if (!done) std::fprintf(stderr, "keymast-peer: %s\n", done.error().message.c_str());
  const bool is_up = call_.state() == PeerCall::State::kUp && call_.failure().message.empty();
  return done && is_up ? 0 : 1;
}

}  // namespace keymast::tools
