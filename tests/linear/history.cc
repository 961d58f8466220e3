// SPDX-License-Identifier: Apache-2.0
#include "history.h"

#include <array>

#include "mixing.h"

namespace keymast::linear {
namespace {

constexpr std::array kVerbs = {
    "CreateChannel",   "GetChannel",       "UpdateChannel", "DeleteChannel",
    "ListChannels",    "CreateSubscriber", "GetSubscriber", "DeleteSubscriber",
    "ListSubscribers", "AddMember",        "AddMembers",    "GetMember",
    "UpdateMember",    "DeleteMember",     "Join",          "Leave",
    "Expel",           "ListMembers"};
constexpr std::array kMasks = {"", " mask=first", " mask=second", " mask=both", " mask=*"};

std::string Field(const char* name, uint64_t value) {
  return value == 0 ? "" : std::string(" ") + name + "=" + std::to_string(value);
}

}  // namespace

bool IsRead(Verb verb) {
  switch (verb) {
    case Verb::kGetChannel:
    case Verb::kListChannels:
    case Verb::kGetSubscriber:
    case Verb::kListSubscribers:
    case Verb::kGetMember:
    case Verb::kListMembers:
      return true;
    default:
      return false;
  }
}

uint64_t ContentOf(const Request& request) {
  Mixing mixing(1);
  mixing.Add(static_cast<uint64_t>(request.verb));
  mixing.Add(static_cast<uint64_t>(request.channel));
  mixing.Add(request.subscribers.size());
  for (const int subscriber : request.subscribers) mixing.Add(static_cast<uint64_t>(subscriber));
  mixing.Add(request.first);
  mixing.Add(request.second);
  mixing.Add(request.group);
  mixing.Add(static_cast<uint64_t>(request.mask));
  mixing.Add(request.revision);
  mixing.Add(request.created);
  for (const bool flag :
       {request.force, request.allow_missing, request.join, request.validate_only}) {
    mixing.Add(uint64_t{flag});
  }
  return mixing.value();
}

std::string ToText(const Request& request) {
  std::string text = kVerbs[static_cast<size_t>(request.verb)];
  text += " c" + std::to_string(request.channel);
  for (const int subscriber : request.subscribers) text += " s" + std::to_string(subscriber);
  text += Field("first", request.first) + Field("second", request.second);
  text += Field("group", request.group) + kMasks[static_cast<size_t>(request.mask)];
  text += Field("etag", request.revision) + Field("of", request.created) +
          (request.force ? " force" : "");
  text += std::string(request.allow_missing ? " allow_missing" : "") +
          (request.join ? " join" : "") + (request.validate_only ? " validate_only" : "");
  return text + Field("id", request.request_id);
}

std::string ToText(const Answer& answer) {
  if (answer.error) return std::string(ErrorName(*answer.error));
  std::string text = "ok";
  for (const View& view : answer.views) {
    text += " {" + std::to_string(view.id) + Field("first", view.first) +
            Field("second", view.second) + Field("group", view.group) +
            Field("etag", view.revision) + Field("members", view.members) +
            Field("joined", view.joined) + Field("of", view.created) + "}";
  }
  return text + Field("remaining", answer.remaining);
}

std::string ToText(const Operation& operation) {
  const bool is_known = operation.answer.has_value();
  return "[" + std::to_string(operation.called / 1000) + ", " +
         (is_known ? std::to_string(operation.answered / 1000) : "?") + "] us, client " +
         std::to_string(operation.client) + ": " + ToText(operation.request) + " -> " +
         (is_known ? ToText(*operation.answer) : "unknown");
}

}  // namespace keymast::linear
