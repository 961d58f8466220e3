// SPDX-License-Identifier: Apache-2.0
#include <iomanip>
#include <ostream>

#include "cli/commands.h"
#include "cli/methods.h"
#include "cli/rekeys.h"

namespace keymast::cli {
namespace {

struct WatchOptions {
  v1::WatchRequest request;
  uint64_t limit = 0;  // 0: none
  bool reconnects = false, stays_away = false;
};

// Wide enough for most: the table follows, and nobody knows what comes.
constexpr int kTime = 32, kKind = 22, kResource = 40;

void WriteRow(const std::string& time, const std::string& kind, const std::string& resource,
              const std::string& keys, std::ostream& out) {
  out << std::left << std::setw(kTime) << time << std::setw(kKind) << kind;
  if (!keys.empty()) out << std::setw(kResource);
  out << resource << (keys.empty() ? "" : "  ") << keys << "\n";
  out.flush();
}

std::string KeysCell(const v1::Event& event) {
  if (!event.has_rekey()) return {};
  return v1::KeyLevel_Name(event.rekey().level()) + " " +
         v1::RekeyReason_Name(event.rekey().reason()) + " " + KeyCell(event.rekey());
}

Taker IntoLimit(uint64_t& limit) {
  return [&limit](const std::string& typed) -> Outcome<void> {
    if (ReadNumber(typed, limit) && limit > 0) return {};
    return UsageProblem("\"" + typed + "\" is not 1 or more");
  };
}

// Watching prints events, and knows how to go on behind the last.
class Watching {
 public:
  Watching(Context& context, const WatchOptions& options)
      : context_(context), options_(options), request_(options.request) {
    const bool by_terminal = context.around.out_is_terminal && !options.stays_away;
    reconnects_ = options.reconnects || by_terminal;
  }

  Outcome<void> Run() {
    if (context_.format == Format::kTable) {
      WriteRow("TIME", "KIND", "RESOURCE", "KEYS", context_.out);
    }
    for (;;) {
      v1::Event event;
      const v1::WatchRequest request = request_;
      auto watched =
          context_.session.Stream("Rekeys.Watch", request, event, [&] { return Take(event); });
      if (IsEnough()) return {};
      const bool is_forgotten = !watched && watched.error().reason == "compacted";
      if (reconnects_ && is_begun_ && is_forgotten) {
        BeginAnew();
        continue;
      }
      const bool is_away = watched || watched.error().exit == Exit::kUnavailable;
      if (!reconnects_ || !is_away) return WithResumption(std::move(watched));
      TellAway(watched ? "the server ended the stream" : watched.error().message);
      context_.around.pause(std::chrono::seconds(1));
    }
  }

 private:
  bool IsEnough() const {
    return !context_.out || (options_.limit != 0 && seen_ == options_.limit);
  }

  bool Take(const v1::Event& event) {
    if (is_away_) context_.around.err << "keymastctl: connected again\n";
    is_away_ = false;
    is_begun_ = true;
    request_.set_resume_token(event.resume_token());
    if (context_.format != Format::kTable) {
      WriteOneOfMany(event, context_.format, context_.out);
    } else if (event.kind() == v1::Event::BOOKMARK) {
      return true;  // it only moves the token: of use to programs, noise to people
    } else {
      WriteRow(TimeCell(event.time(), event.has_time()), v1::Event_Kind_Name(event.kind()),
               event.resource(), KeysCell(event), context_.out);
    }
    ++seen_;
    return !IsEnough();
  }

  // The server knows none of what was before its own start, nor what is too long ago.
  void BeginAnew() {
    context_.around.err << "keymastctl: what happened since the last event is no longer kept: list "
                           "the resources to see it; going on from now\n";
    context_.around.err.flush();
    request_.clear_resume_token();
    is_begun_ = false;
  }

  void TellAway(const std::string& why) {
    if (is_away_) return;
    is_away_ = true;
    context_.around.err << "keymastctl: " << why << "; connecting again, "
                        << (request_.resume_token().empty() ? "to go on from then"
                                                            : "to go on behind the last event")
                        << "\n";
    context_.around.err.flush();
  }

  Outcome<void> WithResumption(Outcome<void> watched) const {
    if (watched || request_.resume_token().empty()) return watched;
    if (watched.error().exit != Exit::kUnavailable) return watched;
    std::string& advice = watched.error().advice;
    advice += (advice.empty() ? "" : "\n  ") + std::string("--resume ") + request_.resume_token() +
              " goes on behind the last event";
    return watched;
  }

  Context& context_;
  const WatchOptions& options_;
  v1::WatchRequest request_;
  bool reconnects_;
  bool is_away_ = false;
  bool is_begun_ = false;  // the token is of an event that came
  uint64_t seen_ = 0;
};

Outcome<void> Watch(Context& context, const WatchOptions& options) {
  return Watching(context, options).Run();
}

}  // namespace

void AddWatch(Command& program) {
  Command& command = program.Add("watch", "Print events as they happen");
  auto& options = OptionsOf<WatchOptions>(command, Watch);
  command.Add(Named("CHANNEL", "channels/", *options.request.mutable_channel())
                  .Optional()
                  .Saying("All channels when not given"));
  command.Add(Fields(options.request)
                  .Of("resume_token", "--resume", "TOKEN", "Go on behind the event of this token"));
  command.Add(Valued("--limit", "N", "End after this many events", IntoLimit(options.limit)));
  command.Add(Flag("--reconnect", "Go on when the server goes away; the default on a terminal",
                   options.reconnects));
  command.Add(Flag("--no-reconnect", "End when the server goes away", options.stays_away));
  command.Example("keymastctl watch news");
  command.Example("keymastctl watch --output json --reconnect >> events.jsonl");
}

}  // namespace keymast::cli
