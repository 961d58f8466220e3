// SPDX-License-Identifier: Apache-2.0
// One page of a list: which resources, in which order, and how the next page goes on. A page looks
// at a bounded number of resources, whatever its filter: it may be short, and have a next one.
#pragma once

#include <google/protobuf/field_mask.pb.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "framing/frame.h"
#include "server/filter.h"
#include "server/masks.h"
#include "server/page_token.h"

namespace keymast::server {

// Resources on a page of a list, unless it asks for less.
inline constexpr size_t kDefaultPage = 100;
inline constexpr size_t kMaxPage = 1000;

// Place is where a resource stands in an order: by time and id, or by id alone.
struct Place {
  int64_t time = 0;
  std::string id;
  friend auto operator<=>(const Place&, const Place&) = default;
};

class Listing {
 public:
  struct Asked {
    std::string collection;  // and its parent: a token is of it alone
    int32_t page_size = 0;
    const std::string& page_token;
    const std::string& filter;
    const std::string& order_by;
    const google::protobuf::FieldMask* read_mask = nullptr;
    // Orders by time are `create_time` unless the resource has another name for it.
    std::string_view time_field = "create_time";
    // By default the newest come first.
    bool is_newest_first = false;
  };
  // Read checks everything that a list call asks for: kInvalidArgument, naming the field.
  static tl::expected<Listing, Failure> Read(const Asked& asked,
                                             const google::protobuf::Descriptor& type,
                                             const PageTokens& tokens);

  // Pick gives the places that come next, of all `resources` for which `may_see` is true: one pass
  // over them, and as much memory as one page. PlaceOf makes a place of an entry of the map.
  template <class Map, class PlaceOf>
  std::vector<Place> Pick(const Map& resources, const PlaceOf& place_of) const;

  // Fill makes the messages of a page of what was picked, and the token of the next page.
  template <class Message, class Make>
  void Fill(const std::vector<Place>& picked, google::protobuf::RepeatedPtrField<Message>& items,
            const Make& make, std::string& next_page_token) const;

  bool is_by_time() const { return by_time_; }

 private:
  static constexpr size_t kScanned = 4096;  // resources that a filter is held against, for a page
  static constexpr size_t kMaxOctets = framing::kMaxFrame - 64 * 1024;

  // Order reads order_by: fields with commas between them, each with desc behind it or not
  // (AIP-132).
  tl::expected<void, Failure> Order(const Asked& asked);
  // Precedes: `a` comes before `b`.
  bool Precedes(const Place& a, const Place& b) const {
    if (a.time != b.time) return (a.time > b.time) == time_descending_;
    return id_descending_ ? b.id < a.id : a.id < b.id;
  }
  size_t Wanted() const { return filter_.IsEmpty() ? page_ + 1 : std::max(page_ + 1, kScanned); }
  std::string TokenOf(const Place& place) const;

  const PageTokens* tokens_ = nullptr;
  std::string label_;
  size_t page_ = 0;
  Filter filter_;
  google::protobuf::FieldMask read_mask_;
  bool by_time_ = false;
  bool time_descending_ = false;
  bool id_descending_ = false;
  std::optional<Place> after_;
};

template <class Map, class PlaceOf>
std::vector<Place> Listing::Pick(const Map& resources, const PlaceOf& place_of) const {
  const auto precedes = [this](const Place& a, const Place& b) { return Precedes(a, b); };
  const size_t wanted = Wanted();
  std::vector<Place> heap;  // the last of them on top
  for (const auto& resource : resources) {
    std::optional<Place> place = place_of(resource);
    if (!place || (after_ && !Precedes(*after_, *place))) continue;
    if (heap.size() == wanted) {
      if (!Precedes(*place, heap.front())) continue;
      std::pop_heap(heap.begin(), heap.end(), precedes);
      heap.pop_back();
    }
    heap.push_back(std::move(*place));
    std::push_heap(heap.begin(), heap.end(), precedes);
  }
  std::sort_heap(heap.begin(), heap.end(), precedes);
  return heap;
}

template <class Message, class Make>
void Listing::Fill(const std::vector<Place>& picked,
                   google::protobuf::RepeatedPtrField<Message>& items, const Make& make,
                   std::string& next_page_token) const {
  size_t octets = 0;
  const Place* last = nullptr;  // of those that were looked at
  for (const Place& place : picked) {
    if (static_cast<size_t>(items.size()) == page_) {
      next_page_token = TokenOf(*last);
      return;
    }
    Message message = make(place);
    if (filter_.Matches(message)) {
      Trim(read_mask_, message);
      octets += message.ByteSizeLong() + 8;  // with tag and length
      if (octets > kMaxOctets && items.size() > 0) {
        next_page_token = TokenOf(*last);
        return;
      }
      *items.Add() = std::move(message);
    }
    last = &place;
  }
  if (picked.size() == Wanted()) next_page_token = TokenOf(*last);
}

}  // namespace keymast::server
