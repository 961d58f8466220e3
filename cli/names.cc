// SPDX-License-Identifier: Apache-2.0
#include "cli/names.h"

#include "shell/json_line.h"

namespace keymast::cli {
namespace {

constexpr char kMembers[] = "/members/";
constexpr char kSubscribers[] = "subscribers/";

using Names = google::protobuf::RepeatedPtrField<std::string>;

// A word that is not empty, and what becomes of it.
Option NotEmpty(const std::string& word, std::function<Outcome<void>(const std::string&)> put) {
  const Taker take = [word, put = std::move(put)](const std::string& typed) -> Outcome<void> {
    if (typed.empty()) return UsageProblem(word + ": a name is needed");
    if (!shell::IsUtf8(typed)) return UsageProblem(word + ": the name is not UTF-8");
    return put(typed);
  };
  return Word(word, {}, take);
}

// IdIn is the id of what is in `collection`, of which a full name says so. One that is of something
// else is never taken for it.
Outcome<std::string> IdIn(const std::string& word, const std::string& collection,
                          const std::string& typed) {
  const std::string id = typed.starts_with(collection) ? typed.substr(collection.size()) : typed;
  if (id.find('/') == std::string::npos) return id;
  return UsageProblem(word + ": \"" + typed + "\" is neither an id nor a name in " + collection);
}

// Take gives the id to `take`, or says what is wrong with it.
Outcome<void> Take(Outcome<std::string> id, const std::function<void(std::string)>& take) {
  if (!id) return tl::unexpected(std::move(id.error()));
  take(std::move(*id));
  return {};
}

// IdBelow is IdIn of what is below a resource. Members go by the names of subscribers, too.
Outcome<std::string> IdBelow(const std::string& word, const std::string& parent,
                             const std::string& collection, const std::string& typed) {
  const bool is_subscriber = collection == kMembers && typed.starts_with(kSubscribers);
  return IdIn(word, is_subscriber ? kSubscribers : parent + collection, typed);
}

}  // namespace

std::string NameIn(const std::string& collection, const std::string& typed) {
  return typed.starts_with(collection) ? typed : collection + typed;
}

std::string ChannelName(const std::string& channel) { return NameIn("channels/", channel); }

Outcome<std::string> MemberName(const std::string& word, const std::string& channel,
                                const std::string& typed) {
  const std::string parent = ChannelName(channel);
  auto id = IdBelow(word, parent, kMembers, typed);
  return id ? Outcome<std::string>(parent + kMembers + *id) : id;
}

Outcome<std::string> SubscriberId(const std::string& word, const std::string& typed) {
  return IdIn(word, kSubscribers, typed);
}

std::string LastSegment(const std::string& name) { return name.substr(name.rfind('/') + 1); }

Option Named(const std::string& word, const std::string& collection, std::string& name) {
  return NotEmpty(word, [&name, collection](const std::string& typed) -> Outcome<void> {
    name = NameIn(collection, typed);
    return {};
  });
}

Option Id(const std::string& word, const std::string& collection, std::string& id,
          const std::string* parent) {
  return NotEmpty(word, [word, collection, &id, parent](const std::string& typed) {
    return Take(IdIn(word, (parent != nullptr ? *parent : std::string()) + collection, typed),
                [&id](std::string found) { id = std::move(found); });
  });
}

Option Below(const std::string& word, const std::string& collection, std::string& name) {
  return NotEmpty(word, [word, collection, &name](const std::string& typed) {
    return Take(IdBelow(word, name, collection, typed),
                [&](const std::string& id) { name += collection + id; });
  });
}

Option EachNamed(const std::string& word, const std::string& collection, Names& names) {
  return NotEmpty(word,
                  [&names, collection](const std::string& typed) -> Outcome<void> {
                    *names.Add() = NameIn(collection, typed);
                    return {};
                  })
      .Repeated();
}

Option EachBelow(const std::string& word, const std::string& collection, const std::string& parent,
                 Names& names) {
  return NotEmpty(word,
                  [word, collection, &parent, &names](const std::string& typed) {
                    return Take(
                        IdBelow(word, parent, collection, typed),
                        [&](const std::string& id) { *names.Add() = parent + collection + id; });
                  })
      .Repeated();
}

}  // namespace keymast::cli
