// SPDX-License-Identifier: Apache-2.0
// Memory for the messages of one request: the parts of a batch of a thousand come from one block,
// instead of some ten thousand pieces that the heap has to find and take back.
#pragma once

#include <google/protobuf/arena.h>

#include <memory>

namespace keymast::server {

// ArenaBlock lends its memory to one arena at a time.
class ArenaBlock {
 public:
  google::protobuf::ArenaOptions Options() const {
    google::protobuf::ArenaOptions options;
    options.initial_block = memory_.get();
    options.initial_block_size = kOctets;
    options.start_block_size = kOctets;  // a larger message takes as much again
    options.max_block_size = kOctets;
    return options;
  }

 private:
  static constexpr size_t kOctets = 256 * 1024;
  const std::unique_ptr<char[]> memory_ = std::make_unique_for_overwrite<char[]>(kOctets);
};

}  // namespace keymast::server
