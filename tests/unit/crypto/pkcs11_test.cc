// SPDX-License-Identifier: Apache-2.0
// Master keys in a token, by SoftHSM: each test has a token directory of its own.
#include "crypto/pkcs11.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "crypto/pkcs11_session.h"

namespace keymast::crypto {
namespace {

constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";
constexpr std::string_view kPin = "123456";

struct Rights {
  bool encrypts = true;
  bool wraps = true;
};

class Pkcs11 : public testing::Test {
 protected:
  Pkcs11() {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    std::filesystem::create_directory(folder_ + "/tokens");
    std::ofstream(folder_ + "/conf") << "directories.tokendir = " << folder_ << "/tokens\n"
                                     << "objectstore.backend = file\nlog.level = ERROR\n";
    setenv("SOFTHSM2_CONF", (folder_ + "/conf").c_str(), 1);
    const std::string make =
        "softhsm2-util --init-token --free --label keys --so-pin 5678 --pin 123456 >" + folder_ +
        "/said 2>&1";
    EXPECT_EQ(std::system(make.c_str()), 0) << "softhsm2 is not there, or cannot make a token";
  }
  ~Pkcs11() override { std::filesystem::remove_all(folder_); }

  // MakeKey makes a key that never leaves the token.
  static void MakeKey(const std::string& label, const std::string& id, Rights rights = {},
                      CK_ULONG size = 32) {
    const auto module = Module::Load(kModule);
    ASSERT_TRUE(module) << module.error().message;
    CK_FUNCTION_LIST& functions = (*module)->functions();
    CK_SESSION_HANDLE session = 0;
    const auto slot = (*module)->FindToken("keys");
    ASSERT_TRUE(slot) << slot.error().message;
    ASSERT_EQ(functions.C_OpenSession(*slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr,
                                      &session),
              CKR_OK);
    std::string pin(kPin);
    ASSERT_EQ(functions.C_Login(session, CKU_USER, reinterpret_cast<CK_UTF8CHAR*>(pin.data()),
                                pin.size()),
              CKR_OK);
    CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_BBOOL encrypts = rights.encrypts ? CK_TRUE : CK_FALSE;
    CK_BBOOL wraps = rights.wraps ? CK_TRUE : CK_FALSE;
    std::string name = label;
    std::string number = id;
    std::array attributes = {CK_ATTRIBUTE{CKA_TOKEN, &yes, 1},
                             CK_ATTRIBUTE{CKA_SENSITIVE, &yes, 1},
                             CK_ATTRIBUTE{CKA_EXTRACTABLE, &no, 1},
                             CK_ATTRIBUTE{CKA_ENCRYPT, &encrypts, 1},
                             CK_ATTRIBUTE{CKA_DECRYPT, &encrypts, 1},
                             CK_ATTRIBUTE{CKA_WRAP, &wraps, 1},
                             CK_ATTRIBUTE{CKA_UNWRAP, &wraps, 1},
                             CK_ATTRIBUTE{CKA_VALUE_LEN, &size, sizeof(size)},
                             CK_ATTRIBUTE{CKA_LABEL, name.data(), name.size()},
                             CK_ATTRIBUTE{CKA_ID, number.data(), number.size()}};
    CK_OBJECT_HANDLE made = 0;
    ASSERT_EQ(
        functions.C_GenerateKey(session, &mechanism, attributes.data(), attributes.size(), &made),
        CKR_OK);
    functions.C_CloseSession(session);
  }
  static tl::expected<std::unique_ptr<MasterKey>, Failure> Open(const std::string& key,
                                                                const std::string& token = "keys",
                                                                std::string_view pin = kPin) {
    return OpenTokenKey({kModule, token, key}, AsBytes(pin));
  }
  static void ExpectRefused(const tl::expected<std::unique_ptr<MasterKey>, Failure>& opened,
                            Error error, const std::string& words) {
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().error, error);
    EXPECT_NE(opened.error().message.find(words), std::string::npos) << opened.error().message;
    EXPECT_EQ(opened.error().message.find("123456"), std::string::npos) << opened.error().message;
  }
  // ExpectItWraps and opens again what it wrapped, and nothing that was changed.
  void ExpectItWraps(const MasterKey& key, uint8_t method) {
    const SecretKey<32> secret(Bytes(32, 0x5a));
    const auto wrapped = key.Wrap(secret, rng_);
    ASSERT_TRUE(wrapped) << wrapped.error().message;
    EXPECT_EQ(wrapped->front(), method);
    EXPECT_EQ(std::search(wrapped->begin(), wrapped->end(), secret.view().begin(),
                          secret.view().begin() + 8),
              wrapped->end());
    const auto opened = key.Unwrap(*wrapped);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_TRUE(*opened == secret);
    for (size_t i = 0; i < wrapped->size(); ++i) {
      Bytes changed = *wrapped;
      changed[i] ^= 0x10;
      const auto refused = key.Unwrap(changed);
      ASSERT_FALSE(refused) << "octet " << i;
      EXPECT_EQ(refused.error().error, Error::kDecryptionFailed);
    }
    for (size_t size = 0; size < wrapped->size(); ++size) {
      EXPECT_FALSE(key.Unwrap(ByteView(*wrapped).first(size))) << size;
    }
  }

