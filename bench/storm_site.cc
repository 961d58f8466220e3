// SPDX-License-Identifier: Apache-2.0
#include "bench/storm_site.h"

#include <openssl/evp.h>
#include <sched.h>

#include <chrono>

#include "bench/population.h"
#include "server/config.h"
#include "shell/process.h"
#include "tests/data/ec_keys.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/make_certificate.h"

namespace keymast::bench {
namespace {

constexpr long kTenYears = 10L * 365 * 86400;
constexpr const char* kControllerUsage = "1.3.6.1.4.1.55555.7";

// One MSK and one MTK for the whole of a storm.
groups::KeyPolicy LongPolicy() {
  groups::KeyPolicy policy;
  policy.mtk_period = std::chrono::hours(1);
  policy.msk_period = std::chrono::hours(10);
  return policy;
}

crypto::CertificateRecipe Lasting(crypto::CertificateRecipe recipe) {
  recipe.from = -kTenYears;
  recipe.until = kTenYears;
  return recipe;
}

Bytes Authority() { return crypto::MakeCertificate(Lasting(crypto::AuthorityRecipe())); }

crypto::CertificateRecipe EndRecipe(std::string_view key, const std::string& names, long serial) {
  crypto::CertificateRecipe recipe = Lasting(crypto::EndRecipe());
  recipe.key = key;
  recipe.alt_names = names;
  recipe.key_usage = "critical,digitalSignature";
  recipe.serial = serial;
  return recipe;
}

long SerialOf(size_t number) { return static_cast<long>(1000 + number); }

std::string PemOf(const Bytes& der) {
  std::string text(4 * ((der.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), der.data(),
                                   static_cast<int>(der.size()));
  text.resize(static_cast<size_t>(size));
  std::string pem = "-----BEGIN CERTIFICATE-----\n";
  for (size_t at = 0; at < text.size(); at += 64) pem += text.substr(at, 64) + "\n";
  return pem + "-----END CERTIFICATE-----\n";
}

// Pin this thread, and what it starts, to the first of its processors or to the others.
void Pin(bool to_first) {
  cpu_set_t all;
  sched_getaffinity(0, sizeof all, &all);
  static const cpu_set_t allowed = all;
  cpu_set_t chosen;
  CPU_ZERO(&chosen);
  bool is_first = true;
  for (size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    if (is_first == to_first) CPU_SET(cpu, &chosen);
    is_first = false;
  }
  if (CPU_COUNT(&chosen) > 0) sched_setaffinity(0, sizeof chosen, &chosen);
}

}  // namespace

StormSite::StormSite(const StormPlan& plan, const People& people, uint16_t receivers_port)
    : scratch_("storm"), port_(FreeUdpPort()) {
  Configure(people);
  Populate(people, receivers_port);
  if (plan.pinned) Pin(true);
  keymastd_ = std::make_unique<Child>(
      std::vector<std::string>{Program("keymastd"), "run", "--config", scratch_ / "keymastd.toml"},
      scratch_ / "keymastd.log");
  if (plan.pinned) Pin(false);
  client_ = AwaitCore(scratch_ / "core.sock", *keymastd_);
}

std::string StormSite::GroupUri() { return "mikey://example.org/channel-0"; }

void StormSite::Configure(const People& people) {
  const auto path = [this](const char* name) { return "\"" + (scratch_ / name) + "\""; };
  scratch_.Write(
      "keymastd.toml",
      "identity = \"bmsc@example.org\"\nlog_level = \"warning\"\n"
      "data = " +
          path("data") + "\nwitness = " + path("witness") +
          "\nmaster_key_file = " + path("master.key") + "\nsocket = " + path("core.sock") +
          "\nmikey_listen = \"127.0.0.1:" + std::to_string(port_) + "\"\nmikeyv2.certificates = [" +
          path("server.pem") + "]\nmikeyv2.private_keys = [" + path("server.key.pem") +
          "]\nmikeyv2.anchors = [" + path("authority.pem") + "]\nmikeyv2.revocation_lists = [" +
          path("revoked.crl") + "]\n");
  crypto::CertificateRecipe server = EndRecipe(testdata::kOtherEd25519Key, "DNS:example.org", 2);
  server.extended_usage = kControllerUsage;
  scratch_.Write("server.pem", PemOf(crypto::MakeCertificate(server)));
  scratch_.Write("server.key.pem", std::string(testdata::kOtherEd25519Key));
  scratch_.Write("authority.pem", PemOf(Authority()));
  crypto::ListRecipe list;
  list.signer = testdata::kAuthorityKey;
  list.from = -kTenYears;
  list.until = kTenYears;
  for (size_t i = people.entitled(); i < people.size(); ++i) {
    if (people.Of(i) == Person::kRevoked) list.revoked.push_back(SerialOf(i));
  }
  const Bytes der = crypto::MakeRevocationList(list);
  scratch_.Write("revoked.crl", std::string(der.begin(), der.end()));
}

void StormSite::Populate(const People& people, uint16_t receivers_port) {
  crypto::SystemRng rng;
  const Instant now = shell::SystemClock().Now();
  rekey::State state = MakeState(1, 0, receivers_port, LongPolicy(), rng, now);
  channel_ = state.channels.begin()->second.channel;
  msk_ = *state.channels.begin()->second.ladder.msk;
  for (size_t i = 0; i < people.size(); ++i) {
    const Person person = people.Of(i);
    if (person == Person::kUnknown) continue;
    const groups::Subscriber subscriber{SubscriberId(People::NameOf(i)), People::IdentityOf(i), now,
                                        1};
    rekey::Apply(state, rekey::SubscriberPut{subscriber, people.KeyOf(i, true)});
    if (person == Person::kNoMember) continue;
    groups::Member member;
    member.subscriber = subscriber.id;
    member.msk_endpoint = LoopbackAddress(i, receivers_port);
    member.created = now;
    member.revision = 1;
    if (person == Person::kLapsed) member.entitled_until = now - std::chrono::hours(1);
    rekey::Apply(state, rekey::MemberPut{channel_.id, member});
  }
  WriteState(ConfigIn(scratch_), MakeMasterKeyIn(scratch_, rng), state);
}

Bytes StormSite::CertificateOf(size_t number) {
  return crypto::MakeCertificate(
      EndRecipe(testdata::kEd25519Key, "email:" + People::IdentityOf(number), SerialOf(number)));
}

std::unique_ptr<mikey::v2::Credentials> StormSite::CredentialsOf(const Bytes& certificate) {
  auto credentials = std::make_unique<mikey::v2::Credentials>();
  static const Bytes authority = Authority();
  Demand(credentials->trust.store().AddAnchor(authority).has_value(), "no anchor is taken");
  credentials->trust.set_controller_usage(kControllerUsage);
  credentials->own.push_back({crypto::TestKey(testdata::kEd25519Key), {certificate}});
  return credentials;
}

std::map<std::string, double> StormSite::Metrics() {
  core::CoreRequest request;
  request.mutable_metrics();
  const auto reply = client_->Call(request);
  Demand(reply.has_value(), "keymastd tells no metrics");
  std::map<std::string, double> values;
  for (const core::Metric& metric : reply->metrics().metrics()) {
    for (const core::Sample& sample : metric.samples()) {
      std::string name = metric.name();
      for (const auto& [label, value] : sample.labels()) name += "{" + value + "}";
      values[name] = sample.value();
    }
  }
  return values;
}

double StormSite::Resident() const { return keymastd_->Resident(); }

}  // namespace keymast::bench
