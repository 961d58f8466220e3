// SPDX-License-Identifier: Apache-2.0
// A receiver of libkeymast-receiver-certificates, without user key, and a server with certificates.
#pragma once

#include <keymast/receiver_x509.h>
#include <openssl/evp.h>

#include "tests/unit/mikey/v2_credentials.h"
#include "tests/unit/receiver/full/full_world.h"

namespace keymast::receiver::library {

using crypto::KeyKind;

inline std::string Pem(const Bytes& der, const std::string& label = "CERTIFICATE") {
  std::string text(4 * (der.size() / 3 + 1) + 1, '\0');
  text.resize(static_cast<size_t>(EVP_EncodeBlock(reinterpret_cast<uint8_t*>(text.data()),
                                                  der.data(), static_cast<int>(der.size()))));
  for (size_t at = 64; at < text.size(); at += 65) text.insert(at, "\n");
  return "-----BEGIN " + label + "-----\n" + text + "\n-----END " + label + "-----\n";
}

inline crypto::CertificateRecipe ServerRecipe(KeyKind kind) {
  crypto::CertificateRecipe recipe = mikey::v2::PeerRecipe(kind);
  recipe.alt_names = "DNS:bc.example.org";
  return recipe;
}

// What an owner is made of, as texts that live as long.
struct OwnerFiles {
  explicit OwnerFiles(const crypto::CertificateRecipe& recipe)
      : certificates(Pem(crypto::MakeCertificate(recipe))),
        key(recipe.key),
        anchors(Pem(crypto::MakeCertificate(crypto::AuthorityRecipe()))) {
    settings.controller_usage = mikey::v2::kControllerUsage;
  }
  keymast_reason Make(keymast_x509** made) {
    settings.certificates = COctets(AsBytes(certificates));
    settings.private_key = COctets(AsBytes(key));
    settings.anchors = COctets(AsBytes(anchors));
    settings.known = COctets(AsBytes(known));
    settings.revocation_lists = COctets(AsBytes(lists));
    return keymast_x509_new(&settings, made);
  }
  std::string certificates;
  std::string key;
  std::string anchors;
  std::string known;
  std::string lists;
  keymast_x509_settings settings{};
};

// CertificatesWorld joins by certificate alone. The owner of the receiver's sees the world's clock.
class CertificatesWorld : public FullWorld {
 public:
  CertificatesWorld(std::initializer_list<Mode> served, KeyKind kind)
      : CertificatesWorld(served, mikey::v2::MemberRecipe(kind), ServerRecipe(kind)) {}
  CertificatesWorld(std::initializer_list<Mode> served,
                    const crypto::CertificateRecipe& member_recipe,
                    const crypto::CertificateRecipe& server_recipe)
      : FullWorld(served), pair_(member_recipe, server_recipe), files_(member_recipe) {
    now_ = static_cast<uint64_t>(
        std::chrono::floor<std::chrono::milliseconds>(crypto::kTestNow.time_since_epoch()).count());
    answerer_.set_credentials(&pair_.peer);
    files_.settings.unix_time = [](void* user) {
      return static_cast<int64_t>(*static_cast<uint64_t*>(user) / 1000);
    };
    files_.settings.user = &now_;
    MakeOwner();
    member_.user_key = {};
    StartAnew();
  }
  ~CertificatesWorld() { keymast_x509_free(owner_); }
  CertificatesWorld(const CertificatesWorld&) = delete;
  CertificatesWorld& operator=(const CertificatesWorld&) = delete;

  // MakeOwner of what the files are; where a context has the one before, start it anew.
  void MakeOwner() {
    keymast_x509_free(owner_);
    ASSERT_EQ(files_.Make(&owner_), KEYMAST_OK);
    certificates_ = *keymast_x509_certificates(owner_);
    member_.certificates = &certificates_;
  }
  void StartAnew() {
    keymast_receiver_wipe(context_.get());
    ASSERT_EQ(Start(), KEYMAST_OK);
  }
  // ShowHashes: each side has the other's certificate.
  void ShowHashes() {
    pair_.peer.shown = mikey::v2::Shown::kHash;
    const Status known = pair_.peer.trust.Know(kSelf, pair_.member.own[0].chain);
    ASSERT_TRUE(known);
    files_.known = Pem(pair_.peer.own[0].chain[0]);
    files_.settings.shown_by_hash = 1;
    MakeOwner();
    StartAnew();
  }
  // Answer of the server to the CAP that joins, behind RETRY where it asks for FRESH.
  Bytes AnswerToJoin() {
    EXPECT_EQ(Join(0, kUri), KEYMAST_OK);
    Bytes answer = ToServer(Take().sent.at(0));
    while (TypeOf(answer) == kRetry) {
      EXPECT_EQ(Receive(answer), KEYMAST_OK);
      answer = ToServer(Take().sent.at(0));
    }
    return answer;
  }

  static constexpr uint8_t kRetry = 250;
  mikey::v2::Pair pair_;
  OwnerFiles files_;
  keymast_x509* owner_ = nullptr;
  keymast_certificates certificates_{};
};

}  // namespace keymast::receiver::library
