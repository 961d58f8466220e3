// SPDX-License-Identifier: Apache-2.0
#include "server/join_files.h"

namespace keymast::server {

tl::expected<LoadedJoinFiles, Failure> LoadJoinFiles(const JoinFiles& files,
                                                     const mikey::OwnedIdentity& self,
                                                     mikey::IdType member_type) {
  auto credentials = std::make_shared<controller::JoinCredentials>();
  mikey::v2::Credentials& all = credentials->all;
  const auto end = credentials::Load(files, member_type, all);
  if (!end) return tl::unexpected(end.error());
  LoadedJoinFiles loaded;
  loaded.certificate_end = *end;
  all.self = self;
  credentials->trust = all.trust.Digest();
  loaded.list_end = all.trust.store().NextUpdate();
  loaded.credentials = std::move(credentials);
  return loaded;
}

}  // namespace keymast::server