  std::string folder_ = "/tmp/keymast-hsm-XXXXXX";
  SystemRng rng_;
};

TEST_F(Pkcs11, WrapsByGcm) {
  MakeKey("master", "\x01\x02\xab");
  const auto key = Open("master");
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ((*key)->id(), "0102ab");
  EXPECT_EQ((*key)->octets(), nullptr);
  ExpectItWraps(**key, 1);
  const auto by_id = Open("id:0102ab");
  ASSERT_TRUE(by_id) << by_id.error().message;
  EXPECT_EQ((*by_id)->id(), "0102ab");
}

TEST_F(Pkcs11, AKeyThatMayOnlyWrapWrapsByKeyWrap) {
  MakeKey("master", "\x01", {false, true});
  const auto key = Open("master");
  ASSERT_TRUE(key) << key.error().message;
  const auto wrapped = (*key)->Wrap(SecretKey<32>(Bytes(32, 1)), rng_);
  ASSERT_TRUE(wrapped) << wrapped.error().message;
  EXPECT_TRUE(wrapped->front() == 2 || wrapped->front() == 3);
  ExpectItWraps(**key, wrapped->front());
}

TEST_F(Pkcs11, AKeyOfWhichATokenHasAPartIsRefused) {
  std::ofstream(folder_ + "/key") << "sixteen and more\n of 32 octets.";
  const std::string import = "softhsm2-util --import " + folder_ +
                             "/key --aes --token keys --label master --id 01 --pin 123456 >" +
                             folder_ + "/said 2>&1";
  ASSERT_EQ(std::system(import.c_str()), 0);
  ExpectRefused(Open("master"), Error::kInvalidArgument, "has 17 octets");
}

TEST_F(Pkcs11, OneKeyDoesNotOpenWhatAnotherWrapped) {
  MakeKey("old", "\x01");
  MakeKey("new", "\x02");
  const auto first = Open("old");
  const auto second = Open("new");
  ASSERT_TRUE(first && second) << (first ? second : first).error().message;
  const auto wrapped = (*first)->Wrap(SecretKey<32>(Bytes(32, 1)), rng_);
  ASSERT_TRUE(wrapped);
  EXPECT_FALSE((*second)->Unwrap(*wrapped));
}

TEST_F(Pkcs11, SaysWhatIsMissing) {
  MakeKey("master", "\x01");
  MakeKey("twice", "\x02");
  MakeKey("twice", "\x03");
  MakeKey("no-id", "");
  MakeKey("no-rights", "\x04", {false, false});
  ExpectRefused(OpenTokenKey({"/nowhere.so", "keys", "master"}, AsBytes(kPin)), Error::kIo,
                "PKCS#11 module /nowhere.so: cannot be loaded");
  ExpectRefused(OpenTokenKey({"libc.so.6", "keys", "master"}, AsBytes(kPin)), Error::kIo,
                "has no functions of PKCS#11");
  ExpectRefused(Open("master", "other"), Error::kNotFound, "no token `other`; there are: keys");
  ExpectRefused(Open("master", "keys", "654321"), Error::kUnauthenticated, "wrong PIN");
  ExpectRefused(Open("none"), Error::kNotFound, "no secret key `none`");
  ExpectRefused(Open("twice"), Error::kInvalidArgument, "several secret keys `twice`");
  ExpectRefused(Open("id:0g"), Error::kInvalidArgument, "hexadecimal");
  ExpectRefused(Open("no-id"), Error::kInvalidArgument, "must have an id");
  ExpectRefused(Open("no-rights"), Error::kPermissionDenied, "CKA_WRAP");
}

TEST(LocalMasterKey, WrapsUnderItselfAlone) {
  SystemRng rng;
  const LocalMasterKey key(SecretKey<32>(Bytes(32, 1)));
  const LocalMasterKey other(SecretKey<32>(Bytes(32, 2)));
  EXPECT_EQ(key.id().size(), 16U);
  EXPECT_NE(key.id(), other.id());
  const SecretKey<32> secret(Bytes(32, 3));
  const auto wrapped = key.Wrap(secret, rng);
  ASSERT_TRUE(wrapped);
  EXPECT_TRUE(*key.Unwrap(*wrapped) == secret);
  EXPECT_EQ(other.Unwrap(*wrapped).error().error, Error::kDecryptionFailed);
}

}  // namespace
}  // namespace keymast::crypto
