// SPDX-License-Identifier: Apache-2.0
#include "receiver/library/channel.h"

#include "receiver/library/streams.h"

namespace keymast::receiver::library {
namespace {

using mikey::KeyDataPayload;
using mikey::KeyDataType;

struct MtkName {
  MskId msk;
  MtkId id;
};

// The MKI is MSK ID || MTK ID (MIKEYv2 §10).
std::optional<MtkName> NameOf(ByteView mki) {
  Reader reader(mki);
  const MskId msk = MskId::FromValue(reader.U32());
  const MtkId id(reader.U16());
  if (!reader.Finish()) return std::nullopt;
  return MtkName{msk, id};
}

// Key data of a type, by their place among those of that type.
const KeyDataPayload* Nth(const mikey::v2::Contents& contents, KeyDataType type, size_t index) {
  for (const KeyDataPayload& key : contents.keys) {
    if (key.type == type && index-- == 0) return &key;
  }
  return nullptr;
}

// MIKEYv2 §3.5: an interval of MTK IDs of two octets.
bool ReadInterval(const KeyDataPayload& tgk, MtkId& low, MtkId& high) {
  if (tgk.kv.type != mikey::KvType::kInterval || tgk.kv.from.size() != 2 || tgk.kv.to.size() != 2) {
    return false;
  }
  low = MtkId(Reader(tgk.kv.from).U16());
  high = MtkId(Reader(tgk.kv.to).U16());
  return low <= high;
}

}  // namespace

void Channel::Follow(const keymast_group& group) {
  const ByteView uri{group.uri.data, group.uri.size};
  if (is_followed_ && Equal(uri, uri_.view()) && by_3gpp_ == (group.by_3gpp != 0)) return;
  Wipe();
  is_followed_ = true;
  by_3gpp_ = group.by_3gpp != 0;
  tree_ = kPskOnly ? nullptr : group.tree;
  uri_ = Octets<KEYMAST_IDENTITY_SIZE>(uri);
  std::copy(std::begin(group.key_domain), std::end(group.key_domain), domain_.octets.begin());
  group_ = KeyGroup(group.key_group);
}

void Channel::LetGo() {
  for (Msk& msk : msks_) msk = {};
  for (Mtk& mtk : mtks_) {
    crypto::Wipe(&mtk.key, sizeof mtk.key);
    mtk = {};
  }
  retired_.clear();
  retired_told_ = 0;
  stream_count_ = 0;
}

void Channel::Wipe() {
  LetGo();
  is_followed_ = false;
  has_joined_ = false;
  first_use_at_ = kNoTime;
  retired_below_ = {};
  standing = {};
  signing_ = {};
}

bool Channel::Is(const mikey::KeyIds& ids) const {
  return is_followed_ && ids.domain == domain_ && ids.msk.group == group_;
}

const Msk* Channel::FindMsk(MskId id) const {
  const auto* found =
      std::ranges::find_if(msks_, [id](const Msk& msk) { return msk.held && msk.id == id; });
  return found == msks_.end() ? nullptr : found;
}

Mtk* Channel::FindMtk(MskId msk, MtkId id) {
  auto* found = std::ranges::find_if(
      mtks_, [=](const Mtk& mtk) { return mtk.held && mtk.msk == msk && mtk.id == id; });
  return found == mtks_.end() ? nullptr : found;
}

// All that can be wrong is found before anything changes. What CheckGroupKeys asks is not asked
// again: MSKs, each with a key, of the one group that was asked for, and the member's state.
Status Channel::CheckJoin(const mikey::v2::Contents& contents, Asked asked,
                          KeyNumber& newest) const {
  for (size_t i = 0; i < contents.msks.size(); ++i) {
    const KeyNumber number = MskId::FromValue(contents.msks[i].msk).number;
    if (number == KeyNumber(0)) return Err(Error::kMalformed);
    newest = std::max(newest, number);
    const KeyDataPayload* tgk = Nth(contents, KeyDataType::kTgk, i);
    MtkId low;
    MtkId high;
    if (tgk == nullptr || !ReadInterval(*tgk, low, high)) return Err(Error::kMalformed);
  }
  // MIKEYv2 §10: under the tree id that it holds a member installs nothing that is older.
  if (!Equal(contents.member->tree_id, standing.tree_id)) {
    return asked != Asked::kByNobody ? Status() : Err(Error::kUnexpected);
  }
  const uint32_t epoch = contents.member->epoch;
  const bool is_older =
      epoch < standing.epoch || (epoch == standing.epoch && newest < standing.newest);
  return is_older ? Err(Error::kReplayed) : Status();
}

Status Channel::TakeJoin(const mikey::v2::Contents& contents, const mikey::v2::Streams& streams,
                         const mikey::v2::Choice& choice, uint64_t now) {
  const mikey::Algorithms before =
      std::exchange(algorithms_, {choice.prf, choice.encr, choice.mac});
  const Status taken = TakeContents(contents, streams, Asked::kByJoin, now);
  if (!taken) {
    algorithms_ = before;
    return taken;
  }
  features_ = static_cast<uint8_t>(choice.features);
  has_joined_ = true;
  return {};
}

Status Channel::TakeContents(const mikey::v2::Contents& contents, const mikey::v2::Streams& streams,
                             Asked asked, uint64_t now) {
  KeyNumber newest;
  if (Status checked = CheckJoin(contents, asked, newest); !checked) return checked;
  if (Status taken = TakeStreams(streams); !taken) return taken;
  std::copy(contents.msks[0].domain.begin(), contents.msks[0].domain.end(), domain_.octets.begin());
  group_ = MskId::FromValue(contents.msks[0].msk).group;
  csb_id_ = *contents.csb_id;
  const bool is_new_tree = !Equal(contents.member->tree_id, standing.tree_id);
  if (is_new_tree) {
    BeginTree(contents, now);
    signing_.rolled.held = false;
  }
  for (size_t i = 0; i < contents.msks.size(); ++i) {
    const KeyDataPayload& tgk = *Nth(contents, KeyDataType::kTgk, i);
    Msk msk;
    msk.held = true;
    msk.id = MskId::FromValue(contents.msks[i].msk);
    if (IsRetired(msk.id)) continue;
    msk.key = crypto::Key32(tgk.key);
    msk.rand = Octets<32>(contents.rands[i]);
    msk.csb_id = *contents.csb_id;
    ReadInterval(tgk, msk.low, msk.high);
    msk.mtk_counter = contents.msks[i].counter;
    msk.algorithms = algorithms_;
    PutMsk(msk);
  }
  standing.newest = newest;
  const mikey::v2::MemberState& member = *contents.member;
  std::copy(member.tree_id.begin(), member.tree_id.end(), standing.tree_id.begin());
  standing.epoch = member.epoch;
  standing.rekey_t = std::max(standing.rekey_t, member.rekey_t);
  standing.window_ms = member.window_ms;
  if constexpr (!kPskOnly) TakeTree(contents, asked);
  for (const KeyDataPayload& key : contents.keys) {
    if (key.type != KeyDataType::kMtk || !IsOurs(key)) continue;
    const MtkName name = *NameOf(key.kv.spi);
    PutMtk(name.msk, name.id, key.key, key.salt);
  }
  return {};
}

// BeginTree lets go of the MSKs that the new tree does not have: its Key Numbers may be lower ones
// (MIKEYv2 §10). Before a join there was no tree.
void Channel::BeginTree(const mikey::v2::Contents& contents, uint64_t now) {
  retired_below_ = {};
  first_use_at_ = kNoTime;
  if (!has_joined_) return;
  const auto is_gone = [&](MskId id) {
    return std::ranges::none_of(
        contents.msks, [id](const mikey::v2::MskState& msk) { return msk.msk == id.value(); });
  };
  for (Msk& msk : msks_) {
    if (msk.held && is_gone(msk.id)) msk = {};
  }
  for (Mtk& mtk : mtks_) {
    if (mtk.held && is_gone(mtk.msk)) mtk.ends_at = std::min(mtk.ends_at, now + kRetireTime);
  }
}

// An MTK of an MSK that is held, which was not let go of, as long as the streams' profiles want it.
bool Channel::IsOurs(const KeyDataPayload& mtk) const {
  const std::optional<MtkName> name = NameOf(mtk.kv.spi);
  const Msk* msk = name ? FindMsk(name->msk) : nullptr;
  return msk != nullptr && name->id > msk->floor && mtk.key.size() == key_size_ &&
         mtk.salt.size() == salt_size_;
}

Status Channel::TakeStreams(const mikey::v2::Streams& streams) {
  static_assert(mikey::kMaxSessions <= KEYMAST_STREAMS);
  std::array<keymast_stream, KEYMAST_STREAMS> taken{};
  const Result<srtp::ProfileInfo> info = ReadStreams(streams, taken);
  if (!info) return Err(info.error());
  streams_ = taken;
  stream_count_ = static_cast<uint8_t>(streams.sessions.size());
  key_size_ = info->key_length;
  salt_size_ = info->salt_length;
  return {};
}

Status Channel::TakeMsk(const mikey::Unverified& message, const mikey::OpenedMsk& opened,
                        std::optional<uint32_t> mtk_counter, MtkId floor) {
  // SEQl above SEQu leaves no MTK ID to take: the MSK is given up (TS 33.246 §6.3.2.1).
  if (opened.low > opened.high) {
    if (Msk* given_up = FindMsk(message.ids.msk)) *given_up = {};
    return {};
  }
  if (IsRetired(message.ids.msk)) return Err(Error::kReplayed);
  if (!Octets<32>::Fits(message.rand)) return Err(Error::kUnsupportedPolicy);
  std::array<keymast_stream, KEYMAST_STREAMS> taken{};
  const Result<srtp::ProfileInfo> info = ReadStreams(opened, taken);
  if (!info) return Err(info.error());
  streams_ = taken;
  stream_count_ = static_cast<uint8_t>(opened.stream_count);
  key_size_ = info->key_length;
  salt_size_ = info->salt_length;
  Msk msk;
  msk.held = true;
  msk.id = message.ids.msk;
  msk.key = opened.msk;
  msk.rand = Octets<32>(message.rand);
  msk.csb_id = message.csb_id;
  msk.low = opened.low;
  msk.high = opened.high;
  msk.mtk_counter = mtk_counter;
  msk.floor = floor;
  msk.is_of_3gpp = true;
  PutMsk(msk);
  standing.newest = std::max(standing.newest, msk.id.number);
  return {};
}

// PutMsk keeps what was learned under the same key: what is past stays past. Otherwise it takes a
// free slot, or that of the older MSK (TS 33.246 §6.3.2.1: two at most).
void Channel::PutMsk(const Msk& msk) {
  Msk* place = FindMsk(msk.id);
  Msk put = msk;
  if (place != nullptr && place->key == msk.key) {
    put.mtk_counter = std::max(place->mtk_counter, msk.mtk_counter);
    put.floor = std::max(place->floor, msk.floor);
  } else if (place != nullptr) {
    for (Mtk& mtk : mtks_) {
      if (mtk.held && mtk.msk == msk.id) Retire(mtk);
    }
  } else {
    place = &*std::min_element(msks_.begin(), msks_.end(), [](const Msk& a, const Msk& b) {
      return a.held != b.held ? !a.held : a.id.number < b.id.number;
    });
  }
  *place = put;
}

Result<bool> Channel::TakeMtk(const TablePk& pk, const crypto::Suite& suite,
                              const mikey::Unverified& message) {
  // MIKEYv2 §10: MSK ID, MTK ID within the interval, COUNTER, MAC, EXT 242, KEMAC.
  Msk* msk = FindMsk(message.ids.msk);
  if (msk == nullptr) return Err(Error::kUnknownKey);
  const MtkId id = *message.ids.mtk;
  const bool is_past = id <= msk->floor && FindMtk(msk->id, id) == nullptr;
  if (id == MtkId(0) || id < msk->low || id > msk->high || is_past) {
    return Err(Error::kOutsideInterval);
  }
  if (message.csb_id != msk->csb_id) return Err(Error::kWrongCsb);
  if (msk->mtk_counter && message.counter <= *msk->mtk_counter) return Err(Error::kReplayed);
  mikey::Profile3gpp profile;
  profile.prf = msk->algorithms.prf;
  profile.encr_alg = msk->algorithms.encr;
  profile.mac_alg = msk->algorithms.mac;
  const auto opened = mikey::OpenMtk(suite, profile, message, msk->key.view(), msk->rand.view());
  if (!kPskOnly && !msk->is_of_3gpp && (features_ & kSignedMtks) != 0) {
    // What could not be decrypted was behind a good MAC.
    if (!opened && opened.error() != Error::kDecryptionFailed) return Err(opened.error());
    if (Status is_signed = CheckMtkSignature(pk, suite, message.datagram); !is_signed) {
      return Err(is_signed.error());
    }
  }
  if (!opened) return Err(opened.error());
  const bool fits = opened->key.size() == key_size_ && opened->salt.size() == salt_size_;
  if (!fits) return Err(Error::kUnsupportedPolicy);
  const bool is_new = FindMtk(msk->id, id) == nullptr;
  if (!PutMtk(msk->id, id, opened->key.view(), opened->salt.view())) {
    return Err(Error::kAlreadyHeld);
  }
  msk->mtk_counter = message.counter;
  return is_new;
}

// PutMtk is false for another key under a known ID: an MTK ID has one key for ever.
bool Channel::PutMtk(MskId msk, MtkId id, ByteView key, ByteView salt) {
  if (const Mtk* known = FindMtk(msk, id)) {
    return crypto::ConstantTimeEqual({known->key.key, known->key.key_size}, key) &&
           crypto::ConstantTimeEqual({known->key.salt, known->key.salt_size}, salt);
  }
  Mtk& mtk = Place();
  mtk.held = true;
  mtk.msk = msk;
  mtk.id = id;
  mtk.order = ++order_;
  Writer mki(mtk.key.mki);
  mki.U32(msk.value());
  mki.U16(id.value);
  mtk.key.key_size = static_cast<uint8_t>(key.size());
  mtk.key.salt_size = static_cast<uint8_t>(salt.size());
  std::copy(key.begin(), key.end(), mtk.key.key);
  std::copy(salt.begin(), salt.end(), mtk.key.salt);
  return true;
}

// Place is a free slot, or that of the oldest key but the one that was used last.
Mtk& Channel::Place() {
  const auto* in_use = std::max_element(mtks_.begin(), mtks_.end(), [](const Mtk& a, const Mtk& b) {
    return (a.is_used ? a.last_used : 0) < (b.is_used ? b.last_used : 0);
  });
  const auto rank = [in_use](const Mtk& mtk) {
    if (!mtk.held) return uint64_t{0};
    return &mtk == in_use && mtk.is_used ? kNoTime : mtk.order;
  };
  Mtk& place = *std::min_element(mtks_.begin(), mtks_.end(),
                                 [&](const Mtk& a, const Mtk& b) { return rank(a) < rank(b); });
  if (place.held) Retire(place);
  return place;
}

// Retire wipes a key and remembers that it is to be told. One that is let go is past: a recorded
// message must not bring it back.
void Channel::Retire(Mtk& mtk) {
  if (Msk* msk = FindMsk(mtk.msk)) msk->floor = std::max(msk->floor, mtk.id);
  if (mtk.is_told && !retired_.full()) retired_.Add(std::to_array(mtk.key.mki));
  crypto::Wipe(&mtk.key, sizeof mtk.key);
  mtk = {};
}

const keymast_key* Channel::Find(ByteView mki) const {
  const auto* found = std::ranges::find_if(
      mtks_, [mki](const Mtk& mtk) { return mtk.held && Equal(mtk.key.mki, mki); });
  return found == mtks_.end() ? nullptr : &found->key;
}

Status Channel::Used(ByteView mki, uint64_t now) {
  const std::optional<MtkName> name = NameOf(mki);
  Mtk* used = name ? FindMtk(name->msk, name->id) : nullptr;
  if (used == nullptr) return Err(Error::kUnknownKey);
  used->last_used = now;
  if (used->is_used) return {};
  used->is_used = true;
  RetireMsksBefore(used->msk.number, now);
  for (Mtk& mtk : mtks_) {
    const bool is_passed = mtk.held && mtk.msk == used->msk && mtk.id < used->id;
    if (is_passed && !std::exchange(mtk.is_passed, true)) mtk.last_used = now;
  }
  return {};
}

// MIKEYv2 §10: an MSK retires with the first use of the next one, for ever.
void Channel::RetireMsksBefore(KeyNumber number, uint64_t now) {
  retired_below_ = std::max(retired_below_, number);
  for (Msk& msk : msks_) {
    if (msk.held && msk.id.number < number) msk = {};
  }
  for (Mtk& mtk : mtks_) {
    if (mtk.held && mtk.msk.number < number) mtk.ends_at = std::min(mtk.ends_at, now + kRetireTime);
  }
}

// EndOf an MTK: a headend that lost its server stays on an old one, so nothing but use of a later
// one ends it.
uint64_t Channel::EndOf(const Mtk& mtk) {
  if (!mtk.held) return kNoTime;
  const uint64_t passed = mtk.is_passed ? mtk.last_used + kGrace : kNoTime;
  return std::min(passed, mtk.ends_at);
}

uint64_t Channel::deadline() const {
  uint64_t earliest = first_use_at_;
  for (const Mtk& mtk : mtks_) earliest = std::min(earliest, EndOf(mtk));
  return earliest;
}

void Channel::Tick(uint64_t now) {
  if (first_use_at_ <= now) {
    first_use_at_ = kNoTime;
    RetireMsksBefore(first_use_of_, now);
  }
  for (Mtk& mtk : mtks_) {
    if (mtk.held && EndOf(mtk) <= now) Retire(mtk);
  }
}

bool Channel::HasNews() const {
  return retired_told_ < retired_.size() ||
         std::ranges::any_of(mtks_, [](const Mtk& mtk) { return mtk.held && !mtk.is_told; });
}

const Mki* Channel::NextRetired() {
  return retired_told_ < retired_.size() ? &retired_[retired_told_++] : nullptr;
}

const keymast_key* Channel::NextInstalled() {
  Mtk* next = nullptr;
  for (Mtk& mtk : mtks_) {
    const bool is_earlier = next == nullptr || mtk.order < next->order;
    if (mtk.held && !mtk.is_told && is_earlier) next = &mtk;
  }
  if (next == nullptr) return nullptr;
  next->is_told = true;
  return &next->key;
}

void Channel::ForgetTold() {
  retired_.clear();
  retired_told_ = 0;
}

}  // namespace keymast::receiver::library
