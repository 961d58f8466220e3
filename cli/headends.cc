// SPDX-License-Identifier: Apache-2.0
#include "cli/headends.h"

#include <ostream>

#include "base/bytes.h"
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
  MorePages(list.next_page_token(), out);
}

}  // namespace

Outcome<void> CreateHeadend(Context& context, const std::string& headend,
                            const std::string& public_key,
                            const std::vector<std::string>& channels) {
  Bytes key;
  if (!FromHex(public_key, key) || key.size() != kPublicKeySize) {
    return UsageProblem("--public-key: 64 hexadecimal digits, as keymast-headend init prints them");
  }
  v1::CreateHeadendRequest request;
  request.set_headend_id(LastSegment(headend));
  request.mutable_headend()->set_public_key(std::string(AsText(key)));
  for (const std::string& channel : channels) {
    request.mutable_headend()->add_channels(ChannelName(channel));
  }
  return CallAndShow<v1::Headend>(context, "Headends.CreateHeadend", request, WriteHeadend);
}

Outcome<void> GetHeadend(Context& context, const std::string& headend) {
  v1::GetHeadendRequest request;
  request.set_name(HeadendName(headend));
  return CallAndShow<v1::Headend>(context, "Headends.GetHeadend", request, WriteHeadend);
}

Outcome<void> ListHeadends(Context& context, const PageOptions& page) {
  v1::ListHeadendsResponse response;
  auto listed = List(context, "Headends.ListHeadends", page, v1::ListHeadendsRequest(), response);
  return listed ? Show(context, response, WriteHeadends) : listed;
}

Outcome<void> DeleteHeadend(Context& context, const std::string& headend) {
  v1::DeleteHeadendRequest request;
  request.set_name(HeadendName(headend));
  return CallAndShow<v1::DeleteHeadendResponse>(
      context, "Headends.DeleteHeadend", request,
      [&](const v1::DeleteHeadendResponse&, std::ostream& out) {
        out << "deleted " << request.name() << "\n";
      });
}

}  // namespace keymast::cli
