// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/oom/operation.h"

namespace keymast::oom {
namespace {

using controller::EndpointOf;
using controller::Mode;
using controller::Receiver;
using mikey::v2::ReportKind;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr uint32_t kFeatures = controller::kMskMessages | mikey::v2::kTicketFeature;
const Endpoint kStranger = *ParseEndpoint("10.9.9.9:2271");

// Arriving is the coming of a datagram. What is said to its sender rests on what it changed.
Operation::Act Arriving(const Endpoint& from, const Bytes& octets) {
  EXPECT_FALSE(octets.empty());
  return [from, octets](Trial& lit) {
    const Bytes before = lit.Answer(from);
    lit.Arrive(from, octets);
    lit.Settle();
    if (lit.Answer(from) != before) lit.Promised();
  };
}

// Same makes what those outside draw the same in each trial, so that its server does the same.
void Same(const House& house) { *house.world().rng = crypto::SeededRng(11); }

// A receiver lives as long as what it does.
std::shared_ptr<Receiver> ReceiverOf(const House& house, int member, Mode mode) {
  static const mikey::v2::Credentials kOwn =
      controller::CredentialsOf(controller::CertificateOf(3));
  Same(house);
  const bool has_certificate = mode == Mode::kDh || mode == Mode::kEarlyDh || mode == Mode::kRsa;
  return std::make_shared<Receiver>(house.world(), member, mode, kFeatures,
                                    has_certificate ? &kOwn : nullptr);
}

// Exchanged hands a datagram over and gives what the receiver makes of the answer.
Bytes Exchanged(Trial& trial, Receiver& receiver, const Bytes& datagram) {
  trial.Arrive(receiver.address, datagram);
  EXPECT_TRUE(trial.Settle());
  const Bytes answer = trial.Answer(receiver.address);
  EXPECT_FALSE(answer.empty());
  return receiver.Take(answer);
}

void AddJoins(std::vector<Operation>& all, Mode mode, const std::string& name) {
  all.push_back({"CAP of " + name, [mode](Trial& trial) {
                   const auto receiver = ReceiverOf(trial.house(), 3, mode);
                   return Arriving(receiver->address, receiver->Cap());
                 }});
  all.push_back({"finish of " + name, [mode](Trial& trial) {
                   const auto receiver = ReceiverOf(trial.house(), 3, mode);
                   const Bytes finish = Exchanged(trial, *receiver, receiver->Cap());
                   return Arriving(receiver->address, finish);
                 }});
}

// Verification is s2's answer to the MSK that the start sends it again.
Bytes Verification(Trial& trial) {
  controller::FakeMember member = trial.house().world().members.at(2);
  member.answers = true;
  for (const Post& post : trial.sent()) {
    if (post.at == EndpointOf(2)) return member.Take(post.octets);
  }
  return {};
}

Operation::Act Verified(Trial& trial) { return Arriving(EndpointOf(2), Verification(trial)); }

Operation::Act Forged(Trial& trial) {
  Bytes octets = Verification(trial);
  if (!octets.empty()) octets.back() ^= 1;
  return Arriving(EndpointOf(2), octets);
}

Operation::Act Nonsense(Trial&) { return Arriving(kStranger, Bytes{1, 2, 3, 4, 5, 6, 7, 8}); }
Operation::Act Nonsense2(Trial&) { return Arriving(kStranger, Bytes(40, mikey::kVersion2)); }

Operation::Act CapAgain(Trial& trial) {
  const auto receiver = ReceiverOf(trial.house(), 3, Mode::kPsk);
  const Bytes cap = receiver->Cap();
  Exchanged(trial, *receiver, cap);
  return Arriving(receiver->address, cap);
}

Operation::Act CapOfNothing(Trial& trial) {
  const auto receiver = ReceiverOf(trial.house(), 3, Mode::kPsk);
  return Arriving(receiver->address, receiver->Cap("mikey://example.org/nothing"));
}

Operation::Act CapWithTicket(Trial& trial) {
  const auto receiver = ReceiverOf(trial.house(), 4, Mode::kPsk);
  receiver->resume = &trial.house().ticket();
  return Arriving(receiver->address, receiver->Cap());
}

// Crowd uses up what strangers have without a cookie; one of them is s1.
void Crowd(Trial& trial) {
  for (int i = 0; i < 2; ++i) {
    trial.Arrive(kStranger, ReceiverOf(trial.house(), 1, Mode::kPsk)->Cap());
    EXPECT_TRUE(trial.Settle());
  }
}

Operation::Act CapInACrowd(Trial& trial) {
  Crowd(trial);
  const auto receiver = ReceiverOf(trial.house(), 3, Mode::kPsk);
  return Arriving(receiver->address, receiver->Cap());
}

Operation::Act CapWithCookie(Trial& trial) {
  Crowd(trial);
  const auto receiver = ReceiverOf(trial.house(), 3, Mode::kPsk);
  return Arriving(receiver->address, Exchanged(trial, *receiver, receiver->Cap()));
}

// Reported is a REPORT of s4, as the first one since it joined.
Operation::Act Reported(Trial& trial, ReportKind kind,
                        std::optional<mikey::v2::Digest> told_by = {}) {
  controller::Reporter& reporter = trial.house().reporter();
  Same(trial.house());
  const uint32_t t = reporter.t;
  const Bytes report = reporter.Write(kind, told_by);
  reporter.t = t;
  return Arriving(reporter.address, report);
}

Operation::Act Missing(Trial& trial) { return Reported(trial, ReportKind::kMissing); }
Operation::Act Leaving(Trial& trial) { return Reported(trial, ReportKind::kLeave); }

// The start sends s4 KEYS with the MSK that is new since its join.
Operation::Act Acknowledged(Trial& trial) {
  const Bytes keys = trial.Answer(EndpointOf(4));
  EXPECT_FALSE(keys.empty());
  return Reported(trial, ReportKind::kAcknowledge, crypto::Sha256(keys));
}

Operation::Act MissingAgain(Trial& trial) {
  const Operation::Act missing = Missing(trial);
  missing(trial);
  return missing;
}

// Passing lets time go by in strides; the server looks up after each.
Operation Passing(std::string name, Duration before, Duration stride, int strides) {
  return {std::move(name), [=](Trial& trial) -> Operation::Act {
            trial.Pass(before);
            EXPECT_TRUE(trial.Settle());
            return [=](Trial& lit) {
              for (int i = 0; i < strides; ++i) {
                lit.Pass(stride);
                if (!lit.Settle()) return;
              }
            };
          }};
}

}  // namespace

std::vector<Operation> Datagrams(const House&) {
  std::vector<Operation> all = {{"verification", Verified},
                                {"verification with a wrong MAC", Forged},
                                {"nonsense of version 1", Nonsense},
                                {"nonsense of version 2", Nonsense2},
                                {"CAP that comes again", CapAgain},
                                {"CAP of no channel", CapOfNothing},
                                {"CAP with a ticket", CapWithTicket},
                                {"CAP in a crowd", CapInACrowd},
                                {"CAP with a cookie", CapWithCookie},
                                {"REPORT of missing keys", Missing},
                                {"REPORT that comes again", MissingAgain},
                                {"REPORT of leaving", Leaving},
                                {"REPORT that acknowledges", Acknowledged}};
  AddJoins(all, Mode::kPsk, "PSK");
  AddJoins(all, Mode::kDhhmac, "DHHMAC");
  AddJoins(all, Mode::kEarlyDhhmac, "early DHHMAC");
  AddJoins(all, Mode::kDh, "DH");
  AddJoins(all, Mode::kEarlyDh, "early DH");
  return all;
}

std::vector<Operation> Instants(const House&) {
  return {Passing("MTKs change", {}, seconds(5), 3),
          Passing("entitlement ends", minutes(5), minutes(2), 1),
          Passing("MSK changes", minutes(57), minutes(2), 2),
          Passing("schedule", 23 * kHour, kHour, 1)};
}

}  // namespace keymast::oom
