// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/loose_keys.h"

#include "mikey/v2/capabilities.h"
#include "mikey/v2/protection.h"

namespace keymast::mikey::v2 {
namespace {

constexpr std::array<uint8_t, 32> kNoMacYet{};

// The rows of MIKEYv2 §4.4.
Protection OfAnswer(const ReportBinding& report, EncrAlg encr, ByteView rand_r) {
  Protection protection;
  protection.encr = encr;
  protection.inkey = report.r.view();
  protection.csb_id = report.csb_id;
  protection.type = DataType::kKeys;
  protection.rand_i = report.rand.view();
  protection.rand_r = rand_r;
  protection.context = report.hash;
  protection.first = report.hash;
  return protection;
}

Protection OfUnasked(const crypto::Key32& r, CsbId csb_id, uint32_t t, EncrAlg encr,
                     ByteView rand_r) {
  Protection protection;
  protection.encr = encr;
  protection.inkey = r.view();
  protection.csb_id = csb_id;
  protection.type = DataType::kKeys;
  protection.rand_r = rand_r;
  protection.t = t;
  return protection;
}

void AddFresh(ByteView fresh, ChainWriter& chain) {
  if (fresh.empty()) return;
  Capabilities told;
  told.fresh = fresh;
  std::array<uint8_t, kTlvHead + kFreshSize> tlvs{};
  const Result<size_t> size = WriteCapabilities(told, tlvs);
  KEYMAST_CHECK(size.has_value());
  chain.Add(CapPayload{kCapVersion, ByteView(tlvs).first(*size)});
}

// Write writes KEYS under a row: with RANDR(1) or with T.
Result<size_t> Write(const crypto::Suite& suite, const Protection& protection, bool is_unasked,
                     const KeysContent& content, MutableBytes out) {
  KEYMAST_CHECK(content.rand_r.size() == kRandOctets);
  crypto::SecretScratch<kMaxPlain> scratch;
  const Result<size_t> size = WriteContents(content.contents, scratch.Room());
  if (!size) return size;
  const ByteView plain = scratch.Keep(*size);
  std::array<uint8_t, kMaxEncrypted> room{};
  const MutableBytes sealed =
      MutableBytes(room).first(EncryptedSize(protection.encr, plain.size()));
  Encrypt(suite, protection, plain, sealed);
  const SessionMap map(content.streams.sessions.view(), CsIdMapType::kGenericId);
  Header header;
  header.version = kVersion2;
  header.data_type = DataType::kKeys;
  header.prf = PrfFunc::kHmacSha256;  // MIKEYv2 §3.1
  header.csb_id = protection.csb_id.value;
  if (!content.streams.sessions.empty()) map.Describe(header);
  ChainWriter chain(out, header);
  if (!is_unasked) chain.Add(RandrPayload{RandRole::kInitiator, protection.rand_i});
  chain.Add(RandrPayload{RandRole::kResponder, content.rand_r});
  AddFresh(content.fresh, chain);
  std::array<uint8_t, 4> t{};
  Writer(t).U32(protection.t);
  if (is_unasked) chain.Add(TPayload{TsType::kCounter, t});
  for (const CsbPolicy& policy : content.streams.policies) chain.Add(policy.Payload());
  chain.Add(KemacPayload{protection.encr, sealed, MacAlg::kHmacSha256_256, kNoMacYet});
  if (!chain.ok()) return Err(Error::kTooLong);
  ComputeMac(suite, protection, chain.Head(kNoMacYet.size()), chain.Tail(kNoMacYet.size()));
  return chain.size();
}

}  // namespace

void TakenKeys::Wipe() {
  contents_ = {};
  plain_.Room();
  plain_.Keep(0);
}

namespace {

// KeysForm is KEYS as they are read: nothing of them is believed.
struct KeysForm {
  Message message;
  Parts parts;
  ByteView fresh;

  Status Read(ByteView datagram, CsbId csb_id);
};

Status KeysForm::Read(ByteView datagram, CsbId csb_id) {
  if (Status parsed = ParseMessage(datagram, message); !parsed) return parsed;
  const Result<Parts> found = ReadParts(message, Form::kKeys);
  if (!found) return Err(found.error());
  parts = *found;
  if (message.header.prf != PrfFunc::kHmacSha256) return Err(Error::kUnsupportedAlgorithm);
  if (message.header.csb_id != csb_id.value) return Err(Error::kUnknownChannel);
  if (parts.cap == nullptr) return {};
  // MIKEYv2 §3.4: the CAP payload of KEYS has `fresh` alone.
  const Result<Capabilities> told = ReadCapabilities(*parts.cap);
  if (!told) return Err(told.error());
  fresh = told->fresh;
  for (const TlvInfo& info : Tlvs()) {
    const bool has = !((*told).*(info.field)).empty();
    if (has != (info.type == TlvType::kFresh)) return Err(Error::kMalformed);
  }
  return {};
}

}  // namespace

// KeysOpener opens KEYS under their row, and replaces what was taken when all of it is good.
class KeysOpener {
 public:
  KeysOpener(const crypto::Suite& suite, const GroupName& group) : suite_(suite), group_(group) {}

