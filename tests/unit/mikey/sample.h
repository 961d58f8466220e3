// SPDX-License-Identifier: Apache-2.0
// One MSK message, one MTK message and one verification, as values and as octets.
#pragma once

#include <gtest/gtest.h>

#include "mikey/mbms.h"
#include "mikey/message.h"

namespace keymast::mikey {

inline Bytes Hex(std::string_view text) {
  Bytes octets;
  EXPECT_TRUE(FromHex(text, octets)) << text;
  return octets;
}

inline const Bytes kUserKey = Hex("000102030405060708090a0b0c0d0e0f");
inline const Bytes kMsk = Hex("404142434445464748494a4b4c4d4e4f");
inline const Bytes kRand = Hex("101112131415161718191a1b1c1d1e1f");
inline const Bytes kMtk = Hex("707172737475767778797a7b7c7d7e7f");
inline const Bytes kSalt = Hex("808182838485868788898a8b8c8d");
inline const KeyIds kMskIds = {KeyDomainId{{0x26, 0x2f, 0x01}}, MskId::FromValue(0x00010001), {}};
inline const KeyIds kMtkIds = {kMskIds.domain, kMskIds.msk, MtkId(5)};
inline constexpr StreamSync kStreams[] = {{0, Ssrc(0xdeadbeef), Roc(3)},
                                          {0, Ssrc(0xcafebabe), Roc(0)}};
inline constexpr SpParam kParams[] = {{0, 1}, {1, 16}, {11, 10}};
inline const ByteView kIdi = AsBytes("bmsc@example.org");
inline const ByteView kIdr = AsBytes("ue1@example.org");

inline MskMessage SampleMsk() {
  MskMessage message;
  message.ids = kMskIds;
  message.counter = 9;
  message.rand = kRand;
  message.idi = kIdi;
  message.idr = kIdr;
  message.policy = kParams;
  message.streams = kStreams;
  message.msk = kMsk;
  message.low = MtkId(4);
  message.high = MtkId(900);
  return message;
}

inline MtkMessage SampleMtk() {
  MtkMessage message;
  message.ids = kMtkIds;
  message.counter = 7;
  message.msk_rand = kRand;
  message.key = kMtk;
  message.salt = kSalt;
  return message;
}

inline Verification SampleVerification() {
  Verification message;
  message.counter = 9;
  message.idi = kIdi;
  message.idr = kIdr;
  message.rand = kRand;
  message.streams = kStreams;
  return message;
}

// Written runs a Write function into a buffer of just the length it needs.
template <class Write>
Bytes Written(Write write) {
  Bytes out(600);
  const Result<size_t> size = write(MutableBytes(out));
  EXPECT_TRUE(size) << ErrorName(size ? Error::kInternal : size.error());
  out.resize(size.value_or(0));
  return out;
}

inline Bytes MskOctets(const Profile3gpp& profile = {}, const MskMessage& message = SampleMsk()) {
  return Written([&](MutableBytes out) {
    return WriteMskMessage(crypto::DefaultSuite(), profile, message, kUserKey, out);
  });
}

inline Bytes MtkOctets(const Profile3gpp& profile = {}, const MtkMessage& message = SampleMtk()) {
  return Written([&](MutableBytes out) {
    return WriteMtkMessage(crypto::DefaultSuite(), profile, message, kMsk, out);
  });
}

inline Bytes VerificationOctets(const Profile3gpp& profile = {},
                                const Verification& message = SampleVerification()) {
  return Written([&](MutableBytes out) {
    return WriteVerification(crypto::DefaultSuite(), profile, message, kUserKey, out);
  });
}

inline Result<OpenedMsk> OpenSample(const Bytes& octets, const Profile3gpp& profile = {}) {
  const Result<Unverified> seen = Inspect(octets);
  if (!seen) return Err(seen.error());
  return OpenMsk(crypto::DefaultSuite(), profile, *seen, kUserKey);
}

inline Result<OpenedMtk> OpenMtkSample(const Bytes& octets, const Profile3gpp& profile = {}) {
  const Result<Unverified> seen = Inspect(octets);
  if (!seen) return Err(seen.error());
  return OpenMtk(crypto::DefaultSuite(), profile, *seen, kMsk, kRand);
}

inline Status CheckSample(const Bytes& octets, const Profile3gpp& profile = {}) {
  const Result<Unverified> seen = Inspect(octets);
  if (!seen) return Err(seen.error());
  return CheckVerification(crypto::DefaultSuite(), profile, *seen, kIdi, kRand, kUserKey);
}

// Remade parses `octets`, lets `change` edit header and payloads, and writes them again without
// caring for the MAC.
template <class Change>
inline Bytes Remade(const Bytes& octets, Change change) {
  Message message;
  EXPECT_TRUE(ParseMessage(octets, message));
  std::vector<Payload> payloads(message.chain().begin(), message.chain().end());
  change(message.header, payloads);
  Bytes out(kMaxMessage);
  ChainWriter chain(out, message.header);
  for (const Payload& payload : payloads) {
    std::visit([&chain](const auto& p) { chain.Add(p); }, payload);
  }
  EXPECT_TRUE(chain.ok());
  out.resize(chain.size());
  return out;
}

}  // namespace keymast::mikey
