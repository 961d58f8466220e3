// SPDX-License-Identifier: Apache-2.0
// A receiver that joins a group of a controller in memory, one datagram at a time.
#pragma once

#include <gtest/gtest.h>

#include "mikey/v2/report.h"
#include "receiver/joiner.h"
#include "tests/unit/mikey/v2_directory.h"

namespace keymast::receiver {

// Keeper keeps in memory.
struct Keeper : TKeeper, TicketKeeper {
  bool Keep(const MemberTs& now) override {
    if (works) ts = now;
    return works;
  }
  bool KeepTicket(const mikey::v2::Resumption* held) override {
    if (works) ticket = held == nullptr ? std::nullopt : std::optional(*held);
    return works;
  }
  MemberTs ts;
  std::optional<mikey::v2::Resumption> ticket;
  bool works = true;
};

// Directory of a group that has features.
struct FeaturedDirectory : mikey::v2::TestDirectory {
  Result<mikey::v2::Terms> TermsFor(const mikey::v2::Asked& asked) const override {
    auto terms = TestDirectory::TermsFor(asked);
    terms->features = features;
    return terms;
  }
  Result<mikey::v2::Grant> GrantTo(const mikey::v2::Asked& asked,
                                   const mikey::v2::Choice& choice) override {
    auto grant = TestDirectory::GrantTo(asked, choice);
    if (grant && grant->contents.member) grant->contents.member->keys_t = keys_t;
    return grant;
  }
  uint32_t features = 0;
  uint32_t keys_t = 0;
};

struct JoinWorld {
  explicit JoinWorld(std::string_view modes) {
    profile.prf = mikey::PrfFunc::kHmacSha256;
    profile.encr_alg = mikey::EncrAlg::kAesCm256;
    profile.mac_alg = mikey::MacAlg::kHmacSha256_256;
    answering = mikey::v2::Policy::Default();
    answerer.emplace(crypto::DefaultSuite(), answering, others, 64, rng);
    setup = {JoinPolicy(*ParseJoinModes(modes), profile, true), {}, "mikey://example.org/tv", {}};
    Start();
  }
  // Start begins anew with what was kept.
  void Start() {
    Joiner::Party party{
        mikey::OwnedIdentity(mikey::v2::kMemberId), user_key, {{}, {}, std::nullopt}};
    joiner.emplace(crypto::DefaultSuite(), setup, party,
                   Joiner::Kept{keeper.ts, keeper, keeper.ticket, keeper});
  }
  Bytes Tick() {
    Bytes out(joiner->Room());
    step = joiner->Tick(now, rng, out);
    out.resize(step.send);
    return out;
  }
  Bytes Take(const Bytes& datagram) {
    Bytes out(joiner->Room());
    step = joiner->Receive(datagram, now, rng, out);
    out.resize(step.send);
    return out;
  }
  Bytes Ask(const Bytes& datagram) {
    Bytes out(mikey::v2::kMaxWhole);
    out.resize(answerer->Receive(datagram, AsBytes(std::string_view("r")), now, rng, out).reply);
    return out;
  }
  // Runs a join; how many steps said that keys are there.
  int Join() {
    int keys = 0;
    const Bytes cap = Tick();
    const Bytes finish = Take(Ask(cap));
    keys += step.has_keys ? 1 : 0;
    if (finish.empty()) return keys;
    Take(Ask(finish));
    return keys + (step.has_keys ? 1 : 0);
  }

  Keeper keeper;
  Instant now = mikey::v2::kStart;
  crypto::SeededRng rng{1};
  mikey::Profile3gpp profile;
  mikey::v2::Policy answering;
  FeaturedDirectory others;
  std::optional<mikey::v2::Answerer> answerer;
  crypto::Key32 user_key{mikey::v2::kPskOctets};
  JoinSetup setup;
  std::optional<Joiner> joiner;
  Joiner::Outcome step;
};

}  // namespace keymast::receiver
