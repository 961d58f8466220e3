// SPDX-License-Identifier: Apache-2.0
#include "receiver/member_state.h"

#include "base/cursor.h"
#include "shell/files.h"

namespace keymast::receiver {
namespace {

constexpr std::string_view kMagic = "keymast-receiver ticket ";
constexpr uint8_t kVersion = '1';
constexpr size_t kDigest = 32;

void PutIdentity(Writer& writer, const mikey::Identity& identity) {
  writer.U8(static_cast<uint8_t>(identity.type));
  writer.U8(static_cast<uint8_t>(identity.data.size()));
  writer.Put(identity.data);
}

mikey::OwnedIdentity TakeIdentity(Reader& reader) {
  const auto type = static_cast<mikey::IdType>(reader.U8());
  return mikey::OwnedIdentity({type, reader.Take(reader.U8())});
}

}  // namespace

Result<size_t> TicketToOctets(const mikey::v2::Resumption& ticket, MutableBytes out) {
  Writer writer(out);
  writer.Put(AsBytes(kMagic));
  writer.U8(kVersion);
  writer.U64(static_cast<uint64_t>(ToUnixNanos(ticket.expiry)));
  writer.U8(ticket.is_dh ? 1 : 0);
  writer.U8(static_cast<uint8_t>(ticket.secret.size()));
  writer.Put(ticket.secret.view());
  PutIdentity(writer, ticket.offerer.view());
  PutIdentity(writer, ticket.answerer.view());
  writer.U16(static_cast<uint16_t>(ticket.ticket.size()));
  writer.Put(ticket.ticket);
  if (!writer.ok()) return Err(Error::kTooLong);
  const auto digest = crypto::Sha256(writer.written());
  writer.Put(digest);
  return writer.ok() ? Result<size_t>(writer.size()) : Err(Error::kTooLong);
}

Result<mikey::v2::Resumption> TicketFromOctets(const crypto::Suite& suite, ByteView octets) {
  if (octets.size() < kMagic.size() + 1 + kDigest) return Err(Error::kCorrupt);
  if (AsText(octets.first(kMagic.size())) != kMagic) return Err(Error::kCorrupt);
  if (octets[kMagic.size()] != kVersion) return Err(Error::kNewerFormat);
  const ByteView head = octets.first(octets.size() - kDigest);
  if (!Equal(crypto::Sha256(head), octets.last(kDigest))) return Err(Error::kCorrupt);
  Reader reader(head.subspan(kMagic.size() + 1));
  mikey::v2::Resumption ticket;
  ticket.expiry = FromUnixNanos(static_cast<int64_t>(reader.U64()));
  const uint8_t is_dh = reader.U8();
  ticket.is_dh = is_dh == 1;
  const ByteView secret = reader.Take(reader.U8());
  if (secret.size() != 32 || is_dh > 1) return Err(Error::kCorrupt);
  ticket.secret = crypto::Key32(secret);
  ticket.offerer = TakeIdentity(reader);
  ticket.answerer = TakeIdentity(reader);
  const ByteView opaque = reader.Take(reader.U16());
  ticket.ticket.assign(opaque.begin(), opaque.end());
  const bool is_whole = reader.Finish() && !opaque.empty() &&
                        opaque.size() <= mikey::v2::kMaxTicket && !ticket.offerer.view().empty() &&
                        !ticket.answerer.view().empty();
  if (!is_whole) return Err(Error::kCorrupt);
  ticket.id = mikey::v2::TicketIdOf(suite, ticket.ticket);
  ticket.is_sealed = true;  // those of controllers are alone kept
  return ticket;
}

std::optional<mikey::v2::Resumption> MemberState::ticket() const {
  if (counters_ == nullptr) return std::nullopt;
  crypto::SecretScratch<kMaxTicketFile> scratch;
  const Result<size_t> size = shell::ReadSecretFile(ticket_path_, scratch.Room());
  if (!size) return std::nullopt;
  auto ticket = TicketFromOctets(crypto::DefaultSuite(), scratch.Keep(*size));
  if (!ticket) return std::nullopt;
  return std::move(*ticket);
}

bool MemberState::Keep(const MemberTs& ts) {
  return counters_ == nullptr || counters_->SaveMember(uri_, ts).has_value();
}

// The file is emptied, not deleted: it is there before a ticket is shown, and after.
bool MemberState::KeepTicket(const mikey::v2::Resumption* ticket) {
  if (counters_ == nullptr) return true;
  crypto::SecretScratch<kMaxTicketFile> scratch;
  ByteView octets;
  if (ticket != nullptr) {
    const Result<size_t> size = TicketToOctets(*ticket, scratch.Room());
    if (!size) return false;
    octets = scratch.Keep(*size);
  }
  return shell::ReplaceStateFile(ticket_path_, AsText(octets)).has_value();
}

}  // namespace keymast::receiver
