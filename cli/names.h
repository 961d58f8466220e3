// SPDX-License-Identifier: Apache-2.0
// Resource names from what a person typed: `one` and `channels/one` are the same.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include "cli/tree.h"

namespace keymast::cli {

// NameIn gives a full name in the collection, as `channels/`.
std::string NameIn(const std::string& collection, const std::string& typed);
std::string ChannelName(const std::string& channel);
std::string MemberName(const std::string& channel, const std::string& subscriber);

// LastSegment of a resource name: its id.
std::string LastSegment(const std::string& name);

// Named is a word that becomes a name in the collection.
Option Named(std::string word, std::string collection, std::string& name);
// Id is a word of which the last segment is taken.
Option Id(std::string word, std::string& id);
// Below is a word that becomes the name of what is in a resource's `collection`, as `/members/`.
// `name` has the parent's name by a word before.
Option Below(std::string word, std::string collection, std::string& name);
// EachNamed and EachBelow are words that become names, one or more.
Option EachNamed(std::string word, std::string collection,
                 google::protobuf::RepeatedPtrField<std::string>& names);
Option EachBelow(std::string word, std::string collection, const std::string& parent,
                 google::protobuf::RepeatedPtrField<std::string>& names);

}  // namespace keymast::cli
