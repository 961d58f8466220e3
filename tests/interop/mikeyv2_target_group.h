// SPDX-License-Identifier: Apache-2.0
// What of ours takes messages of a group (MIKEYv2 §10), as the honest side of an attack.
#pragma once

#include "mikey/v2/group_rekey_reader.h"
#include "tests/interop/mikeyv2_target_member.h"
#include "tests/interop/mikeyv2_target_reports.h"
#include "tests/interop/mikeyv2_target_server.h"

namespace keymast::mikey::v2 {

// LabTree knows the roots of tree updates that it is told of.
class LabTree : public TreeKeys {
 public:
  void Learn(const Json& order);
  Found Derive(const RekeyHead& head, ByteView tree_update, crypto::Key32& root) override;
  void Commit() override {}

 private:
  std::map<std::string, Bytes> roots_;  // by tree update, in hexadecimal
  bool waits_ = false;                  // for the keys of what is not among them
};

// RekeyRole is a member's reader of GROUP_REKEYs.
class RekeyRole {
 public:
  explicit RekeyRole(const LoopbackSocket& socket) : socket_(socket) {}
  Json Begin(const Json& order);
  Json Learn(const Json& order);
  Json Install(const Json& order);
  Json Take(const Json& order);

 private:
  Json Told(const RekeyReader::Outcome& outcome) const;

  const LoopbackSocket& socket_;
  LabTree tree_;
  std::unique_ptr<RekeyReader> reader_;
};

// KeyringRole is a member's keys, and takes MTK messages.
class KeyringRole {
 public:
  explicit KeyringRole(const LoopbackSocket& socket) : socket_(socket) {}
  // Begin where an exchange has joined.
  Json Begin(const Json& order, const Offerer& joined);
  Json Take(const Json& order);

 private:
  const LoopbackSocket& socket_;
  std::unique_ptr<receiver::Keyring> keyring_;
  std::optional<crypto::PublicKey> signer_;  // nothing: MTK messages are not signed
  uint32_t signer_id_ = 0;
};

// GroupSide has one socket for all of them.
class GroupSide {
 public:
  uint16_t port() const { return socket_.port(); }
  // Do an order; null: it is for others. `joined` is what an exchange before it has joined by.
  Json Do(const std::string& what, const Json& order, const Offerer* joined);

 private:
  const LoopbackSocket socket_{0};
  RekeyRole rekeys_{socket_};
  ReporterRole reporter_{socket_};
  ControllerRole controller_{socket_};
  KeyringRole keyring_{socket_};
  ServerRole server_{socket_};
  MemberRole member_{socket_};
};

}  // namespace keymast::mikey::v2
