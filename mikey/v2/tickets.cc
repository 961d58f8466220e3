// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/tickets.h"

#include "base/cursor.h"

namespace keymast::mikey::v2 {
namespace {

constexpr std::string_view kPurpose = "keymast mikeyv2 ticket 1";
constexpr size_t kOwnTicket = 32;  // octets of one that only names
constexpr size_t kMaxSealed = 1 + 4 + 8 + 8 + 32 + 2 * (3 + kMaxIdentity);
// The first octet of what is sealed.
constexpr uint8_t kIsDh = 1;
constexpr uint8_t kByCertificate = 2;  // its end follows

void PutIdentity(Writer& writer, const OwnedIdentity& identity) {
  writer.U8(static_cast<uint8_t>(identity.type));
  writer.U16(identity.data.size());
  writer.Put(identity.data.view());
}

void PutInstant(Writer& writer, Instant instant) {
  const auto nanos = static_cast<uint64_t>(ToUnixNanos(instant));
  writer.U32(static_cast<uint32_t>(nanos >> 32));
  writer.U32(static_cast<uint32_t>(nanos));
}

Instant TakeInstant(Reader& reader) {
  const uint64_t high = reader.U32();
  return FromUnixNanos(static_cast<int64_t>(high << 32 | reader.U32()));
}

// TakeIdentity is false for one that is too long.
bool TakeIdentity(Reader& reader, OwnedIdentity& identity) {
  identity.type = static_cast<IdType>(reader.U8());
  const ByteView data = reader.Take(reader.U16());
  if (!reader.ok() || data.size() > kMaxIdentity) return false;
  identity.data = Octets<kMaxIdentity>(data);
  return true;
}

}  // namespace

std::optional<Resumption> PeerTickets::Find(ByteView ticket, ByteView id, Instant now) const {
  TicketId wanted{};
  if (ticket.empty() && id.size() != wanted.size()) return std::nullopt;
  if (ticket.empty()) {
    std::copy(id.begin(), id.end(), wanted.begin());
  } else {
    wanted = TicketIdOf(suite_, ticket);
  }
  const auto found = held_.find(wanted);
  if (found == held_.end() || now >= found->second.resumption.expiry) return std::nullopt;
  return found->second.resumption;
}

bool PeerTickets::Spend(const Resumption& resumption, const Digest&) {
  return held_.erase(resumption.id) > 0;
}

std::optional<Resumption> PeerTickets::Give(Resumption fresh, Instant, crypto::Rng& rng) {
  fresh.ticket.resize(kOwnTicket);
  rng.Fill(fresh.ticket);
  fresh.id = TicketIdOf(suite_, fresh.ticket);
  fresh.is_sealed = false;
  Keep(fresh);
  return fresh;
}

void PeerTickets::Keep(Resumption resumption) {
  if (held_.size() >= capacity_) {
    held_.erase(std::min_element(held_.begin(), held_.end(), [](const auto& a, const auto& b) {
      return a.second.resumption.expiry < b.second.resumption.expiry;
    }));
  }
  const TicketId id = resumption.id;
  held_.insert_or_assign(id, Held{std::move(resumption), false});
}

std::optional<Resumption> PeerTickets::Take(const Identity& offerer, const Identity& answerer,
                                            Instant now, const std::optional<Digest>& by) {
  std::erase_if(held_, [now](const auto& each) { return now >= each.second.resumption.expiry; });
  for (auto& [id, held] : held_) {
    const Resumption& one = held.resumption;
    if (held.is_shown || !IsFor(one, offerer, answerer, !one.is_sealed, now)) continue;
    if (by && !IsBy(one.standing, *by)) continue;
    held.is_shown = true;
    return one;
  }
  return std::nullopt;
}

void TicketSealer::AddKey(uint8_t number, const crypto::SecretKey<32>& key) {
  keys_.insert_or_assign(number, key);
  current_ = number;
}

Result<Bytes> TicketSealer::Seal(const Resumption& resumption, uint32_t generation,
                                 crypto::Rng& rng) const {
  const auto key = keys_.find(current_);
  if (key == keys_.end()) return Err(Error::kFailedPrecondition);
  crypto::SecretScratch<kMaxSealed> plain;
  Writer writer(plain.Room());
  const Standing& standing = resumption.standing;
  writer.U8((resumption.is_dh ? kIsDh : 0) | (standing.by_certificate ? kByCertificate : 0));
  writer.U32(generation);
  PutInstant(writer, resumption.expiry);
  if (standing.by_certificate) PutInstant(writer, standing.until);
  writer.Put(resumption.secret.view());
  PutIdentity(writer, resumption.offerer);
  PutIdentity(writer, resumption.answerer);
  KEYMAST_CHECK(writer.ok() && resumption.secret.size() == 32);
  plain.Keep(writer.size());
  Bytes ticket{current_};
  const Bytes sealed = crypto::Sealer(key->second).Seal(AsBytes(kPurpose), plain.view(), rng);
  ticket.insert(ticket.end(), sealed.begin(), sealed.end());
  return ticket;
}

Result<TicketSealer::Opened> TicketSealer::Open(const crypto::Suite& suite, ByteView ticket) const {
  if (ticket.empty()) return Err(Error::kTruncated);
  const auto key = keys_.find(ticket[0]);
  if (key == keys_.end()) return Err(Error::kUnknownKey);
  const auto plain = crypto::Sealer(key->second).Open(AsBytes(kPurpose), ticket.subspan(1));
  if (!plain) return Err(plain.error());
  Opened opened;
  Resumption& resumption = opened.resumption;
  Reader reader(*plain);
  const uint8_t flags = reader.U8();
  resumption.is_dh = (flags & kIsDh) != 0;
  opened.generation = reader.U32();
  resumption.expiry = TakeInstant(reader);
  if ((flags & kByCertificate) != 0) resumption.standing = {true, TakeInstant(reader)};
  resumption.secret = crypto::Key32(reader.Take(32));
  const bool is_read =
      TakeIdentity(reader, resumption.offerer) && TakeIdentity(reader, resumption.answerer);
  if (!is_read || !reader.Finish()) return Err(Error::kMalformed);
  resumption.ticket.assign(ticket.begin(), ticket.end());
  resumption.id = TicketIdOf(suite, ticket);
  resumption.is_sealed = true;
  return opened;
}

}  // namespace keymast::mikey::v2
