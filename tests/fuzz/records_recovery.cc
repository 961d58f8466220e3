// SPDX-License-Identifier: Apache-2.0
// What a start reads from a data directory. The first octet says what the rest is: the entries as
// they stand, or entries whose bodies are sealed here, so that what lies behind the seal is
// reached. Entries: length of the key (1 octet), key, length of the value (2), value. Sealed ones
// have number and incarnation (1 octet each) before their body; the hash of the record before is
// put in place, and pages are vouched for, where the second bit of the first octet says so. A meta
// entry has what is in clear, behind its length (2), before its body.
#include "base/cursor.h"
#include "records/audit_log.h"
#include "records/envelope.h"
#include "records/meta.h"
#include "records/recovery.h"
#include "store/memory_store.h"

namespace {

using namespace keymast;
using namespace keymast::records;

class Data {
 public:
  void Read(Reader& reader, uint8_t choice) {
    while (!reader.empty() && reader.ok() && values_.size() < 64) {
      const ByteView name = reader.Take(reader.U8());
      const ByteView value = reader.Take(std::min<size_t>(reader.U16(), reader.remaining()));
      const std::string key(AsText(name));
      if (!reader.ok() || key.empty() || values_.contains(key)) continue;
      values_[key] = (choice & 1) == 0 ? Bytes(value.begin(), value.end())
                                       : Sealed(key, value, (choice & 2) != 0);
    }
  }

  void Recover() {
    store::Batch batch;
    batch.puts.assign(values_.begin(), values_.end());
    batch.fence = store_->fence();
    if (!store_->Commit(batch)) return;
    const auto value = values_.find(std::string(kMetaKey));
    if (value != values_.end()) static_cast<void>(MasterKeyIdsIn(value->second));
    const auto meta = ReadMeta(*store_, {&master_key_}, "fuzz");
    const Envelope envelope(meta ? meta->record_keys : std::vector{first_}, rng_);
    const auto recovered = records::Recover(*store_, envelope, {}, "fuzz");
    if (recovered) KEYMAST_CHECK(!recovered->journal.empty());
  }

 private:
  Bytes Sealed(const std::string& key, ByteView value, bool follows) {
    Reader reader(value);
    const Header header{reader.U8(), reader.U8()};
    ByteView body = reader.rest();
    if (key == kMetaKey) return SealedMeta(value);
    if (key.starts_with(kAuditPrefix)) return Bytes(value.begin(), value.end());
    if (!key.starts_with(kJournalPrefix)) {
      Bytes page = envelope_.Seal(EntryType::kPage, key, header, body);
      Toggle(pages_, envelope_.FingerprintOf(key, page));
      return page;
    }
    const auto record = ReadRecord(body);
    crypto::SecretBytes followed;
    if (record && follows) {
      Record changed = record->record;
      changed.previous_hash = previous_;
      changed.pages = pages_;
      followed = WriteRecord(changed, record->changes);
      body = followed;
    }
    const Bytes sealed = envelope_.Seal(EntryType::kRecord, key, header, body);
    previous_ = crypto::Sha256(sealed);
    return sealed;
  }

  // What is in clear of a meta entry is as the input has it, its size (2) before; the body is
  // sealed under the key that the master key here has wrapped.
  Bytes SealedMeta(ByteView value) {
    Reader reader(value);
    const ByteView clear = reader.Take(std::min<size_t>(reader.U16(), reader.remaining()));
    Bytes meta(clear.begin(), clear.end());
    const Bytes sealed = crypto::Sealer(wrapped_.key).Seal(meta, reader.rest(), rng_);
    meta.insert(meta.end(), sealed.begin(), sealed.end());
    return meta;
  }

  crypto::SeededRng rng_{1};
  const crypto::LocalMasterKey master_key_{crypto::SecretKey<32>(Bytes(32, 7))};
  const WrappedKey wrapped_ = *WrapMetaKey(master_key_, rng_);
  const RecordKey first_ = FirstRecordKey(*master_key_.octets());
  const Envelope envelope_{{first_}, rng_};
  const std::unique_ptr<store::Store> store_ = store::OpenMemoryStore(store::MakeMemoryDisk());
  std::map<std::string, Bytes> values_;
  Hash previous_{};
  Fingerprint pages_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader reader({data, size});
  const uint8_t choice = reader.U8();
  Data values;
  values.Read(reader, choice);
  values.Recover();
  return 0;
}
