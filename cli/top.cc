// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/util/time_util.h>

#include <ostream>

#include "cli/channels.h"
#include "cli/commands.h"
#include "cli/methods.h"

namespace keymast::cli {
namespace {

struct TopOptions {
  v1::ListChannelsRequest request;
  uint64_t limit = 0;  // rounds; 0: no limit
};

std::string Countdown(Instant at, Instant now) {
  return at > now ? SpanCell(at - now + std::chrono::milliseconds(999)) : "due";
}

// The prepared MTK has its instant; before that the period says when one is due.
std::string NextSwitch(const v1::Channel& channel, Instant now) {
  const v1::KeyState& keys = channel.key_state();
  if (keys.switch_held()) return "held";
  if (keys.prepared().has_switch_time()) {
    return Countdown(InstantOf(keys.prepared().switch_time()), now);
  }
  if (!keys.active().has_switch_time() || !channel.policy().has_mtk_period()) return "";
  const Duration period(
      google::protobuf::util::TimeUtil::DurationToNanoseconds(channel.policy().mtk_period()));
  return Countdown(InstantOf(keys.active().switch_time()) + period, now);
}

std::string MskChange(const v1::KeyState& keys, Instant now) {
  return keys.has_next_msk_change_time() ? Countdown(InstantOf(keys.next_msk_change_time()), now)
                                         : "";
}

void WriteView(const v1::ListChannelsResponse& list, Instant now, std::ostream& out) {
  Table table({"CHANNEL", "MSK/MTK", "NEXT SWITCH", "MSK CHANGE", "MEMBERS", "JOINED", "CONFIRMED",
               "STATE"});
  for (const v1::Channel& channel : list.channels()) {
    table.Add({LastSegment(channel.name()), SlotCell(channel.key_state().active()),
               NextSwitch(channel, now), MskChange(channel.key_state(), now),
               std::to_string(channel.member_count()), std::to_string(channel.joined_count()),
               std::to_string(channel.confirmed_count()),
               channel.state() == v1::CHANNEL_STATE_UNSPECIFIED
                   ? ""
                   : v1::ChannelState_Name(channel.state())});
  }
  table.Write(out);
  MorePages(list.next_page_token(), out);
}

Outcome<void> Round(Context& context, const v1::ListChannelsRequest& request) {
  v1::ListChannelsResponse list;
  auto fetched = FetchAll(context, "Channels.ListChannels", request, list);
  const bool on_terminal = context.around.out_is_terminal && context.format == Format::kTable;
  if (on_terminal) context.out << "\x1b[H\x1b[J";
  if (!fetched && on_terminal && fetched.error().exit == Exit::kUnavailable) {
    context.out << fetched.error().message << "\n";
    return {};
  }
  if (!fetched) return fetched;
  if (context.format == Format::kTable) {
    WriteView(list, context.around.now(), context.out);
    context.out.flush();
  } else {
    WriteOneOfMany(list, context.format, context.out);
  }
  return {};
}

Outcome<void> Top(Context& context, const TopOptions& options) {
  for (uint64_t round = 1;; ++round) {
    if (auto shown = Round(context, options.request); !shown) return shown;
    if (round == options.limit || !context.out) return {};
    context.around.pause(std::chrono::seconds(1));
  }
}

}  // namespace

void AddTop(Command& program) {
  Command& command = program.Add("top", "Show all channels' keys and members, anew each second");
  auto& options = OptionsOf<TopOptions>(command, Top);
  for (const char* path : {"name", "key_state", "policy", "member_count", "joined_count",
                           "confirmed_count", "state"}) {
    options.request.mutable_read_mask()->add_paths(path);
  }
  const Fields fields(options.request);
  command.Add(fields.Of("filter", "--filter", "EXPRESSION", "Only channels that this is true of"));
  command.Add(fields.Of("order_by", "--order-by", "FIELD",
                        "Sort by a field, or several with commas between them"));
  command.Add(Valued("--limit", "N", "End after this many rounds", Into(options.limit)));
  command.Example("keymastctl top --filter 'joined_count > 0'");
}

}  // namespace keymast::cli
