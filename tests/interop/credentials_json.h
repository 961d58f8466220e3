// SPDX-License-Identifier: Apache-2.0
// Certificates of a party as tests hand them over: JSON, DER in hexadecimal.
#pragma once

#include <nlohmann/json.hpp>

#include "mikey/v2/credentials.h"

namespace keymast::mikey::v2 {

inline Bytes Unhex(const nlohmann::json& text) {
  Bytes octets;
  KEYMAST_CHECK(FromHex(text.get<std::string>(), octets));
  return octets;
}

inline CertificateChain ChainOf(const nlohmann::json& certificates) {
  CertificateChain chain;
  for (const nlohmann::json& certificate : certificates) chain.push_back(Unhex(certificate));
  return chain;
}

inline Shown ShownBy(const std::string& how) {
  if (how == "cert") return Shown::kCertificates;
  return how == "chash" ? Shown::kHash : Shown::kNothing;
}

// KnowNamed takes what `json["known"]` has of the identities.
inline void KnowNamed(const nlohmann::json& json, std::span<const Identity> identities,
                      Trust& trust) {
  for (const Identity& identity : identities) {
    const std::string name(AsText(identity.data));
    if (!json.at("known").contains(name)) continue;
    KEYMAST_CHECK(trust.Know(identity, ChainOf(json.at("known").at(name))).has_value());
  }
}

// CredentialsOf a party that knows of `others`.
inline Credentials CredentialsOf(const nlohmann::json& json, const Identity& self,
                                 std::span<const Identity> others) {
  Credentials all;
  for (const nlohmann::json& own : json.at("own")) {
    auto key = crypto::PrivateKey::FromDer(Unhex(own.at("key")));
    KEYMAST_CHECK(key.has_value());
    all.own.push_back({*std::move(key), ChainOf(own.at("chain"))});
  }
  all.shown = ShownBy(json.at("show"));
  all.self = OwnedIdentity(self);
  for (const nlohmann::json& anchor : json.at("anchors")) {
    KEYMAST_CHECK(all.trust.store().AddAnchor(Unhex(anchor)).has_value());
  }
  for (const nlohmann::json& list : json.at("revocations")) {
    KEYMAST_CHECK(all.trust.store().AddRevocationList(Unhex(list)).has_value());
  }
  all.trust.set_controller_usage(json.at("usage"));
  KnowNamed(json, others, all.trust);
  return all;
}

}  // namespace keymast::mikey::v2
