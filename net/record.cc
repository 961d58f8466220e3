// SPDX-License-Identifier: Apache-2.0
#include "net/record.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "net/packet.h"
#include "net/replay.h"

namespace keymast::net {
namespace {

// draft-ietf-opsawg-pcapng §3.1, §4.
constexpr uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr uint32_t kInterfaceDescription = 1;
constexpr uint32_t kEnhancedPacket = 6;
constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr uint32_t kLinkTypeRaw = 101;
constexpr uint32_t kFlagsOption = 2;             // epb_flags, §4.3
constexpr uint32_t kTimeResolutionOption = 9;    // if_tsresol, §4.2
constexpr size_t kHandOver = size_t{256} << 10;  // so much waits at most for a Flush

void Put(Bytes& out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<uint8_t>(value >> shift));
}

// Two values of 16 bits: link types, and the code and length of an option.
void PutPair(Bytes& out, uint32_t first, uint32_t second) { Put(out, second << 16 | first); }

// Block frames what is put between its construction and End: type, length, body, length.
class Block {
 public:
  Block(Bytes& out, uint32_t type) : out_(out), begin_(out.size()) {
    Put(out_, type);
    Put(out_, 0);
  }
  void Pad() { out_.resize(begin_ + (out_.size() - begin_ + 3) / 4 * 4); }
  void End() {
    const auto length = static_cast<uint32_t>(out_.size() - begin_ + 4);
    Put(out_, length);
    std::copy(out_.end() - 4, out_.end(), out_.begin() + static_cast<ptrdiff_t>(begin_) + 4);
  }

 private:
  Bytes& out_;
  size_t begin_;
};

bool IsUnspecified(const Endpoint& endpoint) {
  return std::all_of(endpoint.address.begin(), endpoint.address.end(),
                     [](uint8_t octet) { return octet == 0; });
}

// The end of the last whole block of `fd`'s file; kMalformed when more than a tail is not whole.
Result<off_t> EndOfBlocks(int fd, off_t size) {
  if (size == 0) return off_t{0};
  const auto length = static_cast<size_t>(size);
  void* map = mmap(nullptr, length, PROT_READ, MAP_PRIVATE, fd, 0);
  if (map == MAP_FAILED) return Err(Error::kIo);
  const Result<size_t> end = RecordReader::WholeBlocks({static_cast<const uint8_t*>(map), length});
  munmap(map, length);
  if (!end) return Err(end.error());
  return static_cast<off_t>(*end);
}

// CutTail makes the file end with a whole block. Pipes and devices have no tail.
Status CutTail(int fd) {
  struct stat about {};
  if (fstat(fd, &about) != 0) return Err(Error::kIo);
  if (!S_ISREG(about.st_mode)) return {};
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return Err(errno == EWOULDBLOCK ? Error::kInUse : Error::kIo);
  }
  const Result<off_t> end = EndOfBlocks(fd, about.st_size);
  if (!end) return Err(end.error());
  if (*end < about.st_size && ftruncate(fd, *end) != 0) return Err(Error::kIo);
  return {};
}

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0) return Err(Error::kIo);
  std::unique_ptr<Recorder> recorder(new Recorder(fd));
  Status status = CutTail(fd);
  if (status) status = recorder->BeginSection();
  if (!status && status.error() != Error::kNoSpace) return Err(status.error());
  return recorder;
}

Recorder::~Recorder() {
  Flush();
  close(fd_);
}

Status Recorder::BeginSection() {
  Bytes out;
  Block section(out, kSectionHeader);
  Put(out, kByteOrderMagic);
  PutPair(out, 1, 0);    // version 1.0
  Put(out, 0xffffffff);  // length of the section: not known
  Put(out, 0xffffffff);
  section.End();
  Block interface(out, kInterfaceDescription);
  PutPair(out, kLinkTypeRaw, 0);
  Put(out, 0);  // packets of any length
  PutPair(out, kTimeResolutionOption, 1);
  Put(out, 9);  // 10^-9 s, and padding
  Put(out, 0);  // end of options
  interface.End();
  Status written = WriteOut(out);
  begun_ = written.has_value();
  return written;
}

void Recorder::Write(Direction direction, const Endpoint& from, const Endpoint& to, ByteView octets,
                     Instant at) {
  Endpoint source = from;
  Endpoint target = to;
  if (IsUnspecified(source)) source.family = target.family;
  if (IsUnspecified(target)) target.family = source.family;
  if (source.family != target.family || octets.size() > kMaxPacketPayload) {
    ++lost_;
    return;
  }
  std::array<uint8_t, kMaxPacketHeaders> headers;
  const size_t header_size = WritePacketHeaders(source, target, octets, headers);
  const auto length = static_cast<uint32_t>(header_size + octets.size());
  const auto nanos = static_cast<uint64_t>(ToUnixNanos(at));
  Block packet(waiting_, kEnhancedPacket);
  Put(waiting_, 0);  // the interface
  Put(waiting_, static_cast<uint32_t>(nanos >> 32));
  Put(waiting_, static_cast<uint32_t>(nanos));
  Put(waiting_, length);  // captured
  Put(waiting_, length);  // on the wire
  waiting_.insert(waiting_.end(), headers.begin(), headers.begin() + header_size);
  waiting_.insert(waiting_.end(), octets.begin(), octets.end());
  packet.Pad();
  PutPair(waiting_, kFlagsOption, 4);
  Put(waiting_, direction == Direction::kReceived ? 1 : 2);  // inbound, outbound
  Put(waiting_, 0);                                          // end of options
  packet.End();
  ++datagrams_;
  if (waiting_.size() >= kHandOver) Flush();
}

void Recorder::Flush() {
  if (waiting_.empty()) return;
  const bool taken = (begun_ || BeginSection()) && WriteOut(waiting_);
  if (!taken) lost_ += datagrams_;
  datagrams_ = 0;
  waiting_.clear();
}

// What is not taken whole is taken back, so that the next block stands behind a whole one.
Status Recorder::WriteOut(ByteView blocks) {
  ByteView rest = blocks;
  int failure = 0;
  while (!rest.empty()) {
    const ssize_t taken = write(fd_, rest.data(), rest.size());
    if (taken > 0) {
      rest = rest.subspan(static_cast<size_t>(taken));
    } else if (errno != EINTR) {
      failure = errno;
      break;
    }
  }
  if (rest.empty()) return {};
  const auto partial = static_cast<off_t>(blocks.size() - rest.size());
  struct stat about {};
  const bool cut = partial == 0 || (fstat(fd_, &about) == 0 && S_ISREG(about.st_mode) &&
                                    ftruncate(fd_, about.st_size - partial) == 0);
  static_cast<void>(cut);  // of a pipe nothing can be taken back
  const bool full = failure == ENOSPC || failure == EDQUOT || failure == EFBIG;
  return Err(full ? Error::kNoSpace : Error::kIo);
}

}  // namespace keymast::net
