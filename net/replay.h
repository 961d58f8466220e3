// SPDX-License-Identifier: Apache-2.0
// Reads back what `--record` wrote: UDP datagrams of a pcapng file, in order.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/error.h"
#include "base/time.h"

namespace keymast::net {

struct RecordedDatagram {
  Endpoint from;
  Endpoint to;
  Instant at{};
  ByteView octets;  // points into the file's octets
};

// RecordReader walks a pcapng file that is held in memory (draft-ietf-opsawg-pcapng §3, §4): any
// number of sections of either byte order, raw IP interfaces (link type 101), enhanced packet
// blocks with UDP. Other blocks, and packets that are not whole UDP datagrams, are passed over.
class RecordReader {
 public:
  // `file` outlives the reader.
  explicit RecordReader(ByteView file) : rest_(file) {}

  // Next is nothing at the end. kTruncated: the file ends inside a block, as it does when its
  // writer was killed; kMalformed: this is not pcapng. After an error there is no more.
  Result<std::optional<RecordedDatagram>> Next();

  // WholeBlocks gives the size of the file's beginning that consists of whole blocks. What follows
  // is a tail as a kill or a loss of power leaves it: one cut block, or zeros. kMalformed: this is
  // not pcapng, or it is damaged elsewhere.
  static Result<size_t> WholeBlocks(ByteView file);

 private:
  struct Interface {
    bool raw_ip = false;
    uint64_t ticks_per_second = 1'000'000;
  };
  Result<ByteView> TakeBlock(uint32_t& type);
  uint16_t U16(ByteView octets, size_t at) const;
  uint32_t U32(ByteView octets, size_t at) const;
  Status BeginSection(ByteView body);
  Status AddInterface(ByteView body);
  std::optional<RecordedDatagram> Packet(ByteView body) const;

  static constexpr size_t kMaxInterfaces = 16;
  ByteView rest_;
  bool in_section_ = false;
  bool little_endian_ = true;
  std::array<Interface, kMaxInterfaces> interfaces_{};
  size_t interface_count_ = 0;
};

}  // namespace keymast::net
