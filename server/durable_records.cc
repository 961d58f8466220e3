// SPDX-License-Identifier: Apache-2.0
#include "server/durable_records.h"

namespace keymast::server {
namespace {

class Room final : public CommitRoom {
 public:
  explicit Room(records::SharedRoom room) : room_(std::move(room)) {}
  bool Take(const std::vector<rekey::Change>& step) override { return room_.Take(step); }

 private:
  records::SharedRoom room_;
};

}  // namespace

std::unique_ptr<CommitRoom> DurableRecords::NewRoom() const {
  return std::make_unique<Room>(repository_.NewRoom());
}

}  // namespace keymast::server
