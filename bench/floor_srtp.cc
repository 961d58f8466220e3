// SPDX-License-Identifier: Apache-2.0
#include "bench/floor_srtp.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "bench/processes.h"

namespace keymast::bench {
namespace {

int Socket() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  Demand(fd >= 0, "no socket");
  return fd;
}

srtp_t MakeSession(bool gcm) {
  std::array<uint8_t, 30> key{1, 2, 3};
  std::array<uint8_t, 6> mki{0, 1, 0, 1, 0, 1};
  srtp_master_key_t master{key.data(), mki.data(), mki.size()};
  std::array<srtp_master_key_t*, 1> masters{&master};
  srtp_policy_t policy{};
  const auto set =
      gcm ? srtp_crypto_policy_set_aes_gcm_128_16_auth : srtp_crypto_policy_set_rtp_default;
  set(&policy.rtp);
  set(&policy.rtcp);
  policy.ssrc = {ssrc_any_outbound, 0};
  policy.keys = masters.data();
  policy.num_master_keys = masters.size();
  srtp_t session = nullptr;
  Demand(srtp_create(&session, &policy) == srtp_err_status_ok, "libsrtp2 makes no session");
  return session;
}

}  // namespace

FloorSrtp::FloorSrtp(bool gcm, const sockaddr_in& group)
    : in_(Socket()),
      out_(Socket()),
      session_(MakeSession(gcm)),
      group_(group),
      octets_(kSlot * kBatch) {
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Demand(bind(in_, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0, "no port");
  const in_addr loopback = any.sin_addr;
  const int ttl = 0;
  setsockopt(out_, IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof loopback);
  setsockopt(out_, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof ttl);
  for (size_t i = 0; i < kBatch; ++i) {
    parts_[i] = {octets_.data() + i * kSlot, kSlot};
    messages_[i].msg_hdr.msg_iov = &parts_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
}

FloorSrtp::~FloorSrtp() {
  srtp_dealloc(session_);
  close(in_);
  close(out_);
}

uint16_t FloorSrtp::port() const {
  sockaddr_in own{};
  socklen_t size = sizeof own;
  getsockname(in_, reinterpret_cast<sockaddr*>(&own), &size);
  return ntohs(own.sin_port);
}

size_t FloorSrtp::Turn() {
  for (size_t i = 0; i < kBatch; ++i) {
    parts_[i].iov_len = kSlot;
    messages_[i].msg_hdr.msg_name = nullptr;
    messages_[i].msg_hdr.msg_namelen = 0;
  }
  const int got = recvmmsg(in_, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (got <= 0) return 0;
  const auto count = static_cast<size_t>(got);
  for (size_t i = 0; i < count; ++i) {
    int length = static_cast<int>(messages_[i].msg_len);
    Demand(srtp_protect_mki(session_, parts_[i].iov_base, &length, 1, 0) == srtp_err_status_ok,
           "libsrtp2 refuses a packet");
    parts_[i].iov_len = static_cast<size_t>(length);
    messages_[i].msg_hdr.msg_name = &group_;
    messages_[i].msg_hdr.msg_namelen = sizeof group_;
  }
  const int sent = sendmmsg(out_, messages_.data(), static_cast<unsigned>(count), 0);
  Demand(sent == got, "the floor cannot send");
  return count;
}

}  // namespace keymast::bench
