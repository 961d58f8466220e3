// SPDX-License-Identifier: Apache-2.0
#include "cli/names.h"

namespace keymast::cli {
namespace {

using Names = google::protobuf::RepeatedPtrField<std::string>;

// A word that is not empty, and what becomes of it.
Option NotEmpty(std::string word, std::function<void(const std::string&)> put) {
  const Taker take = [word, put = std::move(put)](const std::string& typed) -> Outcome<void> {
    if (typed.empty()) return UsageProblem(word + ": a name is needed");
    put(typed);
    return {};
  };
  return Word(std::move(word), {}, take);
}

}  // namespace

std::string NameIn(const std::string& collection, const std::string& typed) {
  return typed.starts_with(collection) ? typed : collection + typed;
}

std::string ChannelName(const std::string& channel) { return NameIn("channels/", channel); }

std::string MemberName(const std::string& channel, const std::string& subscriber) {
  return ChannelName(channel) + "/members/" + LastSegment(subscriber);
}

std::string LastSegment(const std::string& name) { return name.substr(name.rfind('/') + 1); }

Option Named(std::string word, std::string collection, std::string& name) {
  return NotEmpty(std::move(word), [&name, collection](const std::string& typed) {
    name = NameIn(collection, typed);
  });
}

Option Id(std::string word, std::string& id) {
  return NotEmpty(std::move(word), [&id](const std::string& typed) { id = LastSegment(typed); });
}

Option Below(std::string word, std::string collection, std::string& name) {
  return NotEmpty(std::move(word), [&name, collection](const std::string& typed) {
    name += collection + LastSegment(typed);
  });
}

Option EachNamed(std::string word, std::string collection, Names& names) {
  return NotEmpty(std::move(word),
                  [&names, collection](const std::string& typed) {
                    *names.Add() = NameIn(collection, typed);
                  })
      .Repeated();
}

Option EachBelow(std::string word, std::string collection, const std::string& parent,
                 Names& names) {
  return NotEmpty(std::move(word),
                  [&names, &parent, collection](const std::string& typed) {
                    *names.Add() = parent + collection + LastSegment(typed);
                  })
      .Repeated();
}

}  // namespace keymast::cli
