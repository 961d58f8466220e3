// SPDX-License-Identifier: Apache-2.0
// `keymastd init`: what is missing is made, what is there is kept.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "server/master_key.h"
#include "server/open_store.h"
#include "server/program.h"
#include "store/witness.h"

namespace keymast::server {
namespace {

class InitTest : public testing::Test {
 protected:
  InitTest() {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    unsetenv("CREDENTIALS_DIRECTORY");
    config_.data = folder_ + "/data";
    config_.witness = folder_ + "/witness";
    config_.master_key.file = folder_ + "/master.key";
  }
  ~InitTest() override {
    unsetenv("CREDENTIALS_DIRECTORY");
    std::filesystem::remove_all(folder_);
  }
  // Quietly keeps what the command prints out of the test's output.
  tl::expected<void, Failure> Quietly() {
    testing::internal::CaptureStdout();
    auto made = Init(config_);
    printed_ = testing::internal::GetCapturedStdout();
    return made;
  }
  std::string ImportKey() {
    const auto given = MasterKeysOf(config_);
    EXPECT_TRUE(given);
    const auto opened = OpenStore(config_, given->list());
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    return opened ? std::string(AsText(opened->import_key.public_key)) : std::string();
  }
  // Files are names, sizes and times of everything in the folder.
  std::map<std::string, std::pair<uintmax_t, std::filesystem::file_time_type>> Files() const {
    std::map<std::string, std::pair<uintmax_t, std::filesystem::file_time_type>> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
      if (entry.is_regular_file()) {
        files[entry.path()] = {entry.file_size(), entry.last_write_time()};
      }
    }
    return files;
  }
  // Wrong is what `check` says of the first thing whose name begins so.
  std::string Wrong(const std::string& what) const {
    for (const Finding& finding : Check(config_)) {
      if (finding.what.starts_with(what)) return finding.wrong;
    }
    return "not looked at";
  }
  std::string folder_ = "/tmp/keymast-init-XXXXXX";
  ServerConfig config_;
  std::string printed_;
};

TEST_F(InitTest, MakesWhatIsMissingAndKeepsWhatIsThere) {
  config_.file = "/etc/some.toml";
  ASSERT_TRUE(Quietly());
  EXPECT_NE(printed_.find("new"), std::string::npos);
  const std::string id = MasterKeysOf(config_)->current->id();
  for (const std::string& line :
       {"master key id: " + id, std::string("keymastd run --config /etc/some.toml &"),
        std::string("keymastd check --config /etc/some.toml"), std::string("keymastctl status")}) {
    EXPECT_NE(printed_.find(line + "\n"), std::string::npos) << printed_;
  }
  const std::string import_key = ImportKey();
  EXPECT_NE(printed_.find("import key, public: " + ToHex(AsBytes(import_key)) + "\n"),
            std::string::npos);
  EXPECT_EQ(import_key.size(), 32U);
  ASSERT_TRUE(Quietly());
  EXPECT_EQ(printed_.find("new"), std::string::npos) << printed_;
  EXPECT_EQ(ImportKey(), import_key);
}

TEST_F(InitTest, TheNextStepNamesASocketThatKeymastApiWouldNotFind) {
  config_.file = "/etc/some.toml";
  config_.socket = DefaultSocket();
  ASSERT_TRUE(Quietly());
  EXPECT_NE(printed_.find("  keymast-api &\n"), std::string::npos) << printed_;
  config_.socket = folder_ + "/core.sock";
  ASSERT_TRUE(Quietly());
  EXPECT_NE(printed_.find("core_socket = \"" + config_.socket + "\""), std::string::npos)
      << printed_;
}

// What is run by hand beside the unit would be root's, and its files too.
TEST_F(InitTest, WithTheConfigurationOfTheUnitTheUnitIsNext) {
  for (const char* file : {"/etc/keymast/keymastd.toml", "/etc/keymast/../keymast/keymastd.toml"}) {
    config_.file = file;
    ASSERT_TRUE(Quietly());
    EXPECT_TRUE(printed_.ends_with(
        "next:\n  systemctl enable --now keymastd keymast-api\n  keymastctl status\n"))
        << printed_;
  }
  config_.file = "/etc/keymast/second.toml";
  ASSERT_TRUE(Quietly());
  EXPECT_EQ(printed_.find("systemctl"), std::string::npos) << printed_;
}

// Also the files of the store are as they were.
TEST_F(InitTest, DoneAgainItWritesNothing) {
  ASSERT_TRUE(Quietly());
  const auto before = Files();
  ASSERT_TRUE(Quietly());
  EXPECT_EQ(Files(), before);
}

TEST_F(InitTest, CheckFindsNothingWrongAndWritesNothing) {
  ASSERT_TRUE(Quietly());
  const auto before = Files();
  const std::string id = MasterKeysOf(config_)->current->id();
  std::string all;
  for (const Finding& finding : Check(config_)) {
    EXPECT_EQ(finding.wrong, "") << finding.what;
    all += finding.what + "\n";
  }
  EXPECT_NE(all.find("data " + config_.data + ", of master key " + id), std::string::npos) << all;
  EXPECT_EQ(Files(), before);
}

TEST_F(InitTest, CheckSaysWhatIsWrong) {
  EXPECT_NE(Wrong("master key").find("not there"), std::string::npos);
  EXPECT_NE(Wrong("data").find("keymastd init"), std::string::npos);
  EXPECT_NE(Wrong("witness").find("keymastd init"), std::string::npos);
  ASSERT_TRUE(Quietly());
  chmod(config_.data.c_str(), 0755);
  EXPECT_NE(Wrong("data").find("chmod"), std::string::npos);
  chmod(config_.data.c_str(), 0700);
  chmod(config_.master_key.file.c_str(), 0644);
  EXPECT_NE(Wrong("master key").find("0600"), std::string::npos);
  std::filesystem::remove(config_.master_key.file);
  ASSERT_TRUE(MakeMasterKey(config_.master_key.file));
  EXPECT_NE(Wrong("data").find("belongs to another master key"), std::string::npos);
  testing::internal::CaptureStdout();
  EXPECT_FALSE(PrintCheck(config_));
  EXPECT_NE(testing::internal::GetCapturedStdout().find("\nnot ok\n"), std::string::npos);
}

TEST_F(InitTest, CheckLooksAtTheSecondPlaceOfTheAuditLog) {
  ASSERT_TRUE(Quietly());
  config_.audit_sink = config_.data + "/../audit.jsonl";
  EXPECT_EQ(Wrong("audit sink"), "");
  EXPECT_FALSE(std::filesystem::exists(config_.audit_sink));
  std::ofstream(config_.audit_sink) << "";
  std::filesystem::permissions(config_.audit_sink, std::filesystem::perms(0666));
  EXPECT_EQ(Wrong("audit sink"), "others may write to it; chmod it");
  std::filesystem::permissions(config_.audit_sink, std::filesystem::perms(0640));
  EXPECT_EQ(Wrong("audit sink"), "");
  config_.audit_sink = config_.data;
  EXPECT_EQ(Wrong("audit sink"), "is neither a file nor a FIFO");
  config_.audit_sink = "/absent/audit.jsonl";
  EXPECT_NE(Wrong("audit sink").find("its folder is not there"), std::string::npos);
}

// A configuration that names both keys is right before, during and after a rotation.
TEST_F(InitTest, OneOfTwoKeysIsEnough) {
  ASSERT_TRUE(Quietly());
  const std::string import_key = ImportKey();
  config_.next_master_key = config_.master_key;
  config_.master_key.file = folder_ + "/gone.key";
  EXPECT_EQ(ImportKey(), import_key);
  std::swap(config_.next_master_key->file, config_.master_key.file);
  EXPECT_EQ(ImportKey(), import_key);
}

TEST_F(InitTest, TheNextKeyIsTheOneThatTheFileNamesNow) {
  config_.file = folder_ + "/keymastd.toml";
  const std::string next = folder_ + "/next.key";
  ASSERT_TRUE(MakeMasterKey(next));
  std::ofstream(config_.file) << "identity = \"a@b.org\"\n";
  const auto none = OpenNextMasterKey(config_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().error, Error::kFailedPrecondition);
  std::ofstream(config_.file, std::ios::app) << "[next_master_key]\nfile = \"" << next << "\"\n";
  const auto opened = OpenNextMasterKey(config_);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ((*opened)->id().size(), 16U);
}

// A key in a token is made by whoever owns the token.
TEST_F(InitTest, NoKeyIsMadeInAToken) {
  config_.master_key = {-1, "", "keymast-master-key", {"/nowhere.so", "keys", "master"}, ""};
  auto made = Quietly();
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("pin_file"), std::string::npos) << made.error().message;
  config_.master_key.pin_file = folder_ + "/pin";
  std::ofstream(config_.master_key.pin_file) << "123456\n";
  chmod(config_.master_key.pin_file.c_str(), 0644);
  made = Quietly();
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("0600"), std::string::npos) << made.error().message;
  chmod(config_.master_key.pin_file.c_str(), 0600);
  made = Quietly();
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("/nowhere.so"), std::string::npos) << made.error().message;
  EXPECT_FALSE(std::filesystem::exists(config_.data));
}

