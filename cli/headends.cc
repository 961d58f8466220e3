// SPDX-License-Identifier: Apache-2.0
#include <ostream>

#include "base/bytes.h"
#include "cli/commands.h"
#include "cli/methods.h"
#include "keymast/v1/headend.pb.h"

namespace keymast::cli {
namespace {

constexpr size_t kPublicKeySize = 32;

std::string ChannelsCell(const v1::Headend& headend) {
  std::string cell;
  for (const std::string& channel : headend.channels()) {
    cell += (cell.empty() ? "" : " ") + LastSegment(channel);
  }
  return cell;
}

void WriteHeadend(const v1::Headend& headend, std::ostream& out) {
  WritePairs({{"name", headend.name()},
              {"public key", HexCell(headend.public_key())},
              {"channels", ChannelsCell(headend)},
              {"connected", YesNo(headend.connected())},
              {"created", TimeCell(headend.create_time(), headend.has_create_time())},
              {"etag", headend.etag()}},
             out);
}

void WriteHeadends(const v1::ListHeadendsResponse& list, std::ostream& out) {
  Table table({"HEADEND", "CONNECTED", "CREATED", "CHANNELS"});
  for (const v1::Headend& headend : list.headends()) {
    table.Add({LastSegment(headend.name()), YesNo(headend.connected()),
               TimeCell(headend.create_time(), headend.has_create_time()), ChannelsCell(headend)});
  }
  table.Write(out);
}

Option PublicKey(v1::Headend& headend) {
  const Taker take = [&headend](const std::string& typed) -> Outcome<void> {
    Bytes key;
    if (!FromHex(typed, key) || key.size() != kPublicKeySize) {
      return UsageProblem(
          "--public-key: 64 hexadecimal digits, as keymast-headend init prints them");
    }
    headend.set_public_key(std::string(AsText(key)));
    return {};
  };
  return Valued("--public-key", "HEX", "As keymast-headend init prints it", take).Required();
}

Option Channel(v1::Headend& headend) {
  const Taker take = [&headend](const std::string& typed) -> Outcome<void> {
    headend.add_channels(ChannelName(typed));
    return {};
  };
  return Valued("--channel", "CHANNEL", "A channel it may have keys for; once per channel", take)
      .Repeated();
}

void AddUpdate(Command& group) {
  Command& command = group.Add("update", "Replace the channels that it may have keys for");
  auto& request = Calls<v1::UpdateHeadendRequest>(command, "Headends.UpdateHeadend", WriteHeadend);
  request.mutable_update_mask()->add_paths("channels");
  v1::Headend& headend = *request.mutable_headend();
  command.Add(Named("HEADEND", "headends/", *headend.mutable_name()));
  command.Add(Channel(headend));
  auto none = std::make_shared<bool>(false);
  command.Add(Flag("--no-channel", "It may have keys for none", *none));
  command.Add(Fields(headend).Of("etag", "--etag", "ETAG", "Only while it still has this etag"));
  command.action = [&headend, none, call = command.action](Context& context) -> Outcome<void> {
    if (headend.channels().empty() != *none) {
      return UsageProblem("headends update: --channel, or --no-channel alone, is needed");
    }
    return call(context);
  };
  group.Example("keymastctl headends update north --channel news --channel sports");
}

}  // namespace

void AddHeadends(Command& program) {
  Command& group = program.Add("headends", "Headends that encrypt channels");
  Command& create = group.Add("create", "Enrol a headend");
  auto& request = Calls<v1::CreateHeadendRequest>(create, "Headends.CreateHeadend", WriteHeadend);
  create.Add(Id("HEADEND", "headends/", *request.mutable_headend_id()));
  create.Add(PublicKey(*request.mutable_headend()));
  create.Add(Channel(*request.mutable_headend()));
  group.Example(
      "keymastctl headends create north --public-key $(keymast-headend init --key-file "
      "north.key) --channel news");
  AddUpdate(group);
  AddNamed<v1::GetHeadendRequest>(group, "get", "Show a headend", "Headends.GetHeadend",
                                  {"HEADEND", "headends/"}, WriteHeadend);
  Lists<v1::ListHeadendsRequest>(group.Add("list", "List headends"), "Headends.ListHeadends",
                                 WriteHeadends);
  AddDelete<v1::DeleteHeadendRequest, v1::DeleteHeadendResponse>(
      group, "Revoke a headend", "Headends.DeleteHeadend", {"HEADEND", "headends/"});
}

}  // namespace keymast::cli
