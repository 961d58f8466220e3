// SPDX-License-Identifier: Apache-2.0
// keymast-bench-echo SOCKET: stands where keymastd would, on the same socket with the same framing,
// and answers every call at once. It has no core and no store: the floor of the admin benchmark.
#include <cstdio>

#include "server/clients.h"

namespace {

using keymast::server::ClientId;
using keymast::server::Clients;

// What keymastd answers is longer than what it was asked: times, etag and state come on top.
void Fill(const keymast::v1::CreateMemberRequest& request, const std::string& parent,
          keymast::v1::Member& member) {
  member.set_name(parent + "/members/" + request.member_id());
  member.set_msk_endpoint(request.member().msk_endpoint());
  member.set_reachability(keymast::v1::IDLE);
  member.mutable_create_time()->set_seconds(1'700'000'000);
  member.mutable_create_time()->set_nanos(1);
  member.set_etag("1");
}

void Answer(const keymast::core::CoreRequest& request, keymast::core::CoreReply& reply) {
  if (request.has_create_member()) {
    Fill(request.create_member(), request.create_member().parent(), *reply.mutable_member());
  } else if (request.has_batch_create_members()) {
    for (const auto& one : request.batch_create_members().requests()) {
      Fill(one, request.batch_create_members().parent(),
           *reply.mutable_batch_create_members()->add_members());
    }
  } else if (request.has_get_server_status()) {
    reply.mutable_server_status()->set_store_state(keymast::v1::OPEN);
  } else {
    reply.mutable_error()->set_reason("not_found");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s SOCKET\n", argv[0]);
    return 2;
  }
  const int termination = keymast::shell::TerminationFd();
  const keymast::shell::SystemClock clock;
  keymast::server::Loop loop(clock);
  Clients* out = nullptr;
  Clients clients(
      loop,
      [&out](ClientId client, keymast::core::CoreRequest& request) {
        keymast::core::CoreReply reply;
        Answer(request, reply);
        out->Send({client, request.call()}, reply, true);
      },
      [](ClientId) {});
  out = &clients;
  if (!clients.Listen(argv[1])) {
    std::fprintf(stderr, "%s: cannot listen on %s\n", argv[0], argv[1]);
    return 1;
  }
  bool ended = false;
  loop.Watch(termination, EPOLLIN, [&ended](uint32_t) { ended = true; });
  while (!ended) loop.Turn();
  loop.Forget(termination);
  clients.Stop();
  return 0;
}
