// SPDX-License-Identifier: Apache-2.0
#include "server/calls.h"
#include "server/names.h"
#include "server/translate.h"

namespace keymast::server {

bool Calls::Stream(const Caller& caller, const core::CoreRequest& request) {
  switch (request.request_case()) {
    case core::CoreRequest::kWatch:
      return Watch(caller, request.watch()), true;
    case core::CoreRequest::kHeadendReport:
      return Report(caller, request.headend_report()), true;
    case core::CoreRequest::kCancel:
      return Cancel(caller), true;
    default:
      return false;
  }
}

void Calls::Watch(const Caller& caller, const v1::WatchRequest& request) {
  ChannelId channel;
  if (!request.channel().empty()) {
    const auto named = ChannelOf(request.channel());
    if (!named || !state().channels.contains(*named)) {
      return Refuse(caller, NoSuch(request.channel(), "channel", kChannelForm));
    }
    channel = *named;
  }
  // Only released events are in the log, so that nothing needs to be waited for.
  const keymast::Status watching =
      shard_.parts().watches.Watch(caller, {channel, asker_.scope}, request.resume_token());
  if (watching) return;
  if (watching.error() == Error::kCompacted) return clients_.SendError(caller, Compacted());
  clients_.SendError(caller, {watching.error(),
                              "resume_token is none that this server gave",
                              {{"resume_token", "must be the token of an event, or empty"}},
                              request.channel(),
                              0});
}

void Calls::Report(const Caller& caller, const v1::HeadendReport& report) {
  HeadendStreams& streams = shard_.parts().headends;
  controller::Controller& controller = shard_.controller();
  HeadendId headend;
  std::vector<HeadendStreams::Answer> answers;
  const auto outcome = streams.OnReport(caller, report, state(), shard_.Now(), headend, answers);
  for (HeadendStreams::Answer& answer : answers) {
    shard_.Behind([this, answer = std::move(answer)](const keymast::Status& status) mutable {
      SendToHeadend(answer, status);
    });
  }
  if (outcome == HeadendStreams::Outcome::kNothing) return;
  if (outcome == HeadendStreams::Outcome::kConnected) {
    // Its channels come before the keys for them.
    shard_.Take(controller.OnHeadendConnected(headend, shard_.Now()));
  }
  shard_.Take(controller.OnHeadendReport(FromProto(headend, report), shard_.Now()));
}

void Calls::SendToHeadend(HeadendStreams::Answer& answer, const keymast::Status& status) {
  if (status) return clients_.Send(answer.to, answer.reply, answer.last);
  shard_.parts().headends.Ended(answer.to);
  clients_.SendError(answer.to, NotTrue(status.error()));
}

void Calls::Cancel(const Caller& caller) {
  shard_.parts().watches.Cancel(caller);
  std::erase_if(waiting_, [&caller](const Waiting& one) { return one.caller == caller; });
  if (const auto headend = shard_.parts().headends.Ended(caller)) {
    shard_.Take(shard_.controller().OnHeadendDisconnected(*headend, shard_.Now()));
  }
}

}  // namespace keymast::server
