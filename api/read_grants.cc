// SPDX-License-Identifier: Apache-2.0
#include "api/read_grants.h"

#include <algorithm>

#include "api/principal.h"

namespace keymast::api {
namespace {

constexpr int64_t kMostCounted = int64_t{1} << 40;
constexpr int64_t kMostAtOnce = 1'000'000;
constexpr size_t kMaxSockets = 64;
constexpr size_t kMaxChannels = 1000;  // of a principal: each call carries them to keymastd

std::string ElementOf(const char* array, size_t index) {
  return std::string(array) + "[" + std::to_string(index) + "]";
}

std::optional<Role> RoleOf(std::string_view name) {
  const auto* found = std::find_if(std::begin(kRoles), std::end(kRoles),
                                   [name](Role role) { return RoleName(role) == name; });
  return found == std::end(kRoles) ? std::nullopt : std::optional(*found);
}

// GrantReader collects the rights of every name and socket from all places of the file.
class GrantReader {
 public:
  GrantReader(shell::ConfigFile& file, ApiConfig& config) : file_(file), config_(config) {}

  void ReadSockets() {
    const size_t count = file_.Tables("sockets");
    if (count > kMaxSockets) {
      return file_.Refuse("sockets", "are too many: at most " + std::to_string(kMaxSockets));
    }
    for (size_t i = 0; i < count; ++i) ReadSocket(ElementOf("sockets", i));
  }

  void ReadPrincipals() {
    for (const Role role : kRoles) {
      const std::string key = "tls.principals." + std::string(RoleName(role));
      for (const std::string& name : file_.Strings(key)) {
        if (IsGoodName(key, name)) Add(key, names_[name], {role}, "\"" + name + "\"");
      }
    }
  }

  void ReadGrant(const std::string& at) {
    const std::string name = file_.String(at + ".name", "");
    const std::string socket = file_.String(at + ".socket", "");
    if (name.empty() == socket.empty()) {
      return file_.Refuse(at, "must have a name, of a certificate, or a socket");
    }
    Rights* rights = name.empty() ? RightsOfSocket(at, socket) : RightsOfName(at, name);
    const auto role = RoleOf(file_.String(at + ".role", ""));
    if (!role && file_.Has(at + ".role")) {
      file_.Refuse(at + ".role", std::string("must be one of ") + kRoleNames);
    } else if (!role) {
      file_.Refuse(at, std::string("must have a role: ") + kRoleNames);
    }
    Grant grant{role.value_or(Role::kViewer), ReadChannels(at, role)};
    if (rights == nullptr || !role) return;
    Add(at, *rights, std::move(grant), "\"" + (name.empty() ? socket : name) + "\"");
    ReadLimits(at, rights->limits);
  }

  // Every socket of the file must let somebody do something.
  void CheckSockets() {
    for (size_t i = 0; i < config_.sockets.size(); ++i) {
      if (!config_.sockets[i].rights.grants.empty()) continue;
      file_.Refuse(ElementOf("sockets", i), "has no role: give [[grants]] with socket = \"" +
                                                config_.sockets[i].name + "\"");
    }
  }

  std::map<std::string, Rights> TakeNames() { return std::move(names_); }

 private:
  static constexpr const char* kRoleNames = "operator, viewer, auditor, headend";

  void ReadSocket(const std::string& at) {
    SocketConfig socket;
    socket.name = file_.String(at + ".name", "");
    if (!IsChannelId(socket.name)) {
      file_.Refuse(at, "must have a name of 1 to 63 of [a-z0-9-], beginning with a letter");
    } else if (IsTaken(socket.name)) {
      file_.Refuse(at + ".name", "is taken: \"" + socket.name + "\"");
    }
    if (file_.Has(at + ".group")) {
      socket.group = file_.String(at + ".group", "");
      if (socket.group.empty()) file_.Refuse(at + ".group", "must be the name of a group");
    }
    config_.sockets.push_back(std::move(socket));
  }

  // `tls` is a listener's name, too, and the socket of keymastd may lie in the same folder.
  bool IsTaken(const std::string& name) {
    return RoleOf(name) || name == "tls" || name == "core" ||
           config_.socket_directory + "/" + name + ".sock" == config_.core_socket ||
           FindSocket(name) != nullptr;
  }

