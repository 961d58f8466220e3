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
      return Refuse(caller, NotThere(request.channel()));
    }
    channel = *named;
  }
  // Only released events are in the log, so that nothing needs to be waited for.
  const keymast::Status watching =
      shard_.parts().watches.Watch(caller, channel, request.resume_token());
  if (watching) return;
  const bool compacted = watching.error() == Error::kCompacted;
  clients_.SendError(caller, {watching.error(),
                              compacted ? "what followed this token is no longer kept: list anew"
                                        : "this is no token of ours",
                              {},
                              request.channel(),
                              0});
}

void Calls::Report(const Caller& caller, const v1::HeadendReport& report) {
  HeadendStreams& streams = shard_.parts().headends;
  controller::Controller& controller = shard_.controller();
  HeadendId headend;
  const auto outcome = streams.OnReport(caller, report, state(), headend);
  if (outcome == HeadendStreams::Outcome::kNothing) return;
  if (outcome == HeadendStreams::Outcome::kConnected) {
    controller::Step step = controller.OnHeadendConnected(headend, shard_.Now());
    // Its channels come before the keys for them.
    step.headends_to_redefine.push_back(headend);
    shard_.Take(std::move(step));
  }
  if (shard_.Frozen()) return;  // positions could not be kept
  shard_.Take(controller.OnHeadendReport(FromProto(headend, report), shard_.Now()));
}

void Calls::Cancel(const Caller& caller) {
  shard_.parts().watches.Cancel(caller);
  if (const auto headend = shard_.parts().headends.Ended(caller)) {
    shard_.Take(shard_.controller().OnHeadendDisconnected(*headend, shard_.Now()));
  }
}

}  // namespace keymast::server
