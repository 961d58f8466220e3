// SPDX-License-Identifier: Apache-2.0
#include "controller/reports.h"

#include "controller/address_name.h"
#include "controller/impl.h"

namespace keymast::controller {
namespace {

using mikey::v2::ReportKind;

constexpr std::array<uint8_t, mikey::v2::kTreeIdSize> kNoTree{};  // as rekey::GroupKeys tells
constexpr size_t kMostTold = 16384;                               // some hundred octets each
constexpr Duration kToldFor = 2 * mikey::v2::kAnswerTime;  // O takes them, and acknowledges, within
constexpr Duration kSweepEach = std::chrono::seconds(1);

}  // namespace

Reports::Reports(const Ground& ground)
    : ground_(ground),
      taker_(ground.suite, *this, ground.rng),
      hosts_(ground.config.address, ground.rng),
      places_(ground.config.address, ground.rng),
      identities_(ground.config.identity, ground.rng),
      nobodys_key_(crypto::Key32::OfSize(32)) {
  ground.rng.Fill(nobodys_key_.mutable_view());
}

// --- what the ReportTaker asks

const rekey::SubscriberState* Reports::Named(const mikey::Identity& identity) const {
  if (identity.type != ground_.profile.idr_type) return nullptr;
  return ground_.members.SubscriberNamed(AsText(identity.data));
}

bool Reports::Serves(const Report& report) const {
  channel_id_ = ChannelOf(ground_.config, AsText(report.group.data));
  const rekey::ChannelState* channel = ground_.members.ChannelNamed(channel_id_);
  const bool is_served = channel != nullptr && report.group.type == mikey::IdType::kUri &&
                         report.ids.domain == channel->channel.key_domain &&
                         report.ids.msk.group == channel->channel.key_group &&
                         report.csb_id == channel->ladder.msk->csb_id;
  if (is_served) admitted_ = Admit(report);
  return is_served && admitted_.has_value();
}

// MIKEYv2 §4.4: R follows from the PSK. Who has none, or none at hand, sends a ticket: then it
// follows from the resumption secret in that. For a stranger it takes as long.
const crypto::Key32* Reports::ReportKeyOf(const Report& report) const {
  const rekey::SubscriberState* subscriber = Named(report.member);
  if (subscriber != nullptr) subscriber_ = subscriber->subscriber.id;
  if (report.ticket.empty()) {
    const bool has_key = subscriber != nullptr && !subscriber->user_key.empty();
    const crypto::Key32& psk = has_key ? subscriber->user_key : nobodys_key_;
    const crypto::Key32 psk_v2 =
        mikey::v2::PskV2(ground_.suite, psk.view(), report.member, report.group);
    r_ = mikey::v2::ReportKey(ground_.suite, psk_v2.view());
    return has_key ? &r_ : nullptr;
  }
  const std::optional<mikey::v2::Resumption> resumed = Resumed(report);
  const crypto::Key32& secret = resumed ? resumed->secret : nobodys_key_;
  r_ = mikey::v2::ReportKey(ground_.suite, secret.view());
  return resumed && subscriber != nullptr ? &r_ : nullptr;
}

std::optional<mikey::v2::Resumption> Reports::Resumed(const Report& report) const {
  const KeyingTickets* tickets = ground_.keying.tickets();
  if (report.ticket.empty() || tickets == nullptr) return std::nullopt;
  std::optional<mikey::v2::Resumption> resumed = tickets->Look(report.ticket, moment_->now);
  const bool is_its =
      resumed && mikey::v2::IsFor(*resumed, report.member, report.group, false, moment_->now);
  return is_its ? std::move(resumed) : std::nullopt;
}

uint32_t Reports::LastT(const Report&) const {
  const auto& members = ground_.members.ChannelNamed(channel_id_)->members;
  const auto member = members.find(subscriber_);
  return member == members.end() ? 0 : ground_.members.ReportTOf(member->second);
}

Status Reports::CheckTicket(const Report& report) const {
  return Resumed(report) ? Status() : Err(Error::kUnknownIdentity);
}

Status Reports::CheckMember(const Report& report) const {
  // Only who has proved itself counts: nobody uses up the rate of another one.
  if (!identities_.Take(AsBytes(subscriber_.value), moment_->now)) return Err(Error::kRateLimited);
  return ground_.members.CheckReport(channel_id_, subscriber_, report.body.kind, moment_->now);
}

void Reports::Take(const Report& report) {
  const Reported reported{report.body.kind, report.t, MskId::FromValue(report.body.msk),
                          !report.ticket.empty(), TakeProof(report) ? from_ : Endpoint()};
  ground_.members.TakeReport(channel_id_, subscriber_, reported, *moment_);
}

// --- where members are

// TakeProof of the address that a REPORT came from, once. MIKEYv2 §10: nobody knows what KEYS hash
// to but who got them, where they went.
bool Reports::TakeProof(const Report& report) {
  const auto told = told_.find({channel_id_, subscriber_});
  const bool is_proof = told != told_.end() && report.body.kind == ReportKind::kAcknowledge &&
                        told->second.at == from_ && Equal(report.rand, told->second.keys);
  if (is_proof) told_.erase(told);
  return is_proof;
}

// KeepTold of the last KEYS to a member, as long as it may acknowledge them. Where there is no room
// it proves its address by the next.
void Reports::KeepTold(const Report& report, ByteView keys) {
  const std::pair name{channel_id_, subscriber_};
  told_.erase(name);
  if (IsThere(report)) return;
  const Instant now = moment_->now;
  if (told_.size() >= kMostTold && now - told_swept_ >= kSweepEach) {
    told_swept_ = now;
    std::erase_if(told_, [now](const auto& each) { return now - each.second.when > kToldFor; });
  }
  if (told_.size() >= kMostTold) return;
  told_[name] = {from_, mikey::v2::HashOf(ground_.suite, keys), now};
}

// --- what comes

// IsThere is true for what says that it comes from where its member, who holds keys, was last.
bool Reports::IsThere(const Report& report) const {
  const rekey::SubscriberState* subscriber = Named(report.member);
  if (subscriber == nullptr) return false;
  const auto& members = ground_.members.ChannelNamed(channel_id_)->members;
  const auto member = members.find(subscriber->subscriber.id);
  if (member == members.end()) return false;
  return member->second.HoldsKeys() && member->second.msk_endpoint == from_;
}

// Admit bounds what is spent on V: it is asked behind the form, for groups that are served. What
// comes from where its member is counts neither with what strangers send nor by host, and beyond
// the rate of that place with what else is beyond it: so junk from a member's place costs no other
// one anything, and junk in its name not the member itself. Nobody is asked for a cookie: a member
// whose REPORT is lost among others asks again, in a longer window.
Status Reports::Admit(const Report& report) const {
  const Instant now = moment_->now;
  const AddressName name(from_);
  const bool is_there = IsThere(report);
  const bool is_beyond = is_there && !places_.Take(name.address(), now);
  Rate rate = ground_.config.strangers;
  if (!is_beyond) {  // V is some ten times cheaper than a CAP
    rate.burst *= 4;
    rate.each /= 10;
  }
  Bucket& of_there = is_beyond ? beyond_ : members_;
  Bucket& bucket = is_there ? of_there : strangers_;
  if (!bucket.Allows(rate, now)) return Err(Error::kTooManyRequests);
  if (!is_there && !hosts_.Take(name.host(), now)) return Err(Error::kRateLimited);
  bucket.Count(rate, now);
  return {};
}

void Reports::Take(const Endpoint& from, ByteView datagram, const Moment& m) {
  if (datagram.size() > mikey::v2::kMaxOneDatagram) return Discard(Error::kTooLong);  // MIKEYv2 §2
  moment_ = &m;
  from_ = from;
  admitted_ = Status();
  const auto taken = taker_.Receive(datagram);
  if (taken) {
    ++ground_.counters.taken[static_cast<size_t>(taken->report.body.kind)];
    if (IsThere(taken->report)) ground_.keying.MakeRegular(from, m.now);
    Answer(*taken, mikey::v2::kAmplification * datagram.size(), m);
  } else {
    Discard(admitted_ ? taken.error() : admitted_.error());
  }
  r_ = {};
  moment_ = nullptr;
}

// MIKEYv2 §10: a leave is answered by KEYS without keys, an acknowledgement when there is something
// newer, by `most` octets.
void Reports::Answer(const mikey::v2::ReportTaker::Taken& taken, size_t most, const Moment& m) {
  const mikey::v2::ReportBody& body = taken.report.body;
  const rekey::ChannelState& channel = *ground_.members.ChannelNamed(channel_id_);
  const bool is_behind = mikey::v2::IsBehind(body, kNoTree, 0, rekey::NewestMsk(channel.ladder));
  if (body.kind == ReportKind::kAcknowledge && !is_behind) return;
  std::optional<rekey::GroupKeys> keys;
  if (body.kind != ReportKind::kLeave) {
    const auto member = ground_.members.GiveKeys(channel_id_, subscriber_, m);
    if (!member) return Discard(member.error());
    keys.emplace(channel, **member,
                 rekey::LastTs{ground_.members.ReportTOf(**member),
                               ground_.members.KeysToldTo(subscriber_)});
  }
  const mikey::v2::Streams no_streams;
  const mikey::v2::Contents no_contents;
  std::array<uint8_t, mikey::v2::kRandOctets> rand_r{};
  ground_.rng.Fill(rand_r);
  const mikey::v2::KeysContent content{ground_.profile.encr_alg,
                                       rand_r,
                                       keys ? keys->streams() : no_streams,
                                       keys ? keys->contents() : no_contents,
                                       {}};
  std::array<uint8_t, mikey::v2::kMaxOneDatagram> out;  // as far as it is written
  const MutableBytes room = MutableBytes(out).first(std::min(out.size(), most));
  const Result<size_t> size =
      mikey::v2::WriteKeysToReport(ground_.suite, taken.binding, content, room);
  if (!size) return Discard(size.error());
  ++ground_.counters.answers;
  const ByteView octets = room.first(*size);
  if (keys) KeepTold(taken.report, octets);
  m.step.datagrams.push_back({from_, channel_id_, Bytes(octets.begin(), octets.end()), {}, {}});
}

}  // namespace keymast::controller
