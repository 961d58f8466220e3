// SPDX-License-Identifier: Apache-2.0
// Files of joins by certificate: what is taken, what is refused and in which words, and how they
// are read again.
#include "server/join_files.h"

#include <gmock/gmock.h>
#include <sodium.h>
#include <sys/stat.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>

#include "server/join_reload.h"
#include "tests/data/ec_keys.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/make_certificate.h"

namespace keymast::server {
namespace {

using crypto::CertificateRecipe;
using testing::HasSubstr;

class JoinFilesTest : public testing::Test {
 protected:
  JoinFilesTest() {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    const std::string server = Pem("CERTIFICATE", crypto::MakeCertificate(ServerRecipe()));
    files_.own.push_back({Write("server.pem", server), Write("server.key", testdata::kP256Key)});
    files_.anchors = {Write(
        "anchor.pem", Pem("CERTIFICATE", crypto::MakeCertificate(crypto::AuthorityRecipe())))};
    files_.revocation_lists = {Write("list.pem", Pem("X509 CRL", List({9})))};
    files_.pins = Write("pins", "");
  }
  ~JoinFilesTest() override { std::filesystem::remove_all(folder_); }

  static CertificateRecipe ServerRecipe() {
    CertificateRecipe recipe = crypto::EndRecipe();
    recipe.key = testdata::kP256Key;
    recipe.alt_names = "DNS:example.org";
    return recipe;
  }
  static Bytes List(std::vector<long> revoked, long until = 43200) {
    crypto::ListRecipe recipe;
    recipe.signer = testdata::kAuthorityKey;
    recipe.revoked = std::move(revoked);
    recipe.until = until;
    return crypto::MakeRevocationList(recipe);
  }
  static std::string Pem(const std::string& label, const Bytes& der) {
    std::string text(sodium_base64_ENCODED_LEN(der.size(), sodium_base64_VARIANT_ORIGINAL), 0);
    sodium_bin2base64(text.data(), text.size(), der.data(), der.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    text.pop_back();
    return "-----BEGIN " + label + "-----\n" + text + "\n-----END " + label + "-----\n";
  }
  std::string Write(const std::string& name, std::string_view text, mode_t mode = 0600) const {
    const std::string file = folder_ + "/" + name;
    std::ofstream(file, std::ios::binary) << text;
    EXPECT_EQ(chmod(file.c_str(), mode), 0);
    return file;
  }
  tl::expected<LoadedJoinFiles, Failure> Load() const {
    const mikey::OwnedIdentity self({mikey::IdType::kNai, AsBytes("bmsc@example.org")});
    return LoadJoinFiles(files_, self, mikey::IdType::kNai);
  }
  std::string Refusal() const {
    const auto loaded = Load();
    return loaded ? "nothing" : loaded.error().message;
  }
  crypto::Fingerprint Trust() const { return Load()->credentials->trust; }

  std::string folder_ = testing::TempDir() + "join-files-XXXXXX";
  JoinFiles files_;
};

TEST_F(JoinFilesTest, AreReadAsOne) {
  const auto loaded = Load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  const mikey::v2::Credentials& all = loaded->credentials->all;
  ASSERT_EQ(all.own.size(), 1U);
  EXPECT_EQ(all.own[0].key.kind(), crypto::KeyKind::kP256);
  EXPECT_EQ(all.own[0].chain.size(), 1U);
  EXPECT_EQ(AsText(all.self.data.view()), "bmsc@example.org");
  EXPECT_EQ(loaded->certificate_end, crypto::kTestNow + std::chrono::seconds(43200));
  EXPECT_EQ(loaded->list_end, crypto::kTestNow + std::chrono::seconds(43200));
}

TEST_F(JoinFilesTest, WhatIsWrongIsNamed) {
  const JoinFiles good = files_;
  const auto refused = [&](const std::string& file, const std::string& what) {
    EXPECT_THAT(Refusal(), HasSubstr(file));
    EXPECT_THAT(Refusal(), HasSubstr(what));
    files_ = good;
  };
  files_.own[0].certificates = folder_ + "/nothing.pem";
  refused("nothing.pem", "");
  files_.own[0].certificates = Write("empty.pem", "nothing");
  refused("empty.pem", "no certificates in PEM");
  files_.own[0].certificates = Write("bad.pem", Pem("CERTIFICATE", {1, 2, 3}));
  refused("bad.pem", "cannot be used");
  files_.own[0].private_key = Write("open.key", testdata::kP256Key, 0640);
  refused("open.key", "chmod 0600");
  files_.own[0].private_key = Write("other.key", testdata::kOtherP256Key);
  refused("other.key", "is not the key of the first certificate");
  files_.own[0].private_key = Write("rsa.key", testdata::kEndKey);
  refused("rsa.key", "is not the key of the first certificate");
  files_.own[0].private_key = Write("no.key", "nothing");
  refused("no.key", "no private key in PEM");
  files_.anchors = {files_.own[0].certificates};
  refused("server.pem", "is not one of an authority");
  files_.revocation_lists = {Write("list.txt", "nothing")};
  refused("list.txt", "cannot be used");
  files_.pins = Write("pins.txt", "# fine\nann@example.org 00\n");
  refused("pins.txt:2", "64 hexadecimal digits");
  EXPECT_TRUE(Load());
}

TEST_F(JoinFilesTest, ListsMayBeInDer) {
  const Bytes der = List({9});
  files_.revocation_lists = {Write("list.crl", AsText(der))};
  EXPECT_TRUE(Load());
}

TEST_F(JoinFilesTest, TrustIsWhatIsBelieved) {
  const auto before = Trust();
  Write("list.pem", Pem("X509 CRL", List({9}, 80000)));
  EXPECT_EQ(Trust(), before) << "a newer list that says the same";
  Write("list.pem", Pem("X509 CRL", List({9, 10})));
  const auto revoking = Trust();
  EXPECT_NE(revoking, before);
  Write("pins", "ann@example.org " + std::string(64, 'a') + "\r\n");
  EXPECT_NE(Trust(), revoking);
  Write("pins", "# nobody\n\n");
  EXPECT_EQ(Trust(), revoking);
  files_.anchors.clear();
  EXPECT_NE(Trust(), revoking);
}

// Reloading waits for what is read on the other thread.
struct Reloading {
  explicit Reloading(JoinReload::Load load)
      : reload(std::move(load), [this] {
          const std::lock_guard lock(mutex);
          ++woken;
          changed.notify_all();
        }) {}
  std::optional<tl::expected<LoadedJoinFiles, Failure>> Next(Instant now = crypto::kTestNow) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return woken > taken; });
    ++taken;
    return reload.Take(now);
  }
  std::mutex mutex;
  std::condition_variable changed;
  int woken = 0;
  int taken = 0;
  JoinReload reload;
};