// What root writes to the store of another user that one can open no more.
TEST_F(InitTest, RootDoesNotRunOnDataOfAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  ASSERT_TRUE(Quietly());
  ASSERT_EQ(chown(config_.data.c_str(), 65534, 65534), 0);
  const auto before = Files();
  const auto run = server::Run(config_, {});
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().error, Error::kPermissionDenied);
  EXPECT_EQ(run.error().message, "data " + config_.data +
                                     ": belongs to another user (65534), who could not open what "
                                     "root writes there; run keymastd as that one");
  EXPECT_EQ(Files(), before);
}

TEST_F(InitTest, FoldersThatAreNotThereAreMade) {
  config_.data = folder_ + "/state/keymast/data";
  config_.witness = folder_ + "/state/keymast/witness";
  config_.master_key.file = folder_ + "/state/keymast/master.key";
  const auto made = Quietly();
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_FALSE(ImportKey().empty());
}

TEST_F(InitTest, AStoreIsNotOpenedWithAnotherKey) {
  ASSERT_TRUE(Quietly());
  std::filesystem::remove(config_.master_key.file);
  ASSERT_TRUE(MakeMasterKey(config_.master_key.file));
  const auto made = Quietly();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().error, Error::kWrongMasterKey);
}

// The disk that the key is on may only be away: a new one in its place would hide that.
TEST_F(InitTest, NoKeyIsMadeForDataThatAreThere) {
  ASSERT_TRUE(Quietly());
  const std::string away = folder_ + "/away.key";
  std::filesystem::rename(config_.master_key.file, away);
  const auto made = Quietly();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().error, Error::kNotFound);
  EXPECT_EQ(made.error().message,
            "master key " + config_.master_key.file + ": not there, and the data in " +
                config_.data + " can be read with no other; bring it back (is its disk there?)");
  EXPECT_FALSE(std::filesystem::exists(config_.master_key.file));
  const auto run = server::Run(config_, {});
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().message, made.error().message);
  std::filesystem::rename(away, config_.master_key.file);
  EXPECT_TRUE(Quietly());
}

