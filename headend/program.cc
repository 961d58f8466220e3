// SPDX-License-Identifier: Apache-2.0
#include "headend/program.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "headend/media_batch.h"
#include "shell/log.h"
#include "srtp/policy.h"

namespace keymast::headend {
namespace {

using shell::Log;
using shell::LogLevel;

std::string NameOf(const KeyName& key) {
  return ToHex(std::array{static_cast<uint8_t>(key.msk.group.value >> 8),
                          static_cast<uint8_t>(key.msk.group.value),
                          static_cast<uint8_t>(key.msk.number.value >> 8),
                          static_cast<uint8_t>(key.msk.number.value)}) +
         "/" + std::to_string(key.mtk.value);
}

Program::Passed PassedBy(const Channel& channel) {
  Program::Passed passed;
  for (const Stream& stream : channel.streams()) {
    passed.in += stream.counters().packets_in;
    passed.out += stream.counters().packets_out;
  }
  return passed;
}

}  // namespace

Program::Program(Setup setup, const Clock& clock, StateFile file, std::vector<InputSocket> inputs,
                 std::unique_ptr<Link> link, std::unique_ptr<net::Recorder> recorder)
    : clock_(clock),
      setup_(std::move(setup)),
      file_(std::move(file)),
      headend_(setup_.settings, file_.loaded(), rng_),
      inputs_(std::move(inputs)),
      recorder_(std::move(recorder)),
      connect_at_(clock.Now()),
      saver_(std::make_unique<Saver>(file_)),
      link_(std::move(link)) {}

Program::~Program() = default;

tl::expected<std::unique_ptr<Program>, Failure> Program::Open(Setup setup, const Clock& clock) {
  auto file = StateFile::Open(setup.state);
  if (!file) return tl::unexpected<Failure>(file.error());
  auto inputs = OpenInputs(setup.settings.inputs, setup.input_interface);
  if (!inputs) return tl::unexpected<Failure>(inputs.error());
  auto link = Link::Open(setup.target);
  if (!link) return tl::unexpected<Failure>(link.error());
  std::unique_ptr<net::Recorder> recorder;
  if (!setup.record.empty()) {
    auto opened = net::Recorder::Open(setup.record);
    if (!opened) {
      return Fail(opened.error(), "cannot record to " + setup.record + ": " +
                                      std::string(ErrorName(opened.error())));
    }
    recorder = std::move(*opened);
  }
  return std::unique_ptr<Program>(new Program(std::move(setup), clock, std::move(*file),
                                              std::move(*inputs), std::move(*link),
                                              std::move(recorder)));
}

void Program::Connect(Instant now) {
  if (streaming_ || now < connect_at_) return;
  streaming_ = true;
  link_->Start(headend_.Hello());
}

void Program::TakeDirective(const v1::HeadendDirective& directive, Instant now) {
  auto answer = headend_.OnDirective(directive, now);
  if (!answer) {
    Log(LogLevel::kWarning, "directive_refused", {{"message", headend_.last_error()}});
  } else if (*answer) {
    link_->Send(std::move(**answer));
  } else if (directive.has_key()) {
    Log(LogLevel::kInfo, "key_announced",
        {{"channel", directive.key().channel()},
         {"key", NameOf({MskId::FromValue(directive.key().msk_id()),
                         MtkId(static_cast<uint16_t>(directive.key().mtk_id()))})}});
  }
  FollowLink();
  FollowChannels();
}

void Program::FollowLink() {
  const bool connected = headend_.link() == LinkState::kConnected;
  if (connected == connected_told_) return;
  connected_told_ = connected;
  if (!connected) return;  // its end told why
  Log(LogLevel::kInfo, "connected", {{"server", setup_.target.server}});
  outside_.link_error.clear();
  backoff_ = kFirstBackoff;
}

void Program::TakeEnd(const Ended& ended, Instant now) {
  if (outside_.link_error != ended.message) {
    Log(LogLevel::kWarning, "not_connected",
        {{"server", setup_.target.server}, {"message", ended.message}});
  }
  outside_.link_error = ended.message;
  streaming_ = false;
  headend_.OnAway(ended.kind == Ended::Kind::kRevoked, now);
  FollowLink();
  connect_at_ = now + backoff_;
  backoff_ = std::min(2 * backoff_, kMaxBackoff);
  FollowChannels();
  if (ended.kind != Ended::Kind::kTakenOver) return;
  // Two of us would send with one SSRC under one key: the one that came later has it.
  failure_ = Failure{Error::kInUse,
                     "another keymast-headend connected as " + setup_.settings.id.value +
                         " and took over; two must not run under one name",
                     {},
                     {},
                     0};
}

void Program::TakeLinkEvents(Instant now) {
  for (const LinkEvent& event : link_->Take()) {
    if (const auto* directive = std::get_if<v1::HeadendDirective>(&event)) {
      TakeDirective(*directive, now);
    } else {
      TakeEnd(std::get<Ended>(event), now);
    }
  }
}

void Program::Save() {
  if (saving_ || save_failed_) return;
  saving_ = headend_.StateToSave();
  if (saving_) saver_->Begin(*saving_);
}

void Program::TakeSaved() {
  const std::optional<Status> saved = saver_->Take();
  if (!saved) return;
  if (*saved) {
    headend_.OnSaved(*saving_);
  } else {
    save_failed_ = true;
    headend_.NoteError(
        "state file " + setup_.state + " not written: " + std::string(ErrorName(saved->error())),
        clock_.Now());
    Log(LogLevel::kError, "state_not_saved",
        {{"path", setup_.state}, {"reason", std::string(ErrorName(saved->error()))}});
  }
  saving_.reset();
}

Sender* Program::SenderOf(const Channel& channel) {
  const auto found = senders_.find(channel.definition().id);
  return found == senders_.end() ? nullptr : found->second.get();
}

// One batch an input and turn: keys and switches get their turn before the next one.
void Program::Drain(InputSocket& input) {
  const Instant now = clock_.Now();
  MediaBatch batch;
  batch.Take(input, headend_, now);
  if (batch.channel() == nullptr) return;
  if (Sender* sender = SenderOf(*batch.channel())) {
    sender->Send(batch.packets(), recorder_.get(), now);
  }
}

bool Program::Poll(Instant until, int stop_fd) {
  Connect(clock_.Now());
  Save();
  Instant wake = std::min(until, headend_.NextSwitch());
  if (!streaming_) wake = std::min(wake, connect_at_);
  const Duration left =
      std::clamp<Duration>(wake - clock_.Now(), Duration::zero(), std::chrono::seconds(1));
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();

  std::vector<pollfd> fds = {
      {stop_fd, POLLIN, 0}, {link_->fd(), POLLIN, 0}, {saver_->fd(), POLLIN, 0}};
  for (const InputSocket& input : inputs_) fds.push_back({input.socket.fd(), POLLIN, 0});
  poll(fds.data(), fds.size(), static_cast<int>(milliseconds));
  if (fds[1].revents != 0) TakeLinkEvents(clock_.Now());
  if (fds[2].revents != 0) TakeSaved();
  headend_.Tick(clock_.Now());
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (fds[3 + i].revents != 0) Drain(inputs_[i]);
  }
  FollowKeys();
  // What was recorded survives a kill of this process.
  if (recorder_) recorder_->Flush();
  return fds[0].revents == 0 && !failure_;
}