TEST_F(JoinFilesTest, AReloadTakesAWholeSetOrNone) {
  Reloading reloading([this] { return Load(); });
  reloading.reload.Adopt(*Load());
  EXPECT_FALSE(reloading.reload.Take(crypto::kTestNow)) << "nobody asked";
  Write("list.pem", "nothing");
  reloading.reload.Start();
  EXPECT_FALSE(*reloading.Next());
  EXPECT_TRUE(reloading.reload.view().last_failed);
  EXPECT_EQ(reloading.reload.view().list_end, crypto::kTestNow + std::chrono::seconds(43200));
  Write("list.pem", Pem("X509 CRL", List({}, 80000)));
  reloading.reload.Start();
  const auto loaded = reloading.Next();
  ASSERT_TRUE(loaded && *loaded);
  reloading.reload.Adopt(**loaded);
  const JoinFilesView& view = reloading.reload.view();
  EXPECT_FALSE(view.last_failed);
  EXPECT_EQ(view.list_end, crypto::kTestNow + std::chrono::seconds(80000));
  EXPECT_EQ(view.reloads, 1U);
  EXPECT_EQ(view.failed, 1U);
}

TEST_F(JoinFilesTest, AReloadTakesNoCertificateThatHasEnded) {
  Reloading reloading([this] { return Load(); });
  reloading.reload.Start();
  const auto loaded = reloading.Next(crypto::kTestNow + std::chrono::hours(13));
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->error().error, Error::kCertificateExpired);
}

TEST_F(JoinFilesTest, WhatIsAskedForMeanwhileIsReadOnceMore) {
  Reloading reloading([this] { return Load(); });
  for (int i = 0; i < 3; ++i) reloading.reload.Start();
  EXPECT_TRUE(*reloading.Next());
  EXPECT_TRUE(*reloading.Next());
  EXPECT_FALSE(reloading.reload.Take(crypto::kTestNow));
}

}  // namespace
}  // namespace keymast::server
