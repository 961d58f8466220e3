// SPDX-License-Identifier: Apache-2.0
// A message's fields under the names that Wireshark 4.0 has for them, from what Dump shows and one
// table. What that Wireshark cannot follow is written down here too, so that a better one is seen.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "mikey/dump.h"

namespace keymast::mikey {

// NamedFields has the values of each name in the order of the message. A group has the value "".
using NamedFields = std::map<std::string, std::vector<std::string>>;

// Reading is what becomes of a message at Wireshark.
enum class Reading {
  kToItsEnd,
  kStopped,    // at something that it does not know, without complaint
  kMalformed,  // stopped, with a complaint that is wrong
  kAstray,     // it takes octets for others than they are
};

class WiresharkNames : public FieldSink {
 public:
  struct Row;

  void Open(std::string_view name, std::string_view clause, size_t offset) override;
  void Add(const Field& field) override;
  void Close(size_t end) override;

  const NamedFields& fields() const { return fields_; }
  Reading reading() const { return reading_; }
  // Fields that the table does not have, as "group/field".
  const std::set<std::string>& unlisted() const { return unlisted_; }

 private:
  bool IsShown(const Field& field) const;
  void Stop(Reading reading);
  void ApplyLimits(const Field& field);
  void Put(const Row& row, Field field);
  uint64_t Last(const std::string& field) const;

  std::vector<std::string> groups_;
  std::map<std::string, uint64_t> last_;  // number of each "group/field"
  size_t keys_ = 0;                       // key data seen in this KEMAC
  bool is_hidden_ = false;                // the payload lies behind what stopped Wireshark
  bool is_cut_ = false;
  NamedFields fields_;
  Reading reading_ = Reading::kToItsEnd;
  std::set<std::string> unlisted_;
};

// NamesOfWireshark is every name of the table.
std::set<std::string> NamesOfWireshark();

}  // namespace keymast::mikey
