// SPDX-License-Identifier: Apache-2.0
// Files as a whole: secrets, state that must outlive a crash, what users name.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace keymast::shell {

// ReadSecretFile reads a file that only its owner may read (mode & 077 must be 0) of at most
// out.size() octets, and returns how many. kPermissionDenied, kNotFound, kTooLong, kIo. The caller
// wipes what it gets.
Result<size_t> ReadSecretFile(const std::string& path, MutableBytes out);
// ReadCredentialFile reads one that a service manager or a cluster gave to this program alone,
// whose group may read it: an access list for a user shows as that in the mode, and a cluster lets
// its pod read by group (mode & 037 must be 0).
Result<size_t> ReadCredentialFile(const std::string& path, MutableBytes out);
// WriteSecretFile creates a new file of mode 0600, synced; kAlreadyExists when there is one.
Status WriteSecretFile(const std::string& path, ByteView octets);

// SyncFolderOf makes the name of a file as durable as what is in it.
Status SyncFolderOf(const std::string& path);

// MakeFolder makes a folder that only its owner can look into, with those above it; one that is
// there stays as it is. kIo, with what the system says.
tl::expected<void, Failure> MakeFolder(const std::string& path);

// FollowLinks gives the file that a path leads to; the path itself where there is none yet.
std::string FollowLinks(const std::string& path);
// ReadFile reads a file of at most `limit` octets. kNotFound, kPermissionDenied, kTooLong,
// kIo.
Result<std::string> ReadFile(const std::string& path, size_t limit);
// WhyNot says in words why ReadFile could not.
std::string WhyNot(Error error);
// ReplaceStateFile makes `text` the content of `path`, also after a crash: a new file of mode 0600
// beside it, synced, renamed over it, folder synced. A symbolic link stays one: what it leads to is
// replaced. After kNoSpace, kPermissionDenied or kIo the old file stands, or the new one.
Status ReplaceStateFile(const std::string& path, std::string_view text);

}  // namespace keymast::shell
