// SPDX-License-Identifier: Apache-2.0
#include "records/codec.h"

#include "records/fields.h"

namespace keymast::records {
namespace {

template <class T>
constexpr uint8_t kTag = 0;
// Tags are part of the record format: a number is never given to another change.
template <>
constexpr uint8_t kTag<rekey::ChannelPut> = 23;
constexpr uint8_t kOldChannelPut = 1;
template <>
constexpr uint8_t kTag<rekey::ChannelDeleted> = 2;
template <>
constexpr uint8_t kTag<rekey::LadderPut> = 3;
template <>
constexpr uint8_t kTag<rekey::PositionsPut> = 4;
template <>
constexpr uint8_t kTag<rekey::RekeyRecorded> = 5;
template <>
constexpr uint8_t kTag<rekey::SubscriberPut> = 6;
template <>
constexpr uint8_t kTag<rekey::SubscriberDeleted> = 7;
template <>
constexpr uint8_t kTag<rekey::MemberPut> = 8;
template <>
constexpr uint8_t kTag<rekey::MemberDeleted> = 9;
template <>
constexpr uint8_t kTag<rekey::MemberConfirmed> = 10;
template <>
constexpr uint8_t kTag<rekey::HeadendPut> = 11;
template <>
constexpr uint8_t kTag<rekey::HeadendDeleted> = 12;
template <>
constexpr uint8_t kTag<rekey::MukCounterReserved> = 13;
template <>
constexpr uint8_t kTag<rekey::KeyGroupRetired> = 14;
template <>
constexpr uint8_t kTag<rekey::UnknownGroupsSkipped> = 15;
template <>
constexpr uint8_t kTag<rekey::TicketKeyPut> = 16;
template <>
constexpr uint8_t kTag<rekey::TicketKeyDropped> = 17;
template <>
constexpr uint8_t kTag<rekey::TicketSpent> = 18;
template <>
constexpr uint8_t kTag<rekey::TicketForgotten> = 19;
template <>
constexpr uint8_t kTag<rekey::TicketsPast> = 20;
template <>
constexpr uint8_t kTag<rekey::DepartedKept> = 21;
template <>
constexpr uint8_t kTag<rekey::ReportsSkipped> = 22;
template <>
constexpr uint8_t kTag<rekey::SchedulePut> = 24;
template <>
constexpr uint8_t kTag<rekey::ScheduleDeleted> = 25;
template <>
constexpr uint8_t kTag<rekey::RequestKept> = 26;
template <>
constexpr uint8_t kTag<rekey::RequestForgotten> = 27;
template <>
constexpr uint8_t kTag<rekey::Audited> = 28;
template <>
constexpr uint8_t kTag<rekey::OperationPut> = 29;
template <>
constexpr uint8_t kTag<rekey::OperationMoved> = 30;
template <>
constexpr uint8_t kTag<rekey::OperationForgotten> = 31;

template <class Coder>
void Write(Coder& coder, const rekey::Change& change) {
  std::visit(
      [&](const auto& one) {
        using One = std::remove_cvref_t<decltype(one)>;
        static_assert(kTag<One> != 0);
        coder.Unsigned(kTag<One>, 1);
        Fields(coder, one);
      },
      change);
}

// ReadOne reads the alternative with this tag into `change`; false when it is another's.
template <class One>
bool ReadOne(uint64_t tag, Decoder& decoder, rekey::Change& change) {
  if (tag != kTag<One>) return false;
  Fields(decoder, change.emplace<One>());
  return true;
}

template <class... One>
bool ReadAny(uint64_t tag, Decoder& decoder, std::variant<One...>& change) {
  if (tag == kOldChannelPut) {
    ReadOldChannelPut(decoder, change.template emplace<rekey::ChannelPut>());
    return true;
  }
  return (ReadOne<One>(tag, decoder, change) || ...);
}

}  // namespace

Status Append(const rekey::Change& change, crypto::SecretBytes& out) {
  const size_t before = out.size();
  Encoder encoder(out);
  Write(encoder, change);
  if (encoder.ok()) return {};
  out.resize(before);
  return Err(Error::kTooLong);
}

Result<size_t> SizeOf(const rekey::Change& change) {
  Sizer sizer;
  Write(sizer, change);
  if (!sizer.ok()) return Err(Error::kTooLong);
  return sizer.size();
}

Status ForEachChange(ByteView octets, const OnChange& on_change) {
  Decoder decoder(octets);
  while (!decoder.empty()) {
    const size_t begin = octets.size() - decoder.remaining();
    rekey::Change change;
    const bool known = ReadAny(decoder.Unsigned(1), decoder, change);
    if (!known || !decoder.ok()) return Err(Error::kCorrupt);
    on_change(change, octets.subspan(begin, octets.size() - decoder.remaining() - begin));
  }
  return {};
}

}  // namespace keymast::records
