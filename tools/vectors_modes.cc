// SPDX-License-Identifier: Apache-2.0
// Which runs are published.
#include "tools/vectors.h"
#include "tools/vectors_run.h"

namespace keymast::tools {
namespace {

using mikey::Cache;
using mikey::Mode;

constexpr RunCase kPsk[] = {
    {.name = "default", .about = "Pre-shared key, the default algorithms", .mode = Mode::kPsk},
    {.name = "legacy",
     .about = "Pre-shared key, the algorithms that RFC 3830 demands",
     .mode = Mode::kPsk,
     .legacy = true},
    {.name = "counter",
     .about = "Pre-shared key, T is a COUNTER",
     .mode = Mode::kPsk,
     .counter = true},
};

constexpr RunCase kPk[] = {
    {.name = "default", .about = "Public key, the default algorithms", .mode = Mode::kPk},
    {.name = "legacy",
     .about = "Public key, the algorithms that RFC 3830 demands",
     .mode = Mode::kPk,
     .legacy = true},
    {.name = "cached",
     .about = "Public key; the envelope key is kept, so updates are PSK messages under it; CHASH",
     .mode = Mode::kPk,
     .cache = Cache::kCache,
     .chash = true},
    {.name = "legacy_cached",
     .about = "Public key with SHA-1; the envelope key is kept for this bundle",
     .mode = Mode::kPk,
     .legacy = true,
     .cache = Cache::kForCsb},
};

constexpr RunCase kDh[] = {
    {.name = "default", .about = "Diffie-Hellman, the default algorithms", .mode = Mode::kDh},
    {.name = "legacy",
     .about = "Diffie-Hellman, the algorithms that RFC 3830 demands",
     .mode = Mode::kDh,
     .legacy = true},
};

constexpr RunCase kDhhmac[] = {
    {.name = "default",
     .about = "Diffie-Hellman under a pre-shared key, the default algorithms",
     .mode = Mode::kDhhmac},
    {.name = "legacy",
     .about = "Diffie-Hellman under a pre-shared key, the algorithms that RFC 4650 demands",
     .mode = Mode::kDhhmac,
     .legacy = true},
    {.name = "counter",
     .about = "Diffie-Hellman under a pre-shared key, T is a COUNTER",
     .mode = Mode::kDhhmac,
     .counter = true},
};

constexpr RunCase kRsar[] = {
    {.name = "default",
     .about = "RSA in reverse for one peer, the default algorithms",
     .mode = Mode::kRsar,
     .updates = false},
    {.name = "legacy",
     .about = "RSA in reverse for one peer, the algorithms that RFC 3830 demands",
     .mode = Mode::kRsar,
     .legacy = true,
     .updates = false},
    {.name = "rand_of_responder",
     .about = "RSA in reverse for one peer; the request has no RAND, so the answer has one",
     .mode = Mode::kRsar,
     .sends_rand = false,
     .updates = false},
    {.name = "cached",
     .about = "RSA in reverse; the envelope key is kept, for updates by the Responder",
     .mode = Mode::kRsar,
     .cache = Cache::kForCsb,
     .updates = false},
    {.name = "group",
     .about = "RSA in reverse for a group; TEKs follow from the group's CSB ID and RAND",
     .mode = Mode::kRsar,
     .group = true,
     .updates = false},
    {.name = "legacy_group",
     .about = "RSA in reverse for a group, with SHA-1",
     .mode = Mode::kRsar,
     .legacy = true,
     .group = true,
     .updates = false},
};

constexpr RunCase kErrors[] = {
    {.name = "psk", .about = "PSK: proven by V", .mode = Mode::kPsk, .fault = Fault::kPolicy},
    {.name = "psk_legacy",
     .about = "PSK with SHA-1: proven by V",
     .mode = Mode::kPsk,
     .legacy = true,
     .fault = Fault::kPolicy},
    {.name = "pk",
     .about = "PK: proven by V under the envelope key",
     .mode = Mode::kPk,
     .fault = Fault::kPolicy},
    {.name = "pk_legacy",
     .about = "PK with SHA-1: proven by V under the envelope key",
     .mode = Mode::kPk,
     .legacy = true,
     .fault = Fault::kPolicy},
    {.name = "dh", .about = "DH: proven by SIGN", .mode = Mode::kDh, .fault = Fault::kPolicy},
    {.name = "dh_legacy",
     .about = "DH with SHA-1: proven by SIGN",
     .mode = Mode::kDh,
     .legacy = true,
     .fault = Fault::kPolicy},
    {.name = "dhhmac",
     .about = "DHHMAC: proven by V",
     .mode = Mode::kDhhmac,
     .fault = Fault::kPolicy},
    {.name = "dhhmac_legacy",
     .about = "DHHMAC with SHA-1: proven by V",
     .mode = Mode::kDhhmac,
     .legacy = true,
     .fault = Fault::kPolicy},
    {.name = "rsar",
     .about = "RSA-R: proven by SIGN",
     .mode = Mode::kRsar,
     .fault = Fault::kPolicy},
    {.name = "rsar_legacy",
     .about = "RSA-R with SHA-1: proven by SIGN",
     .mode = Mode::kRsar,
     .legacy = true,
     .fault = Fault::kPolicy},
    {.name = "another_key",
     .about = "The Responder has another pre-shared key: a hint without proof",
     .mode = Mode::kPsk,
     .fault = Fault::kSharedKey},
    {.name = "another_mode",
     .about = "The Responder does not speak the mode: a hint without proof",
     .mode = Mode::kDhhmac,
     .legacy = true,
     .fault = Fault::kMode},
    {.name = "another_time",
     .about = "The Responder's clock is an hour ahead: a hint without proof",
     .mode = Mode::kPsk,
     .legacy = true,
     .fault = Fault::kTime},
};

Json VectorsOf(std::span<const RunCase> cases) {
  Json vectors = Json::array();
  for (const RunCase& one : cases) vectors.push_back(VectorOf(one));
  return vectors;
}

}  // namespace

Json PskModeVectors() { return VectorsOf(kPsk); }
Json PkVectors() { return VectorsOf(kPk); }
Json DhVectors() { return VectorsOf(kDh); }
Json DhhmacVectors() { return VectorsOf(kDhhmac); }
Json RsarVectors() { return VectorsOf(kRsar); }
Json ErrorVectors() { return VectorsOf(kErrors); }

}  // namespace keymast::tools
