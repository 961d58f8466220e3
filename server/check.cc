// SPDX-License-Identifier: Apache-2.0
// `keymastd check`: what a start would find, without starting.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "server/open_store.h"
#include "server/program.h"
#include "shell/process.h"

namespace keymast::server {
namespace {

// CheckOwned wants what only its owner, this user or root, can change.
std::string CheckOwned(const std::string& path, mode_t forbidden) {
  struct stat about {};
  if (stat(path.c_str(), &about) != 0) return "not there; `keymastd init` makes it";
  if (about.st_uid != geteuid() && about.st_uid != 0) {
    return "belongs to another user; run keymastd as that one, or chown it";
  }
  if ((about.st_mode & forbidden) != 0) return "others may change it or look into it; chmod it";
  return {};
}

Finding CheckKey(const std::string& what, const MasterKeySource& source, const std::string& file,
                 std::unique_ptr<crypto::MasterKey>& key) {
  Finding finding{what + " " + NameOf(source, file), {}};
  auto opened = OpenMasterKey(source, file);
  if (!opened) {
    finding.wrong = opened.error().message;
    return finding;
  }
  key = std::move(*opened);
  finding.what += ", id " + key->id();
  return finding;
}

Finding CheckData(const ServerConfig& config, const GivenMasterKeys& given) {
  Finding finding{"data " + config.data, CheckOwned(config.data, 077)};
  if (!finding.wrong.empty() || given.list().empty()) return finding;
  const auto meta = PeekMeta(config, given.list());
  if (!meta) {
    finding.wrong = meta.error().message;
  } else if (!*meta) {
    finding.wrong = "holds nothing yet; `keymastd init` makes it";
  } else {
    finding.what += ", of master key " + (*meta)->in_use.master_key_id;
    if ((*meta)->left) {
      finding.what += " (being rotated from " + (*meta)->left->master_key_id + ")";
    }
  }
  return finding;
}

// CheckSink: records can be appended there; a file may be made by the start.
Finding CheckSink(const std::string& path) {
  Finding finding{"audit sink " + path, {}};
  struct stat about {};
  const bool is_there = stat(path.c_str(), &about) == 0;
  const auto folder = std::filesystem::path(path).parent_path();
  const std::string place = is_there ? path : folder.empty() ? "." : folder.string();
  if (is_there && !S_ISREG(about.st_mode) && !S_ISFIFO(about.st_mode)) {
    finding.wrong = "is neither a file nor a FIFO";
  } else if (access(place.c_str(), !is_there                ? W_OK | X_OK
                                   : S_ISREG(about.st_mode) ? R_OK | W_OK
                                                            : W_OK) != 0) {
    finding.wrong = "cannot be read and written by this user, or its folder is not there";
  } else if (is_there && (about.st_mode & 022) != 0) {
    finding.wrong = "others may write to it; chmod it";
  }
  return finding;
}

Finding CheckCertificates(const ServerConfig& config) {
  Finding finding{"certificates", {}};
  const mikey::OwnedIdentity self({config.profile.idi_type, AsBytes(config.identity)});
  const auto loaded = LoadJoinFiles(config.join_files, self, config.profile.idr_type);
  if (!loaded) {
    finding.wrong = loaded.error().message;
  } else if (loaded->certificate_end <= shell::SystemClock().Now()) {
    finding.wrong = "this server's certificate has ended; renew it";
  }
  return finding;
}

}  // namespace

std::vector<Finding> Check(const ServerConfig& config) {
  std::vector<Finding> findings;
  GivenMasterKeys given;
  findings.push_back(
      CheckKey("master key", config.master_key, DefaultMasterKeyFile(), given.current));
  if (config.next_master_key) {
    findings.push_back(CheckKey("next master key", *config.next_master_key, {}, given.next));
  }
  findings.push_back(CheckData(config, given));
  findings.push_back({"witness " + config.witness, CheckOwned(config.witness, 022)});
  const auto folder = std::filesystem::path(config.socket).parent_path();
  // `run` makes the folder when it is not there.
  if (std::filesystem::exists(folder)) {
    findings.push_back({"socket folder " + folder.string(), CheckOwned(folder, S_IWOTH)});
  }
  if (!config.audit_sink.empty()) findings.push_back(CheckSink(config.audit_sink));
  if (!config.join_files.own.empty()) findings.push_back(CheckCertificates(config));
  return findings;
}

bool PrintCheck(const ServerConfig& config) {
  bool is_good = true;
  for (const Finding& finding : Check(config)) {
    is_good = is_good && finding.wrong.empty();
    std::printf("%s: %s\n", finding.what.c_str(),
                finding.wrong.empty() ? "ok" : finding.wrong.c_str());
  }
  std::printf("%s\n", is_good ? "ok" : "not ok");
  return is_good;
}

}  // namespace keymast::server
