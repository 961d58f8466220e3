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

bool Fragments::IsOf(CsbId csb_id, const FragmentPayload& fragment) const {
  return csb_id == csb_id_ && fragment.count == count_ && Equal(fragment.hash, hash_.view());
}

void Fragments::Begin(CsbId csb_id, const FragmentPayload& fragment, Instant now) {
  csb_id_ = csb_id;
  hash_ = Octets<FragmentPayload::kHashSize>(fragment.hash);
  count_ = fragment.count;
  size_ = 0;
  begun_ = now;
  for (Bytes& part : parts_) part.clear();
}

Result<ByteView> Fragments::Take(const crypto::Suite& suite, CsbId csb_id,
                                 const FragmentPayload& fragment, Instant now) {
  const bool can_be = fragment.count >= 2 && fragment.count <= kMaxFragments &&
                      fragment.index < fragment.count && !fragment.data.empty();
  if (!can_be) return Err(Error::kMalformed);
  const bool is_free = IsPast(now) || now - last_ >= kIdle;
  if (!IsOf(csb_id, fragment) && !is_free) return Err(Error::kUnexpected);
  if (!IsOf(csb_id, fragment) || IsPast(now)) Begin(csb_id, fragment, now);
  last_ = now;
  Bytes& part = parts_[fragment.index];
  if (!part.empty()) return ByteView();  // of two of one index the first stays
  if (size_ + fragment.data.size() > kMaxWhole) return Err(Error::kTooLong);
  part.assign(fragment.data.begin(), fragment.data.end());
  size_ += part.size();
  const auto is_there = [](const Bytes& each) { return !each.empty(); };
  if (!std::all_of(parts_.begin(), parts_.begin() + fragment.count, is_there)) return ByteView();
  return Whole(suite);
}

Result<ByteView> Fragments::Whole(const crypto::Suite& suite) {
  whole_.clear();
  for (size_t i = 0; i < count_; ++i) {
    whole_.insert(whole_.end(), parts_[i].begin(), parts_[i].end());
  }
  count_ = 0;
  const Digest hash = HashOf(suite, whole_);
  const bool is_it = Equal(ByteView(hash).first(FragmentPayload::kHashSize), hash_.view());
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
      [](const auto& a, const auto& b) { return a.second.begun() < b.second.begun(); });
  by_address_.erase(oldest);
}

}  // namespace keymast::mikey::v2
