// SPDX-License-Identifier: Apache-2.0
// The published set of test vectors: one file a kind, each vector with its inputs, intermediate
// keys, octets and fields. A new kind is a list of cases and a line in VectorKinds.
#pragma once

#include <array>
#include <span>
#include <string>

#include "tools/json_view.h"

namespace keymast::tools {

// VectorCase is one vector: messages that are built and decoded in order, under keys that are
// published with them.
struct VectorCase {
  const char* name;
  const char* about;
  const char* keys;                          // lines of a key file
  std::array<const char*, 3> messages = {};  // descriptions (docs/keymast-mikey.md); null: no more
};

// VectorKind is one file of the set.
struct VectorKind {
  const char* file;
  const char* about;
  Json (*make)();               // the vectors
  Json (*parties)() = nullptr;  // whose keys and certificates all of them have; null: none
};
std::span<const VectorKind> VectorKinds();

// VectorText is the content of a file of the set; the same at every run.
std::string VectorText(const VectorKind& kind);

// The cases of each kind whose vectors are messages.
std::span<const VectorCase> PskCases();
std::span<const VectorCase> MskCases();
std::span<const VectorCase> MtkCases();
std::span<const VectorCase> VerificationCases();

// Runs of the modes of version 1, and refusals in all of them (vectors_run.h).
Json PskModeVectors();
Json PkVectors();
Json DhVectors();
Json DhhmacVectors();
Json RsarVectors();
Json ErrorVectors();

// Exchanges of version 2.
Json Version2Vectors();

// KeyDerivationVectors are inputs and outputs of the PRF (RFC 3830 §4.1).
Json KeyDerivationVectors();

}  // namespace keymast::tools
