// SPDX-License-Identifier: Apache-2.0
#include "server/listing.h"

#include <google/protobuf/descriptor.h>

#include <charconv>

#include "server/translate.h"

namespace keymast::server {
namespace {

// The position in a token: the time, a blank, and the id.
std::optional<Place> PlaceOf(const std::string& text) {
  const size_t blank = text.find(' ');
  if (blank == std::string::npos) return std::nullopt;
  Place place;
  const char* end = text.data() + blank;
  const auto [stop, error] = std::from_chars(text.data(), end, place.time);
  if (error != std::errc() || stop != end) return std::nullopt;
  place.id = text.substr(blank + 1);
  return place;
}

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

tl::expected<void, Failure> Listing::Order(const Asked& asked) {
  time_descending_ = id_descending_ = asked.order_by.empty() && asked.is_newest_first;
  if (asked.order_by.empty()) return {};
  bool has_time = false;
  bool has_name = false;
  std::string_view rest = asked.order_by;
  for (bool is_last = false; !is_last;) {
    const size_t comma = rest.find(',');
    is_last = comma == std::string_view::npos;
    std::string_view field = Trimmed(rest.substr(0, comma));
    if (!is_last) rest.remove_prefix(comma + 1);
    const bool descending = field.ends_with(" desc");
    if (descending) field = Trimmed(field.substr(0, field.size() - 5));
    bool& has = field == "name" ? has_name : has_time;
    if ((field != "name" && field != asked.time_field) || has) {
      return tl::unexpected(Wrong("order_by", "must be name, " + std::string(asked.time_field) +
                                                  " or both with a comma between them, each with "
                                                  "desc behind it or not"));
    }
    has = true;
    if (field == "name") {
      id_descending_ = descending;
    } else {
      // Behind a name, which only one resource has, nothing is left to order.
      by_time_ = !has_name;
      time_descending_ = descending;
    }
  }
  if (!has_name) id_descending_ = time_descending_;
  return {};
}

tl::expected<Listing, Failure> Listing::Read(const Asked& asked,
                                             const google::protobuf::Descriptor& type,
                                             const PageTokens& tokens) {
  Listing listing;
  if (asked.page_size < 0) {
    return tl::unexpected(
        Wrong("page_size", "is below zero; must be 1 to 1000, or 0 for the default"));
  }
  listing.page_ = asked.page_size == 0 ? kDefaultPage
                                       : std::min(static_cast<size_t>(asked.page_size), kMaxPage);
  auto filter = Filter::Parse(asked.filter, type);
  if (!filter) return tl::unexpected(filter.error());
  listing.filter_ = std::move(*filter);
  if (auto order = listing.Order(asked); !order) return tl::unexpected(order.error());
  if (asked.read_mask != nullptr) {
    if (auto read = CheckReadMask(*asked.read_mask, type); !read) {
      return tl::unexpected(read.error());
    }
    listing.read_mask_ = *asked.read_mask;
  }
  listing.tokens_ = &tokens;
  // Of texts that users give none can hold an octet of zero beyond the places where these stand.
  listing.label_ = asked.collection + '\0' + asked.filter + '\0' + asked.order_by;
  const auto position = tokens.Read(listing.label_, asked.page_token);
  if (!position) {
    return tl::unexpected(Wrong("page_token",
                                "must be the next_page_token of the same call: with the same "
                                "parent, filter and order_by"));
  }
  if (!position->empty()) listing.after_ = PlaceOf(*position);
  return listing;
}

std::string Listing::TokenOf(const Place& place) const {
  return tokens_->Make(label_, std::to_string(place.time) + " " + place.id);
}

}  // namespace keymast::server