  Status Open(ByteView datagram, const KeysForm& form, const Protection& protection,
              TakenKeys& taken) const {
    const KemacPayload& kemac = *form.parts.kemac;
    if (kemac.encr_alg != protection.encr) return Err(Error::kUnsupportedAlgorithm);
    const ByteView head = HeadUpTo(datagram, kemac.mac);
    const Status proved = CheckMac(suite_, protection, head, kemac.mac_alg, kemac.mac);
    if (!proved) return proved;
    crypto::SecretScratch<kMaxEncrypted> scratch;
    if (kemac.encr_data.size() > kMaxEncrypted) return Err(Error::kTooLong);
    const Result<size_t> size = Decrypt(suite_, protection, kemac.encr_data, scratch.Room());
    if (!size) return Err(Error::kDecryptionFailed);
    if (*size > kMaxPlain) return Err(Error::kTooLong);
    const ByteView plain = scratch.Keep(*size);
    if (Status read = Take(plain, form.message, taken); !read) return read;
    taken.fresh_ = Octets<kFreshSize>(form.fresh);
    taken.t_ = protection.t;
    return {};
  }

 private:
  Status Take(ByteView plain, const Message& message, TakenKeys& taken) const {
    Contents contents;
    if (!ReadContents(plain, false, contents)) return Err(Error::kDecryptionFailed);
    Streams streams;
    if (Status read = TakeStreams(message, streams); !read) return read;
    if (Status checked = Check(contents, streams); !checked) return checked;
    std::copy(plain.begin(), plain.end(), taken.plain_.Room().begin());
    taken.streams_ = streams;
    return ReadContents(taken.plain_.Keep(plain.size()), false, taken.contents_);
  }

  Status Check(const Contents& contents, const Streams& streams) const {
    // MIKEYv2 §11: the KEYS of an exchange may hold a ticket, no other KEYS.
    const bool has_ticket = std::ranges::any_of(
        contents.keys.view(),
        [](const KeyDataPayload& key) { return key.type == KeyDataType::kTicket; });
    if (has_ticket) return Err(Error::kMalformed);
    return CheckGroupContents(contents, streams, group_);
  }

  const crypto::Suite& suite_;
  const GroupName& group_;
};

Result<size_t> WriteKeysToReport(const crypto::Suite& suite, const ReportBinding& report,
                                 const KeysContent& content, MutableBytes out) {
  return Write(suite, OfAnswer(report, content.encr, content.rand_r), false, content, out);
}

Result<size_t> WriteUnaskedKeys(const crypto::Suite& suite, const crypto::Key32& r, CsbId csb_id,
                                uint32_t t, const KeysContent& content, MutableBytes out) {
  return Write(suite, OfUnasked(r, csb_id, t, content.encr, content.rand_r), true, content, out);
}

Status OpenKeysToReport(const crypto::Suite& suite, ByteView datagram, const ReportBinding& report,
                        const GroupName& group, TakenKeys& taken) {
  KeysForm form;
  if (Status read = form.Read(datagram, group.csb_id); !read) return read;
  const bool is_answer = form.parts.rand_i != nullptr &&
                         Equal(form.parts.rand_i->rand, report.rand.view()) &&
                         report.csb_id == group.csb_id;
  if (!is_answer) return Err(Error::kUnexpected);
  const Protection protection = OfAnswer(report, group.encr, form.parts.rand_r->rand);
  return KeysOpener(suite, group).Open(datagram, form, protection, taken);
}

Status OpenUnaskedKeys(const crypto::Suite& suite, ByteView datagram, const crypto::Key32& r,
                       uint32_t last_t, const GroupName& group, TakenKeys& taken) {
  KeysForm form;
  if (Status read = form.Read(datagram, group.csb_id); !read) return read;
  if (form.parts.t == nullptr) return Err(Error::kUnexpected);
  const uint32_t t = Reader(form.parts.t->value).U32();
  if (t <= last_t) return Err(Error::kReplayed);
  const Protection protection = OfUnasked(r, group.csb_id, t, group.encr, form.parts.rand_r->rand);
  return KeysOpener(suite, group).Open(datagram, form, protection, taken);
}

}  // namespace keymast::mikey::v2
