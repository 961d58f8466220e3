// SPDX-License-Identifier: Apache-2.0
// What a dump says of a message, as a tree that views are made from.
#pragma once

#include <optional>
#include <vector>

#include "mikey/dump.h"

namespace keymast::tools {

// Node is a field, or a group with what is in it. Views live as long as the octets dumped.
struct Node {
  std::string_view name;
  std::string_view clause;  // of a group; a field's is that of the group around it
  size_t offset = 0;
  size_t length = 0;
  std::optional<mikey::Field> field;  // nothing: a group
  std::string meaning = {};           // of octets that spell a time or a text
  std::vector<Node> inside = {};
  std::string_view remark = {};  // why a group is as it is
  bool is_secret = false;        // octets that only --reveal shows
};

// TreeOf dumps a whole message; `status` is what ParseMessage says of it.
std::vector<Node> TreeOf(ByteView octets, Status& status);

// KeyDataTree is what a KEMAC has inside, decrypted: a group at the place of the encrypted data.
// `status` is kMalformed when it is no chain of payloads. Keys and salts are marked as secret.
Node KeyDataTree(ByteView plain, size_t offset, mikey::PayloadType first, Status& status,
                 uint8_t version = mikey::kVersion1);

// PutInKemac puts the group into the tree's KEMAC, behind its encrypted data.
void PutInKemac(std::vector<Node>& tree, Node group);

}  // namespace keymast::tools
