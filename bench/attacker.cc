// SPDX-License-Identifier: Apache-2.0
#include "bench/attacker.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "bench/harness.h"
#include "bench/processes.h"

namespace keymast::bench {
namespace {

enum FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kReset = 3,
  kSettings = 4,
  kPing = 6,
  kContinuation = 9
};
constexpr uint8_t kEndStream = 1;
constexpr uint8_t kEndHeaders = 4;
constexpr size_t kLongestFrame = 16384;
constexpr size_t kAtOnce = 64;  // streams, or pings, in one write
constexpr size_t kPingsAConnection = 1024;
constexpr time_t kPatience = 20;      // seconds, of one write or read
constexpr double kMostSeconds = 240;  // of one attack
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::string_view kLast = "the last";  // what a PING carries, and its answer
constexpr std::string_view kMethod = "/keymast.v1.Channels/GetChannel";
constexpr std::string_view kRequest =
    "\x0a\x12"
    "channels/channel-0";

std::string BigEndian(uint64_t value, int octets) {
  std::string text;
  for (int i = octets - 1; i >= 0; --i) text.push_back(static_cast<char>(value >> 8 * i));
  return text;
}

std::string Frame(FrameType type, int flags, size_t stream, std::string_view payload) {
  std::string text = BigEndian(payload.size(), 3);
  text.push_back(static_cast<char>(type));
  text.push_back(static_cast<char>(flags));
  return (text += BigEndian(stream, 4)).append(payload);
}

std::string Literal(std::string_view name, std::string_view value) {
  std::string text(1, '\0');
  (text += static_cast<char>(name.size())).append(name);
  return (text += static_cast<char>(value.size())).append(value);
}

// A length of HPACK (RFC 7541 §5.1, prefix of seven bits) of 127 or more.
std::string LongInteger(size_t value) {
  std::string text = "\x7f";
  for (value -= 127; value >= 128; value >>= 7) text += static_cast<char>(128 | (value & 127));
  return text += static_cast<char>(value);
}

std::string Head() {
  return Literal(":method", "POST") + Literal(":scheme", "https") + Literal(":path", kMethod) +
         Literal(":authority", "x") + Literal("content-type", "application/grpc") +
         Literal("te", "trailers");
}

std::string Start() { return std::string(kPreface) + Frame(kSettings, 0, 0, ""); }

void Rest() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }

}  // namespace

// Connection is one over TLS; every function is false at its end.
class Attacker::Connection {
 public:
  Connection(SSL_CTX* context, uint16_t port)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int yes = 1;
    const timeval patience{kPatience, 0};
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const auto* generic = reinterpret_cast<const sockaddr*>(&to);
    if (connect(fd_, generic, sizeof to) != 0) return;
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), fd_);
    if (SSL_connect(ssl_.get()) != 1) ssl_.reset();
  }
  ~Connection() {
    ssl_.reset();
    close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool IsOpen() const { return ssl_ != nullptr; }
  bool Write(const std::string& octets) {
    return SSL_write(ssl_.get(), octets.data(), static_cast<int>(octets.size())) > 0;
  }
  // Drain reads what has come, so that no answer stands in the way.
  bool Drain() {
    pollfd ready{fd_, POLLIN, 0};
    while (SSL_pending(ssl_.get()) > 0 || poll(&ready, 1, 0) > 0) {
      if (Read().empty()) return false;
    }
    return true;
  }
  // AwaitLast is true when everything that was written has been taken.
  bool AwaitLast() {
    if (!Write(Frame(kPing, 0, 0, kLast))) return false;
    std::string octets;
    while (octets.find(kLast) == std::string::npos) {
      if (octets.size() >= kLast.size()) octets.erase(0, octets.size() - kLast.size() + 1);
      const std::string more = Read();
      if (more.empty()) return false;
      octets += more;
    }
    return true;
  }

 private:
  std::string Read() {
    std::string octets(kLongestFrame, '\0');
    const int count = SSL_read(ssl_.get(), octets.data(), static_cast<int>(octets.size()));
    octets.resize(static_cast<size_t>(std::max(count, 0)));
    return octets;
  }

  int fd_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
};

