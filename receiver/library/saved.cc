// SPDX-License-Identifier: Apache-2.0
#include "receiver/library/saved.h"

#include "mikey/wire.h"

namespace keymast::receiver::library {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kCheckSize = 8;  // of SHA-256 of all in front: against half a write, not forgery

// The fields, in the order in which they are written (mikey/wire.h).
template <class Io, class T>
void DescribeSender(Io& io, T& sender, ByteView& name) {
  io.Octets("name", name, sizeof(Name));
  io.U32("counter", sender.counter);
}
template <class Io, class T>
void DescribeGroup(Io& io, T& group, ByteView& name, ByteView& domain, uint32_t& msk) {
  io.Octets("name", name, sizeof(Name));
  io.Octets("key_domain_id", domain, 3);
  io.U32("msk_id", msk);
  io.U32("mtk_counter", group.mtk_counter);
  io.U16("mtk_id", group.mtk.value);
  io.U32("report_t", group.report_t);
  io.U32("keys_t", group.keys_t);
}

std::array<uint8_t, 32> HashOf(const crypto::Suite& suite, ByteView octets) {
  std::array<uint8_t, 32> hash{};
  const std::array<ByteView, 1> parts{octets};
  suite.sha256(parts, hash);
  return hash;
}

template <class List>
auto* Find(List& list, const Name& name) {
  const auto items = list.mutable_view();
  const auto found =
      std::ranges::find_if(items, [&](const auto& item) { return item.name == name; });
  return found == items.end() ? nullptr : &*found;
}

Status ReadLists(Reader& reader, Saved& saved) {
  mikey::ReadIo io(reader);
  const size_t senders = reader.U8();
  const size_t groups = reader.U8();
  if (senders > Saved::kSenders || groups > KEYMAST_CHANNELS) return Err(Error::kCorrupt);
  for (size_t i = 0; i < senders && io.ok(); ++i) {
    SavedSender& sender = saved.senders.Add({});
    ByteView name;
    DescribeSender(io, sender, name);
    std::copy(name.begin(), name.end(), sender.name.begin());
  }
  for (size_t i = 0; i < groups && io.ok(); ++i) {
    SavedGroup& group = saved.groups.Add({});
    ByteView name;
    ByteView domain;
    uint32_t msk = 0;
    DescribeGroup(io, group, name, domain, msk);
    std::copy(name.begin(), name.end(), group.name.begin());
    std::copy(domain.begin(), domain.end(), group.domain.octets.begin());
    group.msk = MskId::FromValue(msk);
  }
  return io.Finish() ? Status() : Err(Error::kCorrupt);
}

}  // namespace

Name NameOf(const crypto::Suite& suite, ByteView octets) {
  const auto hash = HashOf(suite, octets);
  Name name{};
  std::copy_n(hash.begin(), name.size(), name.begin());
  return name;
}

SavedSender* Saved::FindSender(const Name& name) { return Find(senders, name); }
SavedGroup* Saved::FindGroup(const Name& name) { return Find(groups, name); }

ByteView WriteSaved(const crypto::Suite& suite, const Saved& saved,
                    std::span<uint8_t, KEYMAST_SAVED_SIZE> out) {
  Writer writer(out);
  mikey::WriteIo io(writer);
  writer.U8(kVersion);
  writer.U8(saved.senders.size());
  writer.U8(saved.groups.size());
  for (const SavedSender& sender : saved.senders) {
    ByteView name(sender.name);
    DescribeSender(io, sender, name);
  }
  for (const SavedGroup& group : saved.groups) {
    ByteView name(group.name);
    ByteView domain(group.domain.octets);
    uint32_t msk = group.msk.value();
    DescribeGroup(io, group, name, domain, msk);
  }
  writer.Put(ByteView(HashOf(suite, writer.written())).first(kCheckSize));
  KEYMAST_CHECK(writer.ok());
  return writer.written();
}

Status ReadSaved(const crypto::Suite& suite, ByteView octets, Saved& saved) {
  if (octets.empty()) return {};
  if (octets[0] > kVersion) return Err(Error::kNewerFormat);
  if (octets.size() < 1 + kCheckSize || octets[0] != kVersion) return Err(Error::kCorrupt);
  const ByteView body = octets.first(octets.size() - kCheckSize);
  const auto check = HashOf(suite, body);
  if (!Equal(ByteView(check).first(kCheckSize), octets.last(kCheckSize))) {
    return Err(Error::kCorrupt);
  }
  Reader reader(body.subspan(1));
  Saved read;
  if (Status lists = ReadLists(reader, read); !lists) return lists;
  saved = read;
  return {};
}

}  // namespace keymast::receiver::library