void Program::Tick() {
  const Instant now = clock_.Now();
  headend_.Tick(now);
  if (headend_.link() == LinkState::kProving || headend_.link() == LinkState::kConnected) {
    link_->Send(headend_.Report());
  }
  headend_.OnReported();
  FollowLink();
  save_failed_ = false;
  FollowChannels();
  for (const auto& [id, sender] : senders_) sender->Check();
  FollowSilence(now);
  FollowDiscards();
}

// FollowChannels keeps a sender for each channel as it is defined now.
void Program::FollowChannels() {
  std::erase_if(senders_, [&](const auto& one) {
    const auto channel = headend_.channels().find(one.first);
    const bool stays = channel != headend_.channels().end() &&
                       IsSameOnAir(channel->second->definition(), one.second->channel());
    if (!stays) Log(LogLevel::kInfo, "channel_dropped", {{"channel", one.first.value}});
    return !stays;
  });
  for (const auto& [id, channel] : headend_.channels()) {
    if (senders_.contains(id)) continue;
    Log(LogLevel::kInfo, "channel_defined",
        {{"channel", id.value},
         {"group", AddressToString(channel->definition().group)},
         {"profile", std::string(srtp::InfoOf(channel->definition().profile).name)}});
    senders_[id] = std::make_unique<Sender>(channel->definition(), setup_.output_interface);
  }
}

