// SPDX-License-Identifier: Apache-2.0
// MIKEYv2: joins a second and core of each mode, against the primitives of an exchange and nothing
// else, and sessions of two against a DTLS-SRTP handshake of OpenSSL.
#include <cstdio>

#include "bench/harness.h"
#include "bench/mikeyv2_rig.h"
#include "bench/peer_dtls.h"

namespace keymast::bench {
namespace {

using mikey::DhGroup;
using mikey::v2::Mode;
using mikey::v2::Shown;

constexpr int kRuns = 15;
constexpr double kPskTarget = 0.6;
constexpr double kPublicKeyTarget = 0.85;

constexpr JoinKind kJoins[] = {
    {.name = "PSK", .mode = Mode::kPsk},
    {.name = "RSA 2048, certificates known",
     .mode = Mode::kRsa,
     .key = KeyType::kRsa2048,
     .shown = Shown::kHash},
    {.name = "DH P-256", .mode = Mode::kDh, .group = DhGroup::kSecp256r1},
    {.name = "DH X25519, Ed25519", .mode = Mode::kDh, .key = KeyType::kEd25519},
    {.name = "DHHMAC X25519", .mode = Mode::kDhhmac},
    {.name = "early DH P-256", .mode = Mode::kEarlyDh, .group = DhGroup::kSecp256r1},
    {.name = "early DH X25519, Ed25519", .mode = Mode::kEarlyDh, .key = KeyType::kEd25519},
    {.name = "early DHHMAC X25519", .mode = Mode::kEarlyDhhmac},
};

// Sessions of two, as DTLS-SRTP makes them.
constexpr JoinKind kSessionP256{
    .name = "DH P-256", .mode = Mode::kDh, .group = DhGroup::kSecp256r1, .joins = false};
constexpr JoinKind kSessionP256Known{.name = "DH P-256, certificates known",
                                     .mode = Mode::kDh,
                                     .group = DhGroup::kSecp256r1,
                                     .shown = Shown::kHash,
                                     .joins = false};
constexpr JoinKind kSession25519{
    .name = "DH X25519, Ed25519", .mode = Mode::kDh, .key = KeyType::kEd25519, .joins = false};
constexpr JoinKind kSessionByTicket{
    .name = "PSK by ticket", .mode = Mode::kPsk, .joins = false, .resumes = true};

// The session of two in a join's mode.
JoinKind SessionOf(JoinKind kind) {
  kind.joins = false;
  return kind;
}

// RateOfPlaying plays tapes as often as `batches` have exchanges.
double RateOfPlaying(std::initializer_list<const Tape*> tapes, size_t batches) {
  const size_t times = batches * JoinRig::kBatch;
  const double start = ThreadCpuSeconds();
  for (size_t i = 0; i < times; ++i) {
    for (const Tape* tape : tapes) tape->Play();
  }
  return static_cast<double>(times) / (ThreadCpuSeconds() - start);
}

JoinRig::Time TimeOf(JoinRig& rig, size_t batches) {
  JoinRig::Time all;
  for (size_t i = 0; i < batches; ++i) {
    const JoinRig::Time one = rig.Batch();
    all.answerer += one.answerer;
    all.offerer += one.offerer;
  }
  return all;
}

double RateOfHandshakes(const std::function<void()>& handshake) {
  const double start = ThreadCpuSeconds();
  for (size_t i = 0; i < JoinRig::kBatch; ++i) handshake();
  return JoinRig::kBatch / (ThreadCpuSeconds() - start);
}

std::string Named(const JoinKind& kind, const char* what) {
  return std::string(kind.name) + ", " + what;
}

// Batches give both rates: the last ones are kept for the second figure. Of joins that take some
// microseconds one batch would be over before the caches are warm, and as short as what disturbs
// it.
void BenchJoins(const JoinKind& kind, Report& report) {
  JoinRig rig(kind, crypto::DefaultSuite());
  JoinRig recorded(kind, Tape::Suite());
  JoinRig::Tapes tapes;
  recorded.Record(tapes);
  JoinRig::Time time;
  const size_t batches = mikey::v2::HasDh(kind.mode) || mikey::v2::IsSigned(kind.mode) ? 2 : 16;
  const auto joins = static_cast<double>(batches * JoinRig::kBatch);
  const auto rates =
      InTurn(kRuns, {[&] {
                       time = TimeOf(rig, batches);
                       return joins / time.answerer;
                     },
                     [&] { return joins / (time.answerer + time.offerer); },
                     [&] { return RateOfPlaying({&tapes.answerer}, batches); },
                     [&] {
                       return RateOfPlaying({&tapes.offerer, &tapes.answerer}, batches);
                     }});
  const double target = kind.mode == Mode::kPsk ? kPskTarget : kPublicKeyTarget;
  const auto add = [&](const std::string& name, size_t ours, size_t floor) {
    const Paired paired = Compare(name, rates[ours], rates[floor]);
    report.AddThroughput("mikeyv2", name, paired.product, paired.floor, "joins/s", target);
  };
  add(Named(kind, "server"), 0, 2);
  add(Named(kind, "both ends"), 1, 3);
}

// CompareJoins to a DTLS-SRTP handshake, which is of two and gives no group keys: there is a target
// for sessions alone. Not in turn with the floor: it leaves the caches to neither.
void CompareJoins(const JoinKind& kind, PeerDtls& dtls) {
  JoinRig rig(kind, crypto::DefaultSuite());
  Interleave(
      Named(kind, "both ends, to a full DTLS-SRTP handshake"), kRuns,
      [&] {
        const JoinRig::Time time = rig.Batch();
        return JoinRig::kBatch / (time.answerer + time.offerer);
      },
      [&] { return RateOfHandshakes([&] { dtls.Full(); }); }, "peer");
}

// Values that can be made ahead are, and what that took is told beside the rate: OpenSSL makes its
// own within the handshake.
void BenchAgainstDtls(const JoinKind& kind, const char* peer, const std::function<void()>& theirs,
                      double target, Report& report) {
  JoinRig rig(kind, crypto::DefaultSuite());
  JoinRig::Time time;
  const auto rates =
      InTurn(kRuns, {[&] {
                       time = rig.Batch();
                       return JoinRig::kBatch / (time.answerer + time.offerer);
                     },
                     [&] { return JoinRig::kBatch / (time.answerer + time.offerer + time.ahead); },
                     [&] { return RateOfHandshakes(theirs); }});
  const std::string name = Named(kind, peer);
  const Paired paired = Compare(name, rates[0], rates[2], "peer");
  report.AddPeer("mikeyv2", name, paired.product, paired.floor, "sessions/s", target);
  if (mikey::v2::HasDh(kind.mode))
    Compare(name + ", values made within", rates[1], rates[2], "peer");
}

// Both leave a ticket: OpenSSL's is in the handshake, ours in KEYS, an acknowledgement. What the
// ratio is to a handshake that leaves none is told beside it.
void CompareTraffic(const JoinKind& kind, PeerDtls& dtls, double target, Report& report) {
  JoinRig rig(kind, crypto::DefaultSuite());
  const auto ours = static_cast<double>(rig.One().octets);
  const auto theirs = static_cast<double>(dtls.Full().octets);
  const auto least = static_cast<double>(dtls.FullWithoutTicket().octets);
  report.AddBound("mikeyv2", Named(kind, "octets to DTLS-SRTP"), ours, theirs, "octets", target);
  std::printf("  %s: %.0f octets without a ticket, %.2f\n", kind.name, least, ours / least);
}

// MIKEYv2 §1: three datagrams until both sides have keys, but where a group's keys are in KEYS.
void CountTraffic(const JoinKind& kind, const char* what, PeerDtls& dtls, Report& report) {
  JoinRig rig(kind, crypto::DefaultSuite());
  const bool is_late = kind.joins && mikey::v2::IsLate(kind.mode);
  const JoinTraffic traffic = rig.One();
  const std::string name = std::string(kind.name) + ", datagrams of a " + what;
  report.AddLimit("mikeyv2", name, static_cast<double>(traffic.datagrams), "datagrams",
                  is_late ? 4 : 3);
  const PeerDtls::Traffic theirs = dtls.Full();
  std::printf("  %s, %s: %zu octets; DTLS-SRTP: %zu in %zu datagrams\n", kind.name, what,
              traffic.octets, theirs.octets, theirs.datagrams);
}

}  // namespace

void BenchMikeyV2(Report& report) {
  PeerDtls dtls;
  for (const JoinKind& kind : kJoins) {
    BenchJoins(kind, report);
    CompareJoins(kind, dtls);
    CountTraffic(kind, "join", dtls, report);
    CountTraffic(SessionOf(kind), "session", dtls, report);
  }
  const auto full = [&] { dtls.Full(); };
  const auto resumed = [&] { dtls.Resumed(); };
  BenchAgainstDtls(kSessionP256, "to a full DTLS-SRTP handshake", full, 2.5, report);
  BenchAgainstDtls(kSession25519, "to a full DTLS-SRTP handshake", full, 4, report);
  BenchAgainstDtls(kSessionByTicket, "to a resumed DTLS-SRTP handshake", resumed, 3, report);
  CompareTraffic(kSessionP256, dtls, 0.9, report);
  CompareTraffic(kSessionP256Known, dtls, 0.5, report);
  CountTraffic(kSessionP256Known, "session", dtls, report);
  CountTraffic(kSessionByTicket, "session", dtls, report);
}

}  // namespace keymast::bench