Attacker::Attacker(uint16_t port, const Certified& own)
    : port_(port), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
  SSL_CTX* context = context_.get();
  constexpr std::array<unsigned char, 3> kHttp2{2, 'h', '2'};
  const bool is_ready = context != nullptr &&
                        SSL_CTX_use_certificate(context, own.certificate.get()) == 1 &&
                        SSL_CTX_use_PrivateKey(context, own.key.get()) == 1 &&
                        SSL_CTX_set_alpn_protos(context, kHttp2.data(), kHttp2.size()) == 0;
  Demand(is_ready, "OpenSSL makes no context");
}

std::unique_ptr<Attacker::Connection> Attacker::Open(const std::string& first) {
  auto connection = std::make_unique<Connection>(context_.get(), port_);
  if (!connection->IsOpen() || !connection->Write(first)) return nullptr;
  ++connections_;
  return connection;
}

size_t Attacker::Pour(size_t count, const Piece& piece) {
  const auto connection = Open(Start());
  if (!connection) {
    Rest();  // keymast-api is away
    return 0;
  }
  for (size_t i = 0; i < count; ++i) {
    if (connection->Write(piece(i)) && connection->Drain()) continue;
    ++cut_;
    return i;
  }
  if (!connection->AwaitLast()) ++cut_;
  return count;
}

void Attacker::PourAll(size_t count, size_t a_connection, const Piece& piece) {
  const double end = WallSeconds() + kMostSeconds;
  while (count > 0) {
    Demand(WallSeconds() < end, "keymast-api does not take the attack");
    count -= Pour(std::min(count, a_connection), piece);
  }
}

void Attacker::RapidResets(size_t count) {
  const std::string head = Head();
  const std::string body = BigEndian(0, 1) + BigEndian(kRequest.size(), 4) + std::string(kRequest);
  const std::string cancel = BigEndian(8, 4);
  PourAll(count / kAtOnce, count, [&](size_t index) {
    std::string octets;
    for (size_t i = 0; i < kAtOnce; ++i) {
      const size_t stream = 2 * (index * kAtOnce + i) + 1;
      octets += Frame(kHeaders, kEndHeaders, stream, head) +
                Frame(kData, kEndStream, stream, body) + Frame(kReset, 0, stream, cancel);
    }
    return octets;
  });
}

void Attacker::Pings(size_t count) {
  std::string octets;
  for (size_t i = 0; i < kAtOnce; ++i) octets += Frame(kPing, 0, 0, "\1\2\3\4\5\6\7\10");
  PourAll(count / kAtOnce, kPingsAConnection / kAtOnce, [&](size_t) { return octets; });
}

void Attacker::HalfPrefaces(size_t count, double seconds) {
  const double end = WallSeconds() + seconds;
  std::vector<std::unique_ptr<Connection>> held;
  for (size_t i = 0; i < count; ++i) held.push_back(Open(std::string(kPreface.substr(0, 12))));
  while (WallSeconds() < end) Rest();
}

void Attacker::LongMessage(size_t octets) {
  const size_t frames = octets / kLongestFrame;
  const std::string some(kLongestFrame, 'm');
  Pour(frames + 1, [&](size_t index) {
    if (index > 0) return Frame(kData, 0, 1, some);
    return Frame(kHeaders, kEndHeaders, 1, Head()) +
           Frame(kData, 0, 1, BigEndian(0, 1) + BigEndian(octets, 4));
  });
}

void Attacker::LongMetadata(size_t octets) {
  const size_t frames = octets / kLongestFrame;
  const std::string some(kLongestFrame, 'v');
  Pour(frames + 1, [&](size_t index) {
    if (index > 0) return Frame(kContinuation, index == frames ? kEndHeaders : 0, 1, some);
    return Frame(kHeaders, kEndStream, 1,
                 Head() + BigEndian(0, 1) + "\1x" + LongInteger(frames * kLongestFrame));
  });
}

}  // namespace keymast::bench