// FollowKeys tells of switches, upward too: they are known there as soon as they happened.
void Program::FollowKeys() {
  bool switched = false;
  for (const auto& [id, channel] : headend_.channels()) {
    const KeySlot* current = channel->keys().current();
    if (current == nullptr || keys_told_[id] == current->key.name) continue;
    keys_told_[id] = current->key.name;
    switched = true;
    Log(LogLevel::kInfo, "switched", {{"channel", id.value}, {"key", NameOf(current->key.name)}});
  }
  if (switched && headend_.link() == LinkState::kConnected) link_->Send(headend_.Report());
}

std::string Program::SilentReason(const Channel& channel, const Sender& sender, Instant now) const {
  if (const Silence silence = channel.SilenceAt(now); silence != Silence::kNone) {
    return std::string(SilenceName(silence));
  }
  if (!sender.reason().empty()) return std::string(sender.reason());
  for (const Stream& stream : channel.streams()) {
    const PacketIndex next = stream.sequencer().next();
    if (next.value > srtp::kIndexMask) return "index_exhausted";
    if (next >= stream.range().end()) return "no_reserved_index";
  }
  const auto before = passed_before_.find(channel.definition().id);
  if (before == passed_before_.end()) return "no_input";
  const Passed passed = PassedBy(channel);
  if (passed.out > before->second.out) return "";
  return passed.in > before->second.in ? "input_refused" : "no_input";
}

void Program::FollowSilence(Instant now) {
  std::map<ChannelId, Outside::Of> channels;
  for (const auto& [id, channel] : headend_.channels()) {
    const Sender* sender = SenderOf(*channel);
    if (sender == nullptr) continue;
    channels[id] = {SilentReason(*channel, *sender, now), sender->failed()};
    const std::string& reason = channels[id].silent;
    const auto before = outside_.channels.find(id);
    if (before == outside_.channels.end() || before->second.silent != reason) {
      Log(reason.empty() ? LogLevel::kInfo : LogLevel::kWarning,
          reason.empty() ? "sending" : "silent", {{"channel", id.value}, {"reason", reason}});
    }
    passed_before_[id] = PassedBy(*channel);
  }
  outside_.channels = std::move(channels);
  outside_.input_drops = 0;
  for (const InputSocket& input : inputs_) {
    outside_.input_drops += input.socket.kernel_drops() + input.socket.too_long();
  }
  outside_.records_lost = recorder_ ? recorder_->lost() : 0;
  if (recorder_ && recorder_->TakeFirstLoss()) {
    Log(LogLevel::kError, "record_incomplete",
        {{"file", setup_.record},
         {"reason", "records_lost counts what it could not take; is its disk full?"}});
  }
}

// FollowDiscards names what an encoder does wrong, once for each mistake.
void Program::FollowDiscards() {
  static constexpr std::pair<Error, const char*> kAdvice[] = {
      {Error::kTooLong,
       "packets do not fit the channel's max_datagram: give the encoder a smaller "
       "packet size (ffmpeg: pkt_size, GStreamer: mtu)"},
      {Error::kUnexpected, "packets have another payload type than the channel's stream"},
      {Error::kUnknownChannel, "packets come for an input that no stream of a channel matches"},
  };
  const Discards& discards = headend_.discards();
  for (const auto& [error, advice] : kAdvice) {
    const auto at = static_cast<size_t>(error);
    if (discards[at] == discards_before_[at] || advised_.contains(error)) continue;
    // Before the server has named the channels no input is known, and the encoder does nothing
    // wrong.
    if (headend_.channels().empty()) continue;
    advised_.insert(error);
    headend_.NoteError(advice, clock_.Now());
    Log(LogLevel::kWarning, "input_refused",
        {{"reason", std::string(ErrorName(error))}, {"message", advice}});
  }
  discards_before_ = discards;
}

Status Program::Stop() {
  link_.reset();
  saver_.reset();  // waits for what is being saved
  inputs_.clear();
  return file_.Save(headend_.FinalState());
}

std::string Program::Report() const { return ReportLine(headend_, outside_, clock_.Now()); }

void Program::PrintReport() const {
  std::puts(Report().c_str());
  std::fflush(stdout);
}

}  // namespace keymast::headend
