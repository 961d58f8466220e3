// SPDX-License-Identifier: Apache-2.0
// Resource names from what a person typed: `one` and `channels/one` are the same.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include "cli/tree.h"

namespace keymast::cli {

// NameIn gives a full name in the collection, as `channels/`.
std::string NameIn(const std::string& collection, const std::string& typed);
std::string ChannelName(const std::string& channel);
// MemberName is of a subscriber's id, its full name, or the full name of a member of this channel;
// the problem names `word`.
Outcome<std::string> MemberName(const std::string& word, const std::string& channel,
                                const std::string& typed);
// SubscriberId is of an id, or of a full name; the problem names `word`.
Outcome<std::string> SubscriberId(const std::string& word, const std::string& typed);

// LastSegment of a resource name: its id.
std::string LastSegment(const std::string& name);

// Named is a word that becomes a name in the collection.
Option Named(const std::string& word, const std::string& collection, std::string& name);
// Id is a word that is the id of what is to be made in the collection, or its full name. Of a
// collection below a resource, as `/rekeySchedules/`, `parent` has that one's name by a word
// before.
Option Id(const std::string& word, const std::string& collection, std::string& id,
          const std::string* parent = nullptr);
// Below is a word that becomes the name of what is in a resource's `collection`, as `/members/`.
// `name` has the parent's name by a word before.
Option Below(const std::string& word, const std::string& collection, std::string& name);
// EachNamed and EachBelow are words that become names, one or more.
Option EachNamed(const std::string& word, const std::string& collection,
                 google::protobuf::RepeatedPtrField<std::string>& names);
Option EachBelow(const std::string& word, const std::string& collection, const std::string& parent,
                 google::protobuf::RepeatedPtrField<std::string>& names);

}  // namespace keymast::cli