TEST_F(InitTest, WithoutDataAMissingKeyIsMade) {
  const auto run = server::Run(config_, {});
  ASSERT_FALSE(run);
  EXPECT_NE(run.error().message.find("not there; `keymastd init` makes one"), std::string::npos);
  std::filesystem::create_directory(config_.data);
  std::ofstream(config_.data + "/LOCK");
  ASSERT_TRUE(Quietly());
  EXPECT_TRUE(std::filesystem::exists(config_.master_key.file));
}

// Nothing is made beside a witness that is another server's, and the reason is told first.
TEST_F(InitTest, AWitnessOfOtherDataIsToldBeforeAnythingIsMade) {
  ASSERT_TRUE(Quietly());
  const auto running = store::Witness::Open(config_.witness);
  ASSERT_TRUE(running);
  config_.data = folder_ + "/others";
  config_.master_key.file = folder_ + "/others.key";
  const auto in_use = Quietly();
  ASSERT_FALSE(in_use);
  EXPECT_EQ(in_use.error().message,
            "witness " + config_.witness +
                ": in use by another keymastd; stop that one, or give each a witness of its own");
  EXPECT_FALSE(std::filesystem::exists(config_.data));
  EXPECT_FALSE(std::filesystem::exists(config_.master_key.file));
}

TEST_F(InitTest, AWitnessThatKnowsCommitsIsToldBeforeAnythingIsMade) {
  ASSERT_TRUE(Quietly());
  {
    const auto earlier = store::Witness::Open(config_.witness);
    ASSERT_TRUE(earlier && (*earlier)->Reserve(100) && (*earlier)->CloseClean(90));
  }
  config_.data = folder_ + "/others";
  config_.master_key.file = folder_ + "/others.key";
  const auto known = Quietly();
  ASSERT_FALSE(known);
  EXPECT_EQ(known.error().error, Error::kAlreadyExists);
  EXPECT_NE(known.error().message.find("knows commits up to 90"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(config_.data));
  EXPECT_FALSE(std::filesystem::exists(config_.master_key.file));
}

// `run` would take the credential: a key file beside it would be another key.
TEST_F(InitTest, ACredentialIsUsedWithoutAKeyFile) {
  config_.master_key.file.clear();
  const std::string credential = folder_ + "/keymast-master-key";
  ASSERT_TRUE(MakeMasterKey(credential).value_or(false));
  setenv("CREDENTIALS_DIRECTORY", folder_.c_str(), 1);
  const auto made = Quietly();
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_NE(printed_.find("master key: " + credential + " (kept)"), std::string::npos) << printed_;
  EXPECT_EQ(ImportKey().size(), 32U);
}

TEST_F(InitTest, ADescriptorNeedsNoKeyFile) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const std::string key(32, 'k');
  ASSERT_EQ(write(ends[1], key.data(), key.size()), 32);
  close(ends[1]);
  config_.master_key.fd = ends[0];
  ASSERT_TRUE(Quietly());
  EXPECT_FALSE(std::filesystem::exists(config_.master_key.file));
}

}  // namespace
}  // namespace keymast::server
