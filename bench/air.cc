// SPDX-License-Identifier: Apache-2.0
#include "bench/air.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "bench/processes.h"
#include "mikey/mbms.h"

namespace keymast::bench {
namespace {

constexpr size_t kReceiveBuffer = 64 << 20;
constexpr size_t kRoom = 2048;
constexpr int kTurnMs = 20;
// Rounds leave up to 10 ms before their instant, and the server's line of time and the wall clock
// differ by what lies between two readings.
constexpr Duration kAhead = std::chrono::milliseconds(20);

struct alignas(cmsghdr) Control {
  std::array<uint8_t, 64> octets{};
};

Instant StampOf(msghdr& header) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec stamp{};
    std::memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
    return FromUnixNanos(stamp.tv_sec * 1'000'000'000 + stamp.tv_nsec);
  }
  Demand(false, "a datagram came without the kernel's instant");
  return {};
}

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

Air::Air(const Endpoint& group, const std::vector<groups::Channel>& channels)
    : socket_(*net::UdpSocket::OpenMulticastReceiver(group, "127.0.0.1")) {
  socket_.SetReceiveBuffer(kReceiveBuffer);
  const int yes = 1;
  Demand(setsockopt(socket_.fd(), SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes) == 0,
         "the kernel tells no instants of arrival");
  for (const groups::Channel& channel : channels) {
    const Duration period = channel.policy.mtk_repetition;
    stations_.push_back({rekey::Grid(channel.id, period), period});
  }
  thread_ = std::thread([this] { Run(); });
}

Air::~Air() {
  stopping_ = true;
  thread_.join();
}

void Air::Run() {
  while (!stopping_) {
    pollfd ready{socket_.fd(), POLLIN, 0};
    if (poll(&ready, 1, kTurnMs) > 0) Receive();
  }
}

void Air::Receive() {
  std::array<std::array<uint8_t, kRoom>, net::kMaxBatch> octets;
  std::array<iovec, net::kMaxBatch> parts{};
  std::array<Control, net::kMaxBatch> controls{};
  std::array<mmsghdr, net::kMaxBatch> messages{};
  for (size_t i = 0; i < net::kMaxBatch; ++i) {
    parts[i] = {octets[i].data(), kRoom};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_control = controls[i].octets.data();
    messages[i].msg_hdr.msg_controllen = controls[i].octets.size();
  }
  const int count = recvmmsg(socket_.fd(), messages.data(), net::kMaxBatch, MSG_DONTWAIT, nullptr);
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < static_cast<size_t>(std::max(count, 0)); ++i) {
    Hear(ByteView(octets[i]).first(messages[i].msg_len), StampOf(messages[i].msg_hdr));
  }
}

void Air::Settle(Station& station, Heard& heard) {
  if (station.repetition >= 0) heard.repetitions.push_back(station.repetition);
  station.repetition = -1;
}

// A round is the message of the MTK in use and, within its lead, that of the next one. It announces
// when the latter is new.
void Air::Hear(ByteView octets, Instant at) {
  const auto message = mikey::Inspect(octets);
  Demand(message && message->kind == mikey::MessageKind::kMtk, "what came is no MTK message");
  const size_t number = size_t{message->ids.msk.group.value} - 1;
  Demand(number < stations_.size(), "a message of no channel came");
  Station& station = stations_[number];
  const Instant round = station.grid.After(at + kAhead) - station.period;
  const double late = std::max(0.0, Seconds(at - round));
  const bool is_same_round = round == station.round;
  if (!is_same_round) {
    if (station.round != Instant{} && round > station.round + station.period) {
      heard_.missing += static_cast<size_t>((round - station.round) / station.period - 1);
    }
    station.round = round;
  }
  const uint32_t mtk = message->ids.mtk->value;
  if (mtk > station.newest) {
    const bool is_first = station.newest == 0;
    station.newest = mtk;
    if (is_same_round) station.repetition = -1;
    if (!is_first) heard_.announcements.push_back(late);
    return;
  }
  Settle(station, heard_);
  station.repetition = late;
}

Air::Heard Air::Take() {
  Demand(socket_.kernel_drops() == 0, "the kernel dropped what the bench did not read");
  const std::lock_guard lock(mutex_);
  for (Station& station : stations_) Settle(station, heard_);
  return std::exchange(heard_, {});
}

}  // namespace keymast::bench
