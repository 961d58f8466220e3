// SPDX-License-Identifier: Apache-2.0
#include "cli/rekeys.h"

#include <ostream>

#include "keymast/v1/rekey.pb.h"
#include "keymast/v1/server.pb.h"

namespace keymast::cli {
namespace {

std::string KeyCell(const v1::Rekey& rekey) {
  return rekey.msk_id() + "/" + std::to_string(rekey.mtk_id());
}

void WriteRekey(const v1::Rekey& rekey, std::ostream& out) {
  WritePairs({{"name", rekey.name()},
              {"level", v1::KeyLevel_Name(rekey.level())},
              {"reason", v1::RekeyReason_Name(rekey.reason())},
              {"MSK/MTK", KeyCell(rekey)},
              {"prepared", TimeCell(rekey.prepare_time(), rekey.has_prepare_time())},
              {"switch", TimeCell(rekey.switch_time(), rekey.has_switch_time())},
              {"recipients", std::to_string(rekey.recipients())}},
             out);
}

void WriteRekeys(const v1::ListRekeysResponse& list, std::ostream& out) {
  Table table({"REKEY", "LEVEL", "REASON", "MSK/MTK", "SWITCH", "RECIPIENTS"});
  for (const v1::Rekey& rekey : list.rekeys()) {
    table.Add({LastSegment(rekey.name()), v1::KeyLevel_Name(rekey.level()),
               v1::RekeyReason_Name(rekey.reason()), KeyCell(rekey),
               TimeCell(rekey.switch_time(), rekey.has_switch_time()),
               std::to_string(rekey.recipients())});
  }
  table.Write(out);
  MorePages(list.next_page_token(), out);
}

void WriteEvent(const v1::Event& event, Format format, std::ostream& out) {
  if (format == Format::kJson) {
    WriteJson(event, true, out);
  } else {
    out << TimeCell(event.time(), event.has_time()) << "  " << v1::Event_Kind_Name(event.kind())
        << "  " << event.resource();
    if (event.has_rekey()) {
      out << "  " << v1::KeyLevel_Name(event.rekey().level()) << " "
          << v1::RekeyReason_Name(event.rekey().reason()) << " " << KeyCell(event.rekey());
    }
    out << "\n";
  }
  out.flush();
}

std::string LostCell(const v1::ServerStatus& status) {
  if (status.possibly_lost_commits_unknown()) return "commits; nobody can say how many";
  const uint64_t lost = status.possibly_lost_commits();
  return lost == 0 ? "" : std::to_string(lost) + " commits, at most";
}

void WriteStatus(const v1::ServerStatus& status, std::ostream& out) {
  WritePairs({{"version", status.version()},
              {"identity", status.identity()},
              {"store", v1::StoreState_Name(status.store_state())},
              {"channels", std::to_string(status.channel_count())},
              {"subscribers", std::to_string(status.subscriber_count())},
              {"members", std::to_string(status.member_count())},
              {"revision", std::to_string(status.revision())},
              {"epoch", std::to_string(status.epoch())},
              {"incarnation", std::to_string(status.incarnation())},
              {"possibly lost", LostCell(status)},
              {"started", TimeCell(status.start_time(), status.has_start_time())},
              {"uptime", DurationCell(status.uptime())},
              {"import key", HexCell(status.import_public_key())}},
             out);
}

}  // namespace

Outcome<void> RekeyNow(Context& context, const std::string& channel, const std::string& level) {
  v1::RekeyNowRequest request;
  request.set_channel(ChannelName(channel));
  request.set_level(level == "msk" ? v1::MSK : v1::MTK);
  return CallAndShow<v1::Rekey>(context, "Rekeys.RekeyNow", request, WriteRekey);
}

Outcome<void> ListRekeys(Context& context, const std::string& channel, const PageOptions& page) {
  v1::ListRekeysRequest request;
  request.set_parent(ChannelName(channel));
  v1::ListRekeysResponse response;
  auto listed = List(context, "Rekeys.ListRekeys", page, request, response);
  return listed ? Show(context, response, WriteRekeys) : listed;
}

Outcome<void> Watch(Context& context, const std::string& channel, const std::string& resume_token,
                    uint64_t limit) {
  v1::WatchRequest request;
  if (!channel.empty()) request.set_channel(ChannelName(channel));
  request.set_resume_token(resume_token);
  v1::Event event;
  uint64_t seen = 0;
  return context.session.Stream("Rekeys.Watch", request, event, [&] {
    // A bookmark only moves the token: of use to programs, noise to people.
    if (context.format == Format::kTable && event.kind() == v1::Event::BOOKMARK) return true;
    WriteEvent(event, context.format, context.out);
    return ++seen != limit;
  });
}

Outcome<void> PrintStatus(Context& context) {
  return CallAndShow<v1::ServerStatus>(context, "Server.GetServerStatus",
                                       v1::GetServerStatusRequest(), WriteStatus);
}

}  // namespace keymast::cli
