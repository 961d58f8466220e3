// SPDX-License-Identifier: Apache-2.0
#include "receiver/program.h"

#include <poll.h>

#include <cstdio>

#include "base/failpoint.h"
#include "receiver/report.h"
#include "shell/log.h"

namespace keymast::receiver {
namespace {

using shell::Log;
using shell::LogLevel;

Endpoint AnyPortLike(const Setup& setup) {
  Endpoint any;
  if (!setup.targets.empty()) any.family = setup.targets.front().to.family;
  return any;
}

// Batches of key messages a wake-up, for each socket: a flood must not keep the media, the tick and
// the signals waiting.
constexpr int kKeyBatches = 2;

std::string NameOf(MskId msk, MtkId mtk) {
  return std::to_string(msk.value()) + "/" + std::to_string(mtk.value);
}

std::string_view NameOf(mikey::v2::ReportKind kind) {
  static constexpr std::array<std::string_view, 4> kNames = {"", "acknowledge", "missing", "leave"};
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace

Program::Program(Setup setup, const Clock& clock, Parts parts)
    : setup_(std::move(setup)),
      clock_(clock),
      core_(MakeCore(setup_,
                     parts.counters ? parts.counters->counters() : std::vector<SenderCounter>())),
      msk_(std::move(parts.msk)),
      forward_(std::move(parts.forward)),
      multicast_(std::move(parts.multicast)),
      joined_on_(parts.interface_index),
      recorder_(std::move(parts.recorder)),
      counter_file_(std::move(parts.counters)) {
  for (const PlainTarget& target : setup_.targets) targets_.at(target.stream) = target.to;
  if (setup_.join) {
    Joiner::Party party{
        mikey::OwnedIdentity({setup_.profile.idr_type, setup_.credential.identity.view()}),
        setup_.credential.user_key,
        {setup_.channel.domain, {setup_.channel.key_group, KeyNumber(0)}, std::nullopt}};
    member_.emplace(counter_file_ && setup_.answers ? &*counter_file_ : nullptr, setup_.state,
                    setup_.join->uri);
    Joiner::Kept kept{member_->ts(), *member_, member_->ticket(), *member_};
    joiner_ = std::make_unique<Joiner>(crypto::DefaultSuite(), *setup_.join, std::move(party),
                                       std::move(kept));
    while (joiner_->MakeAhead(rng_)) continue;
  }
  // Without notices Tick looks.
  if (auto watch = net::InterfaceWatch::Open()) interfaces_ = std::move(*watch);
}

tl::expected<std::unique_ptr<Program>, Failure> Program::Open(Setup setup, const Clock& clock) {
  auto msk = OpenMskSocket(setup.listen);
  if (!msk) return tl::unexpected<Failure>(msk.error());
  const uint32_t interface_index = net::FindInterface(setup.interface_address).value_or(0);
  auto multicast = JoinAll(setup.channel, setup.interface_address);
  if (!multicast) return tl::unexpected<Failure>(multicast.error());
  Result<net::UdpSocket> forward = net::UdpSocket::Open(AnyPortLike(setup));
  if (!forward) return Fail(forward.error(), "cannot open a socket to hand packets on");
  Parts parts{std::move(*msk), std::move(*forward), interface_index, std::move(*multicast),
              nullptr,         std::nullopt};
  if (!setup.state.empty()) {
    const auto open = setup.answers ? CounterFile::Open : CounterFile::Read;
    // Whoever has no user key goes by its name.
    const auto& [user_key, identity] = setup.credential;
    const crypto::Key32 by_name(crypto::Sha256(identity.view()));
    auto file = open(setup.state, user_key.empty() ? by_name : user_key);
    if (!file) return tl::unexpected<Failure>(file.error());
    parts.counters = std::move(*file);
  }
  if (!setup.record.empty()) {
    auto recorder = net::Recorder::Open(setup.record);
    if (!recorder) {
      return Fail(recorder.error(), "cannot record to " + setup.record + ": " +
                                        std::string(ErrorName(recorder.error())));
    }
    parts.recorder = std::move(*recorder);
  }
  return std::unique_ptr<Program>(new Program(std::move(setup), clock, std::move(parts)));
}

void Program::Record(net::Recorder::Direction direction, const Endpoint& from, const Endpoint& to,
                     ByteView octets, Instant at) {
  if (recorder_) recorder_->Write(direction, from, to, octets, at);
}

void Program::TakeMsk(const net::Incoming& datagram) {
  Record(net::Recorder::Direction::kReceived, datagram.from, setup_.listen, datagram.octets,
         clock_.Now());
  if (joiner_ != nullptr) {
    const bool is_version2 = !datagram.octets.empty() && datagram.octets[0] == mikey::kVersion2;
    if (is_version2) return TakeJoin(datagram);
    // MIKEYv2 §2: there is no silent fall-back to version 1.
    if (!joiner_->takes_msk_messages()) {
      return Log(LogLevel::kDebug, "msk_discarded", {{"reason", "not_joined"}});
    }
  }
  std::array<uint8_t, kMaxAnswer> answer{};
  const Result<MskEvent> event = core_.OnMsk(datagram.octets, answer);
  if (!event) {
    Log(LogLevel::kDebug, "msk_discarded", {{"reason", std::string(ErrorName(event.error()))}});
    return;
  }
  TellHeld();
  Log(LogLevel::kInfo, event->deleted ? "msk_deleted" : "msk_taken",
      {{"msk_id", std::to_string(event->id.value())}, {"new", event->is_new ? "true" : "false"}});
  if (!setup_.answers) return;
  // An answer promises that this COUNTER will never be taken again: first durable, then sent.
  if (counter_file_) {
    PassFailpoint("receiver.save.before");
    if (const Status saved = counter_file_->Save(core_.keyring().counters()); !saved) {
      Log(LogLevel::kError, "state_not_saved",
          {{"path", setup_.state}, {"reason", std::string(ErrorName(saved.error()))}});
      return;
    }
  }
  if (event->answer_size == 0) return;
  SendKeying(datagram.from, ByteView(answer).first(event->answer_size));
}

void Program::SendKeying(const Endpoint& to, ByteView octets) {
  const net::Outgoing out{to, octets};
  Error error = Error::kSendFailed;
  if (msk_.Send({&out, 1}, error) != 1) {
    Log(LogLevel::kWarning, "keying_not_sent", {{"reason", std::string(ErrorName(error))}});
    return;
  }
  Record(net::Recorder::Direction::kSent, setup_.listen, out.to, out.octets, clock_.Now());
}

void Program::TakeJoin(const net::Incoming& datagram) {
  if (const Status from = joiner_->CheckSource(datagram.octets, datagram.from); !from) {
    return Log(LogLevel::kDebug, "join_discarded",
               {{"reason", std::string(ErrorName(from.error()))}});
  }
  Bytes out(joiner_->Room());
  const Joiner::Outcome step = joiner_->Receive(datagram.octets, clock_.Now(), rng_, out);
  if (!step.status) {
    Log(step.is_refused ? LogLevel::kWarning : LogLevel::kDebug,
        step.is_refused ? "join_not_taken" : "join_discarded",
        {{"reason", std::string(ErrorName(step.status.error()))}});
  }
  AfterJoinStep(step, out);
}

// Keys are taken before what follows from them is sent.
void Program::AfterJoinStep(const Joiner::Outcome& step, ByteView out) {
  if (step.has_keys) AfterKeys(step);
  if (step.has_failed) {
    const auto error = joiner_->offerer().peer_error();
    Log(LogLevel::kWarning, "join_failed",
        {{"reason", error ? std::string(mikey::NameOf(*error)) : "no answer"}});
  }
  if (step.reports) {
    Log(LogLevel::kInfo, "reported", {{"kind", std::string(NameOf(*step.reports))}});
  }
  if (step.send == 0) return;
  SendKeying(setup_.join->server, out.first(step.send));
  size_t at = step.send;
  for (const uint16_t size : joiner_->more()) {
    if (step.reports) break;
    SendKeying(setup_.join->server, out.subspan(at, size));
    at += size;
  }
}

void Program::AfterKeys(const Joiner::Outcome& step) {
  const Status taken = core_.OnJoin(joiner_->streams(), joiner_->contents(), clock_.Now());
  joiner_->Wipe();
  const std::string reason = taken ? "" : std::string(ErrorName(taken.error()));
  if (step.is_loose) {
    Log(taken ? LogLevel::kInfo : LogLevel::kWarning, taken ? "keys_taken" : "keys_not_taken",
        {{"reason", reason}});
  } else {
    const mikey::v2::Mode mode = joiner_->offerer().exchange().choice.mode;
    Log(taken ? LogLevel::kInfo : LogLevel::kWarning, taken ? "joined" : "join_not_taken",
        {{"mode", std::string(mikey::NameOf(mode))}, {"reason", reason}});
  }
  TellHeld();
}

void Program::TellHeld() {
  const MskSlot* newest = core_.keyring().msks().Newest();
  if (joiner_ != nullptr && newest != nullptr) joiner_->Holds(newest->id, clock_.Now());
}

void Program::Leave() {
  if (joiner_ != nullptr) joiner_->Leave(clock_.Now());
}

void Program::DriveJoin() {
  if (joiner_ == nullptr || clock_.Now() < joiner_->deadline()) return;
  Bytes out(joiner_->Room());
  const Joiner::Outcome step = joiner_->Tick(clock_.Now(), rng_, out);
  if (!step.status) {
    Log(LogLevel::kWarning, "not_sent", {{"reason", std::string(ErrorName(step.status.error()))}});
  }
  AfterJoinStep(step, out);
}

void Program::DrainMsk() {
  std::array<net::Incoming, kBatch> batch;
  for (int turn = 0; turn < kKeyBatches; ++turn) {
    const size_t count = msk_.Receive(batch);
    for (size_t i = 0; i < count; ++i) TakeMsk(batch[i]);
    if (count < kBatch) return;
  }
}

void Program::DrainMtk() {
  std::array<net::Incoming, kBatch> batch;
  for (MulticastSocket& joined : multicast_.mtk) {
    for (int turn = 0; turn < kKeyBatches; ++turn) {
      const size_t count = joined.socket.Receive(batch);
      for (size_t i = 0; i < count; ++i) TakeMtk(joined.group, batch[i]);
      if (count < kBatch) break;
    }
  }
}

void Program::TakeMtk(const Endpoint& group, const net::Incoming& datagram) {
  const Instant now = clock_.Now();
  Record(net::Recorder::Direction::kReceived, datagram.from, group, datagram.octets, now);
  const bool is_version2 = !datagram.octets.empty() && datagram.octets[0] == mikey::kVersion2;
  if (joiner_ != nullptr && is_version2) return joiner_->GroupRekey(datagram.octets, now, rng_);
  const auto signer = joiner_ != nullptr ? joiner_->reporter().signer() : std::nullopt;
  const Result<MtkEvent> event = core_.OnMtk(datagram.octets, now, signer);
  if (joiner_ != nullptr && !event && event.error() == Error::kUnknownKey) {
    const auto message = mikey::Inspect(datagram.octets);
    if (message) joiner_->Missing(message->ids.msk.number, now, rng_);
  }
  if (!event) return;
  Log(LogLevel::kInfo, "mtk_taken", {{"key", NameOf(event->msk, event->mtk)}});
}

// One batch a socket and wake-up: keys get their turn before the next one.
void Program::DrainMedia() {
  std::array<net::Incoming, kBatch> batch;
  std::vector<net::Outgoing> out;
  for (MulticastSocket& joined : multicast_.media) {
    const size_t count = joined.socket.Receive(batch);
    const Instant now = clock_.Now();
    out.clear();
    for (size_t i = 0; i < count; ++i) {
      // With the instant that the report tells: a replay is cut there.
      Record(net::Recorder::Direction::kReceived, batch[i].from, joined.group, batch[i].octets,
             now);
      const Result<MediaPacket> packet = core_.OnMedia(batch[i].octets, now);
      if (packet) ForwardTo(*packet, batch[i].octets, out);
      if (joiner_ == nullptr) continue;
      if (packet) joiner_->Opened(packet->msk.number, now);
      if (packet) joiner_->Uses(core_.keyring().oldest());
      if (!packet && packet.error() == Error::kUnknownKey) TellMissing(batch[i].octets, now);
    }
    // A player that is not there or not fast enough loses packets: nothing here waits for it.
    Error ignored = Error::kSendFailed;
    size_t sent = 0;
    while (sent < out.size()) {
      const size_t taken = forward_.Send(std::span(out).subspan(sent), ignored);
      sent += std::max(taken, size_t{1});
    }
  }
}

void Program::TellMissing(ByteView packet, Instant now) {
  const auto msk = NumberUnder(core_.keyring(), packet, IsRtcp(packet));
  if (msk) joiner_->Missing(*msk, now, rng_);
}

void Program::ForwardTo(const MediaPacket& packet, ByteView octets,
                        std::vector<net::Outgoing>& out) {
  Endpoint to = targets_.at(packet.stream);
  if (to.IsUnset() || (packet.rtcp && to.port == 65535)) return;
  if (packet.rtcp) ++to.port;  // RFC 3550 §11
  out.push_back({to, octets.first(packet.length)});
}

void Program::UseCredentials(std::shared_ptr<const mikey::v2::Credentials> credentials) {
  if (joiner_ != nullptr) joiner_->UseCredentials(std::move(credentials), clock_.Now());
}

bool Program::Poll(int milliseconds, int stop_fd, int report_fd, int reload_fd) {
  const int interfaces = interfaces_ ? interfaces_->fd() : -1;
  std::vector<pollfd> fds = {{stop_fd, POLLIN, 0},
                             {interfaces, POLLIN, 0},
                             {msk_.fd(), POLLIN, 0},
                             {report_fd, POLLIN, 0},
                             {reload_fd, POLLIN, 0}};
  for (const MulticastSocket& joined : multicast_.mtk) {
    fds.push_back({joined.socket.fd(), POLLIN, 0});
  }
  for (const MulticastSocket& joined : multicast_.media) {
    fds.push_back({joined.socket.fd(), POLLIN, 0});
  }
  DriveJoin();
  int ready = 0;
  // While nothing comes there is time for what the next join needs.
  if (joiner_ != nullptr && joiner_->HasRoomAhead()) {
    do {
      ready = poll(fds.data(), fds.size(), 0);
    } while (ready == 0 && joiner_->MakeAhead(rng_));
  }
  if (joiner_ != nullptr && joiner_->deadline() != kNever) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(joiner_->deadline() - clock_.Now());
    milliseconds = static_cast<int>(std::clamp<int64_t>(left.count(), 0, milliseconds));
  }
  if (ready == 0) ready = poll(fds.data(), fds.size(), milliseconds);
  DriveJoin();
  if (ready <= 0) return false;
  if (fds[1].revents != 0 && !interfaces_->Take().empty()) FollowInterface();
  DrainMsk();
  DrainMtk();
  DrainMedia();
  // What was recorded survives a kill of this process.
  if (recorder_) recorder_->Flush();
  return (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
}

void Program::Tick() {
  core_.OnTick(clock_.Now());
  if (recorder_ && recorder_->TakeFirstLoss()) {
    Log(LogLevel::kError, "record_incomplete",
        {{"file", setup_.record},
         {"reason", "records_lost counts what it could not take; is its disk full?"}});
  }
  FollowInterface();
}

// Membership of a group goes with the interface and does not come back with it; one that was made
// again has another index.
void Program::FollowInterface() {
  const uint32_t index = net::FindInterface(setup_.interface_address).value_or(0);
  if (index == joined_on_) return;
  if (index == 0) {
    joined_on_ = 0;
    Log(LogLevel::kWarning, "interface_lost", {{"address", setup_.interface_address}});
    return;
  }
  auto joined = JoinAll(setup_.channel, setup_.interface_address);
  if (!joined) {
    Log(LogLevel::kWarning, "join_failed", {{"message", joined.error().message}});
    return;
  }
  drops_before_ += multicast_.kernel_drops();
  multicast_ = std::move(*joined);
  joined_on_ = index;
  Log(LogLevel::kInfo, "interface_back", {{"address", setup_.interface_address}});
}

std::string Program::Report() const {
  const uint64_t drops = drops_before_ + multicast_.kernel_drops() + msk_.kernel_drops();
  const ReporterCounters* member = joiner_ ? &joiner_->reporter().counters() : nullptr;
  return ReportLine(core_, setup_.channel, {drops, recorder_ ? recorder_->lost() : 0}, clock_.Now(),
                    member);
}

void Program::PrintReport() const {
  std::puts(Report().c_str());
  std::fflush(stdout);
}

}  // namespace keymast::receiver
