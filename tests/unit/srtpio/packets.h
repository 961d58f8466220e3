// SPDX-License-Identifier: Apache-2.0
// Packets and keys for the tests of srtpio.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "srtp/index.h"
#include "srtp/policy.h"
#include "srtpio/session.h"

namespace keymast::srtpio {

inline constexpr Ssrc kSsrc{0xcafebabe};

inline Bytes Hex(std::string_view text) {
  Bytes out;
  EXPECT_TRUE(FromHex(text, out)) << text;
  return out;
}

// KeyNumber derives a distinct key of the right lengths from `number`; its MKI is 6 octets.
inline TrafficKey KeyNumber(SrtpProfile profile, uint8_t number) {
  const srtp::ProfileInfo& info = srtp::InfoOf(profile);
  TrafficKey key;
  key.profile = profile;
  key.master_key = crypto::Key32(Bytes(info.key_length, static_cast<uint8_t>(0x40 + number)));
  key.master_salt = crypto::Salt14(Bytes(info.salt_length, static_cast<uint8_t>(0x80 + number)));
  key.mki = {0, 1, 0, 7, 0, number};
  return key;
}

// RtpPacket is a version 2 header with `payload` octets behind.
inline Bytes RtpPacket(uint16_t sequence, size_t payload = 40, Ssrc ssrc = kSsrc) {
  Bytes packet = {
      0x80, 96, static_cast<uint8_t>(sequence >> 8), static_cast<uint8_t>(sequence), 0, 0, 0, 1};
  for (int shift = 24; shift >= 0; shift -= 8) {
    packet.push_back(static_cast<uint8_t>(ssrc.value >> shift));
  }
  packet.resize(12 + payload, static_cast<uint8_t>(sequence));
  return packet;
}

// SenderReport is an RTCP SR without report blocks (RFC 3550 §6.4.1).
inline Bytes SenderReport(Ssrc ssrc = kSsrc) {
  Bytes packet = {0x80, 200, 0, 6};
  for (int shift = 24; shift >= 0; shift -= 8) {
    packet.push_back(static_cast<uint8_t>(ssrc.value >> shift));
  }
  packet.resize(28, 0x5a);
  return packet;
}

inline Session Make(const TrafficKey& key, Session::Direction direction, Roc roc = Roc(0),
                    Ssrc ssrc = kSsrc) {
  Result<Session> session = Session::Create(key, ssrc, direction);
  EXPECT_TRUE(session.has_value());
  session->SetRoc(roc);
  return std::move(*session);
}

// Apply runs one of the four operations on a copy with room for the trailer.
using Operation = Result<size_t> (Session::*)(MutableBytes, size_t);
inline Result<Bytes> Apply(Session& session, Operation operation, const Bytes& packet) {
  Bytes buffer = packet;
  buffer.resize(packet.size() + kMaxTrailer);
  const Result<size_t> length = (session.*operation)(buffer, packet.size());
  if (!length) return Err(length.error());
  buffer.resize(*length);
  return buffer;
}

}  // namespace keymast::srtpio
