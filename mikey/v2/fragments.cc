// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/fragments.h"

namespace keymast::mikey::v2 {
namespace {

// HeadSize is what a FRAGMENT has beside its data.
size_t HeadSize(ByteView cookie_payload) {
  constexpr size_t kHeader = 10;
  constexpr size_t kFragment = 1 + FragmentPayload::kHashSize + 1 + 1 + 2;
  constexpr size_t kCap = 1 + 1 + 2;
  return kHeader + kFragment + (cookie_payload.empty() ? 0 : kCap + cookie_payload.size());
}

Result<size_t> WriteFragment(CsbId csb_id, const FragmentPayload& fragment, ByteView cookie_payload,
                             MutableBytes out) {
  Header header;
  header.version = kVersion2;
  header.data_type = DataType::kFragment;
  header.prf = PrfFunc::kHmacSha256;
  header.csb_id = csb_id.value;
  ChainWriter chain(out, header);
  if (!cookie_payload.empty()) chain.Add(CapPayload{kCapVersion, cookie_payload});
  chain.Add(fragment);
  if (!chain.ok()) return Err(Error::kTooLong);
  return chain.size();
}

}  // namespace

size_t MostOf(const Way& way, size_t room) {
  size_t most = std::min(way.datagram, room);
  for (size_t count = 2; count <= way.fragments; ++count) {
    const size_t heads = count * HeadSize({});
    const size_t in_all = std::min(count * way.datagram, room);
    most = std::max(most, std::min(in_all - std::min(in_all, heads), kMaxWhole));
  }
  return most;
}

size_t TotalOf(size_t first, const MoreDatagrams& more) {
  size_t total = first;
  for (const uint16_t size : more) total += size;
  return total;
}

Result<size_t> Send(const crypto::Suite& suite, ByteView whole, const Fragmenting& how,
                    MutableBytes out, MoreDatagrams& more) {
  more.clear();
  const size_t limit = std::min({how.way.datagram, out.size(), size_t{0xffff}});
  if (whole.size() <= limit) {
    if (whole.data() != out.data()) std::copy(whole.begin(), whole.end(), out.begin());
    return whole.size();
  }
  std::array<uint8_t, kTlvHead + 64> tlvs{};
  Capabilities told;
  told.cookie = how.cookie;
  const Result<size_t> tlv_size = WriteCapabilities(told, tlvs);
  if (!tlv_size) return tlv_size;
  const ByteView cookie_payload = ByteView(tlvs).first(*tlv_size);
  const size_t room = limit - HeadSize(cookie_payload);
  const size_t count = (whole.size() + room - 1) / room;
  if (count > how.way.fragments || whole.size() > kMaxWhole) return Err(Error::kTooLong);
  const Bytes copy(whole.begin(), whole.end());  // it may stand where its parts go
  const Digest hash = HashOf(suite, copy);
  size_t at = 0;
  size_t first = 0;
  for (size_t i = 0; i < count; ++i) {
    const ByteView rest = ByteView(copy).subspan(i * room);
    const FragmentPayload fragment{ByteView(hash).first(FragmentPayload::kHashSize),
                                   static_cast<uint8_t>(i), static_cast<uint8_t>(count),
                                   rest.first(std::min(room, rest.size()))};
    const Result<size_t> size =
        WriteFragment(how.csb_id, fragment, cookie_payload, out.subspan(at));
    if (!size) return size;
    at += *size;
    if (i == 0) {
      first = *size;
    } else {
      more.Add(static_cast<uint16_t>(*size));
    }
  }
  return first;
}

bool Fragments::Parts::IsOf(CsbId id, const FragmentPayload& fragment) const {
  return id == csb_id && fragment.count == count && Equal(fragment.hash, hash.view());
}

bool Fragments::Parts::IsWhole() const {
  const auto is_there = [](const Bytes& part) { return !part.empty(); };
  return std::all_of(each.begin(), each.begin() + static_cast<ptrdiff_t>(count), is_there);
}

bool Fragments::IsPast(Instant now) const {
  return std::ranges::all_of(messages_, [now](const Parts& parts) { return parts.IsPast(now); });
}

Instant Fragments::last() const {
  return std::ranges::max_element(messages_, {}, &Parts::last)->last;
}

// PartsOf a message: those that are there, else free ones, else the first: they stand in the order
// in which something new came last.
Fragments::Parts& Fragments::PartsOf(CsbId csb_id, const FragmentPayload& fragment, Instant now) {
  for (Parts& parts : messages_) {
    if (parts.IsPast(now)) parts = {};
  }
  const auto found = std::ranges::find_if(
      messages_, [&](const Parts& parts) { return parts.IsOf(csb_id, fragment); });
  if (found != messages_.end()) return *found;
  const auto free = std::ranges::find(messages_, size_t{0}, &Parts::count);
  Parts& parts = free != messages_.end() ? *free : messages_.front();
  parts = {};
  parts.csb_id = csb_id;
  parts.hash = Octets<FragmentPayload::kHashSize>(fragment.hash);
  parts.count = fragment.count;
  parts.begun = now;
  return parts;
}

Result<ByteView> Fragments::Take(const crypto::Suite& suite, CsbId csb_id,
                                 const FragmentPayload& fragment, Instant now) {
  const bool can_be = fragment.count >= 2 && fragment.count <= kMaxFragments &&
                      fragment.index < fragment.count && !fragment.data.empty();
  if (!can_be) return Err(Error::kMalformed);
  if (fragment.data.size() > kMaxWhole) return Err(Error::kTooLong);
  Parts& parts = PartsOf(csb_id, fragment, now);
  Bytes& part = parts.each[fragment.index];
  if (!part.empty()) return ByteView();  // of two of one index the first stays
  if (parts.size + fragment.data.size() > kMaxWhole) {
    parts = {};
    return Err(Error::kTooLong);
  }
  part.assign(fragment.data.begin(), fragment.data.end());
  parts.size += part.size();
  parts.last = now;
  const auto place = std::next(messages_.begin(), &parts - messages_.data());
  std::rotate(place, std::next(place), messages_.end());
  Parts& newest = messages_.back();
  return newest.IsWhole() ? Whole(suite, newest) : ByteView();
}

Result<ByteView> Fragments::Whole(const crypto::Suite& suite, Parts& parts) {
  whole_.clear();
  for (size_t i = 0; i < parts.count; ++i) {
    whole_.insert(whole_.end(), parts.each[i].begin(), parts.each[i].end());
  }
  const Digest hash = HashOf(suite, whole_);
  const bool is_it = Equal(ByteView(hash).first(FragmentPayload::kHashSize), parts.hash.view());
  parts = {};
  if (!is_it) return Err(Error::kAuthenticationFailed);
  return ByteView(whole_);
}

Result<ByteView> FragmentsByAddress::Take(const crypto::Suite& suite, ByteView address,
                                          CsbId csb_id, const FragmentPayload& fragment,
                                          Instant now) {
  const Bytes key(address.begin(), address.end());
  if (!by_address_.contains(key)) MakeRoom(now);
  return by_address_[key].Take(suite, csb_id, fragment, now);
}

void FragmentsByAddress::MakeRoom(Instant now) {
  std::erase_if(by_address_, [now](const auto& each) { return each.second.IsPast(now); });
  if (by_address_.size() < capacity_) return;
  const auto oldest = std::min_element(
      by_address_.begin(), by_address_.end(),
      [](const auto& a, const auto& b) { return a.second.last() < b.second.last(); });
  by_address_.erase(oldest);
}

}  // namespace keymast::mikey::v2
