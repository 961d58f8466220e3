// SPDX-License-Identifier: Apache-2.0
// Who takes part in a storm, by number: first the entitled, then the others.
#pragma once

#include "bench/storm.h"
#include "crypto/secret.h"

namespace keymast::bench {

enum class Person : uint8_t {
  kByPsk,
  kByTicket,
  kByCertificate,
  kNoMember,  // a subscriber, and no member of the channel
  kLapsed,    // whose entitlement has ended
  kUnknown,   // of whom there is no subscriber
  kWrongKey,  // in the name of a member
  kRevoked,   // a member, whose certificate is on the list
};
inline constexpr size_t kPersons = 8;

constexpr bool IsEntitled(Person person) { return person <= Person::kByCertificate; }
constexpr bool HasCertificate(Person person) {
  return person == Person::kByCertificate || person == Person::kRevoked;
}

class People {
 public:
  explicit People(const StormPlan& plan);

  size_t size() const { return ends_[kPersons - 1]; }
  size_t entitled() const { return ends_[static_cast<size_t>(Person::kByCertificate)]; }
  Person Of(size_t number) const;
  static std::string NameOf(size_t number) { return "subscriber-" + std::to_string(number); }
  static std::string IdentityOf(size_t number) { return NameOf(number) + "@example.org"; }
  // The user key that the server has, and that who is kWrongKey does not.
  crypto::Key32 KeyOf(size_t number, bool is_servers) const;

 private:
  uint64_t seed_;
  std::array<size_t, kPersons> ends_{};
};

}  // namespace keymast::bench
