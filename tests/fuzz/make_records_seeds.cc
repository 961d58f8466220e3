// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of records_recovery: make_records_seeds tests/fuzz/corpus
#include <cstdio>
#include <fstream>

#include "records/audit_log.h"
#include "records/codec.h"
#include "records/meta.h"
#include "records/page.h"
#include "tests/unit/records/site.h"

namespace keymast::records {
namespace {

namespace fs = std::filesystem;

void Append(Bytes& input, const std::string& key, ByteView value) {
  input.push_back(static_cast<uint8_t>(key.size()));
  input.insert(input.end(), key.begin(), key.end());
  input.push_back(static_cast<uint8_t>(value.size() >> 8));
  input.push_back(static_cast<uint8_t>(value.size()));
  input.insert(input.end(), value.begin(), value.end());
}

EntryType TypeOf(const std::string& key) {
  return key.starts_with(kJournalPrefix) ? EntryType::kRecord : EntryType::kPage;
}

// UnsealedMeta is the meta entry as the target seals it: under the key that it wraps itself, with
// the record key that it seals everything else under.
Bytes UnsealedMeta(const Meta& meta, const crypto::MasterKey& master_key) {
  crypto::SeededRng rng(1);
  Meta changed = meta;
  changed.in_use = *WrapMetaKey(master_key, rng);
  changed.record_keys = {FirstRecordKey(*master_key.octets())};
  const Bytes value = WriteMeta(changed, rng);
  // The body is what no key opens at any other length.
  for (size_t clear = 0; clear + crypto::Sealer::kOverhead <= value.size(); ++clear) {
    const auto body = crypto::Sealer(changed.in_use.key)
                          .Open(ByteView(value).first(clear), ByteView(value).subspan(clear));
    if (!body) continue;
    Bytes unsealed{static_cast<uint8_t>(clear >> 8), static_cast<uint8_t>(clear)};
    unsealed.insert(unsealed.end(), value.begin(), value.begin() + static_cast<long>(clear));
    unsealed.insert(unsealed.end(), body->begin(), body->end());
    return unsealed;
  }
  KEYMAST_CHECK(false);
  return {};
}

// Unsealed has number, incarnation and body of an entry.
Bytes Unsealed(const Envelope& envelope, const store::Entry& entry) {
  const auto opened = envelope.Open(TypeOf(entry.key), entry.key, entry.value);
  KEYMAST_CHECK(opened.has_value());
  Bytes body{static_cast<uint8_t>(opened->header.number),
             static_cast<uint8_t>(opened->header.incarnation)};
  body.insert(body.end(), opened->body.begin(), opened->body.end());
  return body;
}

// History is a store after some changes, as it stands and without its seals.
void Save(const fs::path& folder, const std::string& name, uint64_t seed, int steps) {
  Site site;
  Dice dice(seed);
  Repository::Opened opened = site.Start();
  const Meta meta = *ReadMeta(*site.running, {&site.master_key}, "seeds");
  const Envelope envelope(meta.record_keys, site.rng);
  for (int i = 0; i < steps; ++i) {
    std::vector<rekey::Change> changes;
    for (int k = 0; k < 2; ++k) changes.push_back(dice.Event());
    KEYMAST_CHECK(opened.repository->Commit(changes).has_value());
  }
  Bytes sealed{0};
  Bytes bare{1};
  for (const store::Entry& entry : EntriesOf(*site.running)) {
    if (entry.key.starts_with(kAuditPrefix)) continue;  // no start looks at them
    Append(sealed, entry.key, entry.value);
    Append(bare, entry.key,
           entry.key == kMetaKey ? UnsealedMeta(meta, site.master_key) : Unsealed(envelope, entry));
  }
  fs::create_directories(folder);
  std::ofstream(folder / (name + "_sealed"), std::ios::binary) << AsText(sealed);
  std::ofstream(folder / name, std::ios::binary) << AsText(bare);
  bare[0] = 3;
  std::ofstream(folder / (name + "_vouched"), std::ios::binary) << AsText(bare);
}

// SaveBodies writes what stands behind seals, for the target `records`: its first octet says what
// follows. Each kind of change, pages of each kind, and an entry of the audit log.
void SaveBodies(const fs::path& folder) {
  constexpr std::string_view kKinds = "chmnrsdtoq";
  fs::create_directories(folder);
  const auto save = [&folder](const std::string& name, uint8_t kind, ByteView body) {
    Bytes input{kind};
    input.insert(input.end(), body.begin(), body.end());
    std::ofstream(folder / name, std::ios::binary) << AsText(input);
  };
  Dice dice(77);
  crypto::SecretBytes changes;
  for (size_t kind = 0; kind < kAlternatives; ++kind) {
    for (int i = 0; i < 3; ++i) {
      KEYMAST_CHECK(records::Append(dice.Value(kind), changes).has_value());
    }
  }
  save("made_changes", 0, changes);
  crypto::SecretBytes audited;
  for (int i = 0; i < 4; ++i) KEYMAST_CHECK(AppendAudit(dice.AuditRecord(), audited).has_value());
  save("made_audit", static_cast<uint8_t>(2 + kKinds.size()), audited);
  rekey::State state;
  for (int i = 0; i < 900; ++i) rekey::Apply(state, dice.Event());
  // Pages that the target reads are of these names.
  const ChannelId news("news");
  rekey::Apply(state, rekey::ChannelPut{dice.Channel(news)});
  rekey::Apply(state, rekey::LadderPut{news, dice.Ladder()});
  rekey::Apply(state, rekey::SchedulePut{news, dice.Schedule(ScheduleId("night"))});
  rekey::Apply(state, rekey::HeadendPut{dice.Headend(HeadendId("studio"))});
  rekey::Apply(state, rekey::OperationPut{dice.Operation(OperationId("rekey-1"))});
  for (int i = 0; i < 4; ++i) {
    const SubscriberId id("m" + std::to_string(i));
    rekey::Apply(state, rekey::MemberPut{news, dice.Member(id)});
  }
  for (size_t kind = 0; kind < kKinds.size(); ++kind) {
    PageName name{static_cast<PageKind>(kKinds[kind]), news, {}};
    if (name.kind == PageKind::kHeadend) name = {name.kind, {}, "studio"};
    if (name.kind == PageKind::kOperation) name = {name.kind, {}, "rekey-1"};
    const auto pages = WritePages(name, state, 12);
    if (pages.empty()) continue;
    save(std::string("made_page_") + kKinds[kind], static_cast<uint8_t>(2 + kind),
         pages.front().body);
  }
}

}  // namespace
}  // namespace keymast::records

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
    return 2;
  }
  const std::filesystem::path folder = std::filesystem::path(argv[1]) / "records_recovery";
  for (const int steps : {0, 2, 4, 8, 14, 24, 40}) {
    keymast::records::Save(folder, "steps_" + std::to_string(steps), 5, steps);
  }
  keymast::records::SaveBodies(std::filesystem::path(argv[1]) / "records");
  return 0;
}