  SocketConfig* FindSocket(const std::string& name) {
    const auto found = std::find_if(config_.sockets.begin(), config_.sockets.end(),
                                    [&](const SocketConfig& other) { return other.name == name; });
    return found == config_.sockets.end() ? nullptr : &*found;
  }

  Rights* RightsOfSocket(const std::string& at, const std::string& name) {
    if (const auto role = RoleOf(name)) return &config_.socket_rights[*role];
    SocketConfig* socket = FindSocket(name);
    if (socket != nullptr) return &socket->rights;
    file_.Refuse(at + ".socket",
                 "must be a role, for its socket, or the name of one of [[sockets]]");
    return nullptr;
  }

  Rights* RightsOfName(const std::string& at, const std::string& name) {
    return IsGoodName(at + ".name", name) ? &names_[name] : nullptr;
  }

  bool IsGoodName(const std::string& key, const std::string& name) {
    if (!name.empty() && !name.starts_with(SocketPrincipal(""))) return true;
    file_.Refuse(key, "must not be empty or begin with unix:, as the names of sockets' callers do");
    return false;
  }

  void Add(const std::string& key, Rights& rights, Grant grant, const std::string& who) {
    for (const Grant& other : rights.grants) {
      if (other.role != grant.role || (other.channels && grant.channels)) continue;
      return file_.Refuse(key, "is of no use: " + who + " has role " +
                                   std::string(RoleName(grant.role)) +
                                   " in another place, and one of the two is for all channels");
    }
    rights.grants.push_back(std::move(grant));
    size_t channels = 0;
    for (const Grant& one : rights.grants) {
      channels += one.channels ? one.channels->patterns().size() : 0;
    }
    if (channels > kMaxChannels) {
      file_.Refuse(key, "makes the channels that " + who + " may touch more than " +
                            std::to_string(kMaxChannels));
    }
  }

  std::optional<ChannelSet> ReadChannels(const std::string& at, std::optional<Role> role) {
    const std::string key = at + ".channels";
    if (!file_.Has(key)) return std::nullopt;
    ChannelSet channels;
    for (const std::string& pattern : file_.Strings(key)) {
      if (!channels.Add(pattern)) {
        file_.Refuse(key, "has \"" + pattern +
                              "\": must be ids of channels, as \"one\", or how they begin, as "
                              "\"studio-a-*\"");
      }
    }
    const size_t count = channels.patterns().size();
    if (count == 0 || count > kMaxChannels) {
      file_.Refuse(key, "must name 1 to " + std::to_string(kMaxChannels) +
                            " channels; leave it out for all of them");
    }
    if (role == Role::kHeadend) {
      file_.Refuse(key,
                   "is not for role headend: a headend has the channels that it was created "
                   "with");
    }
    return channels;
  }

  // A limit is of the principal, whichever of its grants has it.
  void ReadLimit(const std::string& key, uint64_t& limit, int64_t most) {
    if (!file_.Has(key)) return;
    if (limit != 0) file_.Refuse(key, "is given twice: it is of all that this principal may");
    limit = static_cast<uint64_t>(file_.Integer(key, 1, 1, most));
  }

  void ReadLimits(const std::string& at, Limits& limits) {
    const std::string quota = at + ".quota.";
    ReadLimit(quota + "channels", limits.channels, kMostCounted);
    ReadLimit(quota + "members", limits.members, kMostCounted);
    ReadLimit(quota + "watches", limits.watches, kMostAtOnce);
    if (file_.Has(quota + "burst") && !file_.Has(quota + "requests_per_second")) {
      file_.Refuse(quota + "burst", "needs quota.requests_per_second beside it");
    }
    ReadLimit(quota + "requests_per_second", limits.requests_per_second, kMostAtOnce);
    ReadLimit(quota + "burst", limits.burst, kMostAtOnce);
    if (limits.burst == 0) limits.burst = limits.requests_per_second;
  }

  shell::ConfigFile& file_;
  ApiConfig& config_;
  std::map<std::string, Rights> names_;
};

}  // namespace

std::map<std::string, Rights> ReadGrants(shell::ConfigFile& file, ApiConfig& config) {
  GrantReader reader(file, config);
  reader.ReadSockets();
  reader.ReadPrincipals();
  const size_t count = file.Tables("grants");
  for (size_t i = 0; i < count; ++i) reader.ReadGrant(ElementOf("grants", i));
  reader.CheckSockets();
  return reader.TakeNames();
}

}  // namespace keymast::api
