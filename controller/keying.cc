// SPDX-License-Identifier: Apache-2.0
#include "controller/keying.h"

#include "controller/address_name.h"
#include "controller/impl.h"
#include "mikey/v2/grammar.h"
#include "srtp/policy.h"

namespace keymast::controller {
namespace {

using mikey::DataType;
using mikey::v2::Answerer;
using mikey::v2::Asked;
using Name = AddressName;

constexpr std::string_view kScheme = "mikey://";
// Features 5 and 6 (MIKEYv2 §10).
constexpr uint32_t kMskMessages = 1U << 5;
constexpr uint32_t kReportFeature = 1U << 6;
constexpr Duration kCrowdedFor = std::chrono::seconds(1);
constexpr Duration kRegularFor = std::chrono::hours(1);
// Finishes that fail behind public-key work, of all and of a host.
constexpr Rate kWrongFinishes{256, std::chrono::milliseconds(4)};
constexpr Rate kWrongOfHost{16, std::chrono::milliseconds(250)};

std::string PrefixOf(const KeyingConfig& config) {
  return std::string(kScheme) + config.authority + "/";
}

// TypeOf a datagram that nobody has read yet (RFC 3830 §6.1).
DataType TypeOf(ByteView datagram) {
  return datagram.size() < 2 ? DataType{} : static_cast<DataType>(datagram[1]);
}

bool OpensAnExchange(ByteView datagram) {
  const DataType type = TypeOf(datagram);
  return type == DataType::kCap || type == DataType::kFragment;
}

}  // namespace

std::string GroupUri(const KeyingConfig& config, const ChannelId& channel) {
  return PrefixOf(config) + channel.value;
}

ChannelId ChannelOf(const KeyingConfig& config, std::string_view uri) {
  const std::string prefix = PrefixOf(config);
  if (!uri.starts_with(prefix)) return {};
  return ChannelId(std::string(uri.substr(prefix.size())));
}

std::string JoinPlace(const KeyingConfig& config, const mikey::Profile3gpp& profile,
                      const groups::Channel& channel) {
  const bool is_told = IsSpoken(config) && !config.place.IsUnset();
  if (!is_told || !rekey::IsJoinable(channel, profile)) return {};
  return AddressToString(config.place) + " " + std::to_string(config.place.port) + " " +
         GroupUri(config, channel.id);
}

Keying::Keying(const Ground& ground)
    : ground_(ground),
      tickets_({ground.config, ground.profile, ground.suite, ground.rng, ground.members,
                ground.counters}),
      unproved_(ground.config.address, ground.rng),
      proved_(ground.config.address, ground.rng),
      identities_(ground.config.identity, ground.rng),
      wrong_of_host_(kWrongOfHost, ground.rng),
      regulars_(ground.rng) {
  ground.rng.Fill(nothings_key_);
  if (ground.suite.pk != nullptr) pool_.emplace(*ground.suite.pk, ground.config.made_ahead);
  Forget();
}

void Keying::Expire(const Moment& m) {
  tickets_.Expire(m);
  if (answerer_) answerer_->Tick(m.now);
}

void Keying::Forget() {
  finishes_.clear();
  waiting_.clear();
  if (!IsSpoken(ground_.config)) return;
  mikey::v2::Directory& directory = *this;
  answerer_.emplace(ground_.suite, ground_.config.policy, directory, ground_.config.exchanges,
                    ground_.rng, credentials_ == nullptr ? nullptr : &credentials_->all);
  if (GivesTickets(ground_.config)) answerer_->use_tickets(&tickets_);
  if (pool_) answerer_->use_pool(&*pool_);
}

bool Keying::MakeAhead() { return pool_ && pool_->MakeAny(ground_.config.policy, ground_.rng); }

void Keying::End(std::string_view identity, const ChannelId& channel) {
  if (!answerer_) return;
  const std::string uri = GroupUri(ground_.config, channel);
  const mikey::Identity gone{ground_.profile.idr_type, AsBytes(identity)};
  answerer_->ForgetOf(gone, [&](const mikey::v2::Entry& entry) {
    return channel.value.empty() || AsText(entry.exchange.answerer.view().data) == uri;
  });
}

// An exchange by certificate, or by a ticket that one gave, does not outlive the trust that it
// began with before it has brought its keys: who was revoked meanwhile gets nothing at its finish.
void Keying::UseCredentials(std::shared_ptr<const JoinCredentials> credentials) {
  const bool is_other = credentials_ != nullptr &&
                        (credentials == nullptr || credentials->trust != credentials_->trust);
  if (credentials == nullptr) {
    tickets_.set_trust({}, kNever);
  } else {
    tickets_.set_trust(credentials->trust, credentials->all.trust.store().TrustedUntil());
  }
  if (answerer_) {
    answerer_->set_credentials(credentials == nullptr ? nullptr : &credentials->all);
    if (is_other) {
      answerer_->ForgetIf([](const mikey::v2::Entry& entry) {
        return !entry.verified && entry.exchange.standing.by_certificate;
      });
    }
  }
  credentials_ = std::move(credentials);
}

// --- what the Answerer asks

bool Keying::IsOwn(const mikey::Identity& identity) const {
  const std::string_view text = AsText(identity.data);
  return text == ground_.identity || text.starts_with(PrefixOf(ground_.config));
}

// Whether there is such a group is told to who has proved itself, and is entitled to know.
bool Keying::Serves(const Asked& asked) const {
  return asked.join && asked.answerer.type == mikey::IdType::kUri &&
         !ChannelOf(ground_.config, AsText(asked.answerer.data)).empty();
}

const rekey::SubscriberState* Keying::Named(const mikey::Identity& identity) const {
  if (identity.type != ground_.profile.idr_type) return nullptr;
  return ground_.members.SubscriberNamed(AsText(identity.data));
}

const crypto::SecretKey<mikey::kMaxSharedKey>* Keying::SharedWith(const Asked& asked) const {
  const rekey::SubscriberState* subscriber = Named(asked.offerer);
  if (subscriber == nullptr || subscriber->user_key.empty()) return nullptr;
  shared_ = crypto::SecretKey<mikey::kMaxSharedKey>(subscriber->user_key.view());
  return &shared_;
}

// MIKEYv2 §3.4: EXT 3 is the group's, or zeros; Key Number 0.
bool Keying::IsGroupOf(const rekey::ChannelState& channel, const Asked& asked) const {
  const mikey::KeyIds& ids = *asked.join;
  const bool is_domain = ids.domain == KeyDomainId{} || ids.domain == channel.channel.key_domain;
  const bool is_group = ids.msk.group == KeyGroup{} || ids.msk.group == channel.channel.key_group;
  return is_domain && is_group && ids.msk.number == KeyNumber{};
}

// A group that is not there, or cannot be had by this offer, goes on like one that can: nobody is
// told more before its proof.
Result<mikey::v2::Terms> Keying::TermsFor(const Asked& asked) const {
  mikey::v2::Terms terms;
  terms.features = kMskMessages | kReportFeature;
  if (GivesTickets(ground_.config)) terms.features |= mikey::v2::kTicketFeature;
  uint16_t profile = ProfileWithout(asked);
  const ChannelId id = ChannelOf(ground_.config, AsText(asked.answerer.data));
  if (const rekey::ChannelState* channel = ground_.members.ChannelNamed(id)) {
    const auto wanted = static_cast<uint16_t>(channel->channel.profile);
    if (asked.offer.OffersProfile(wanted)) profile = wanted;
  }
  terms.profiles.Add(profile);
  return terms;
}

// ProfileWithout a group is of those offered the one that the URI draws: the same in whatever order
// and with whatever others it is offered, as it is where there is a group.
uint16_t Keying::ProfileWithout(const Asked& asked) const {
  const uint16_t first = Reader(asked.offer.profiles).U16();
  std::pair<uint64_t, uint16_t> least{UINT64_MAX, first};
  for (const srtp::ProfileInfo& info : srtp::Profiles()) {
    const auto number = static_cast<uint16_t>(info.profile);
    if (!asked.offer.OffersProfile(number)) continue;
    Bytes drawn(asked.answerer.data.begin(), asked.answerer.data.end());
    drawn.resize(drawn.size() + sizeof(number));
    Writer(MutableBytes(drawn).last(sizeof(number))).U16(number);
    least = std::min(least, {crypto::ShortHash(nothings_key_, drawn), number});
  }
  return least.second;
}

Result<mikey::v2::Grant> Keying::GrantTo(const Asked& asked, const mikey::v2::Choice& choice) {
  const rekey::SubscriberState* subscriber = Named(asked.offerer);
  const ChannelId id = ChannelOf(ground_.config, AsText(asked.answerer.data));
  channel_ = id;
  const rekey::ChannelState* channel = ground_.members.ChannelNamed(id);
  if (subscriber == nullptr || channel == nullptr || !IsGroupOf(*channel, asked)) {
    return Err(Error::kNotEntitled);
  }
  const SubscriberId& member_id = subscriber->subscriber.id;
  if (!IsInRate(member_id)) return Err(Error::kRateLimited);
  if (!ground_.members.IsEntitled(id, member_id, moment_->now)) return Err(Error::kNotEntitled);
  const bool is_its_profile = choice.profiles[0] == static_cast<uint16_t>(channel->channel.profile);
  if (!is_its_profile || !rekey::IsJoinable(channel->channel, ground_.profile)) {
    return Err(Error::kUnsupportedPolicy);
  }
  const auto member = ground_.members.GiveKeys(id, member_id, *moment_);
  if (!member) return Err(member.error());
  keys_.emplace(
      *channel, **member,
      rekey::LastTs{ground_.members.ReportTOf(**member), ground_.members.KeysToldTo(member_id)});
  granted_ = true;
  mikey::v2::Grant grant;
  grant.streams = keys_->streams();
  grant.contents = keys_->contents();
  return grant;
}

// MIKEYv2 §8: whoever left or was removed once comes back by FRESH of its own.
std::optional<uint32_t> Keying::LeavesOf(const Asked& asked) const {
  const rekey::SubscriberState* subscriber = Named(asked.offerer);
  if (subscriber == nullptr || subscriber->subscriber.leaves == 0) return std::nullopt;
  return subscriber->subscriber.leaves;
}

bool Keying::HasRoomAhead() const { return pool_ && pool_->HasRoom(ground_.config.policy); }

const std::vector<Bytes>* Keying::CertificatesOf(const Asked& asked) const {
  const rekey::SubscriberState* subscriber = Named(asked.offerer);
  const bool has_some = subscriber != nullptr && !subscriber->subscriber.certificates.empty();
  return has_some ? &subscriber->subscriber.certificates : nullptr;
}

// --- what comes

// SourceOf sorts: whoever wrote a regular address into its datagrams may be anybody, so that beyond
// the rate of its host it is a stranger. Finishes that turn out to be wrong may cost a signature
// each: where many come from a host, or of all, the next ones wait behind what is cheaper.
Keying::Source Keying::SourceOf(const Endpoint& from, ByteView datagram, Instant now) {
  const Name name(from);
  if (!OpensAnExchange(datagram)) {
    const bool waits =
        !wrong_.Allows(kWrongFinishes, now) || !wrong_of_host_.Allows(name.host(), now);
    return waits ? Source::kStranger : Source::kUnderWay;
  }
  if (answerer_->IsProved(datagram, name.address(), now)) return Source::kProved;
  const bool is_regular = IsRegular(from, now) && unproved_.Take(name.host(), now);
  return is_regular ? Source::kRegular : Source::kStranger;
}

bool Keying::IsRegular(const Endpoint& from, Instant now) const {
  const Instant* until = regulars_.Find(Name(from).address());
  return until != nullptr && *until > now;
}

void Keying::MakeRegular(const Endpoint& from, Instant now) {
  regulars_.At(Name(from).address()) = now + kRegularFor;
}

void Keying::Take(const Endpoint& from, ByteView datagram, const Moment& m) {
  KEYMAST_CHECK(answerer_.has_value());
  if (datagram.size() > mikey::v2::kMaxOneDatagram) return Discard(Error::kTooLong);  // MIKEYv2 §2
  const Source source = SourceOf(from, datagram, m.now);
  if (source != Source::kStranger) return Handle(from, datagram, source, m);
  // A flood of CAPs takes no finish its place.
  std::deque<Waiting>& queue = OpensAnExchange(datagram) ? waiting_ : finishes_;
  if (queue.size() >= ground_.config.waiting) return Discard(Error::kTooManyRequests);
  queue.push_back({from, Bytes(datagram.begin(), datagram.end())});
}

void Keying::Serve(const Moment& m) {
  std::deque<Waiting>& queue = finishes_.empty() ? waiting_ : finishes_;
  if (queue.empty()) return;
  const Waiting first = std::move(queue.front());
  queue.pop_front();
  Handle(first.from, first.datagram, Source::kStranger, m);
}

// Load is strangers that come faster than the rate, or that wait.
bool Keying::IsUnderLoad(Instant now) {
  if (!strangers_.Take(ground_.config.strangers, now)) crowded_until_ = now + kCrowdedFor;
  return now < crowded_until_ || waiting_.size() > ground_.config.waiting / 4;
}

// An address that has not proved itself is not shut out for what others send in its name: it is
// asked for a cookie.
Status Keying::Admit(const Endpoint& from, ByteView datagram, Source source, Instant now) {
  answerer_->set_under_load(false);
  if (!OpensAnExchange(datagram)) return frozen_ ? Err(Error::kStoreClosed) : Status();
  const Name name(from);
  if (source == Source::kProved) {
    return proved_.Take(name.host(), now) ? Status() : Err(Error::kRateLimited);
  }
  if (source == Source::kRegular) {
    // Many may be written by one who has seen them: beyond as many as of strangers they are asked
    // for a cookie, still before those are served.
    answerer_->set_under_load(!of_regulars_.Take(ground_.config.strangers, now));
    return {};
  }
  const bool is_under_load = IsUnderLoad(now);
  answerer_->set_under_load(is_under_load || !unproved_.Take(name.host(), now));
  return {};
}

// IsInRate: an identity has a rate, which nobody uses up for another one. A CAP that proves no
// address may have been recorded: those count by themselves, and beyond that are asked for a
// cookie, which its proof covers, so that who has many addresses gains nothing by them. In
// FRAGMENTs the cookie is not covered: so hosts are told apart. A finish is no copy.
bool Keying::IsInRate(const SubscriberId& id) {
  const Name name(*from_);
  Bytes who(id.value.begin(), id.value.end());
  who.push_back(0);
  who.push_back(static_cast<uint8_t>(source_));
  if (in_fragments_) who.insert(who.end(), name.host().begin(), name.host().end());
  return identities_.Take(who, moment_->now);
}

void Keying::Handle(const Endpoint& from, ByteView datagram, Source source, const Moment& m) {
  if (const Status admitted = Admit(from, datagram, source, m.now); !admitted) {
    return Discard(admitted.error());
  }
  std::array<uint8_t, mikey::v2::kMaxWhole> out;  // as far as it is written
  const Name name(from);
  const bool opens = OpensAnExchange(datagram);
  moment_ = &m;
  from_ = &from;
  source_ = opens ? (source == Source::kProved ? source : Source::kStranger) : Source::kUnderWay;
  in_fragments_ = TypeOf(datagram) == DataType::kFragment;
  tickets_.set_moment(&m);
  granted_ = false;
  channel_ = {};
  Answerer::Outcome outcome = answerer_->Receive(datagram, name.address(), m.now, ground_.rng, out);
  moment_ = nullptr;
  from_ = nullptr;
  tickets_.set_moment(nullptr);
  keys_.reset();
  shared_ = {};
  const ByteView reply = ByteView(out).first(outcome.reply);
  Count(outcome, reply);
  if (!opens && outcome.was_costly) CountWrong(name.host(), m.now);
  if (outcome.event == Answerer::Event::kVerified) Joined(from, outcome, m);
  // What cannot be kept now can be soon: the Offerer asks again by itself.
  const bool is_kept = outcome.status || outcome.status.error() != Error::kStoreClosed;
  if (!reply.empty() && is_kept) Reply(from, out, outcome, m);
}

void Keying::CountWrong(ByteView host, Instant now) {
  wrong_of_host_.Take(host, now);
  wrong_.Take(kWrongFinishes, now);
}

void Keying::Count(const Answerer::Outcome& outcome, ByteView reply) {
  KeyingCounters& counters = ground_.counters;
  if (TypeOf(reply) == DataType::kRetry) {
    ++counters.retries;
  } else if (!outcome.status) {
    Discard(outcome.status.error());
  } else if (outcome.event == Answerer::Event::kAnswered) {
    ++counters.answers[static_cast<size_t>(outcome.entry->exchange.choice.mode)];
  } else if (outcome.event == Answerer::Event::kNone) {
    ++counters.repetitions;
  }
}

void Keying::Joined(const Endpoint& from, Answerer::Outcome& outcome, const Moment& m) {
  const mikey::v2::Exchange& exchange = outcome.entry->exchange;
  const bool by_answer = !mikey::v2::IsLate(exchange.choice.mode) && exchange.is_proved;
  if (!by_answer && !granted_) return;
  const rekey::SubscriberState* subscriber = Named(exchange.offerer.view());
  if (subscriber == nullptr) return;  // deleted since the answer
  // An address that has proved nothing is nobody's (MIKEYv2 §2).
  const Endpoint proved = outcome.proves_address ? from : Endpoint{};
  if (outcome.proves_address) MakeRegular(from, m.now);
  if (!outcome.certificates.empty()) {
    ground_.members.KeepCertificates(subscriber->subscriber.id, std::move(outcome.certificates), m);
  }
  ++ground_.counters.joins[static_cast<size_t>(exchange.choice.mode)];
  const ChannelId channel = ChannelOf(ground_.config, AsText(exchange.answerer.view().data));
  const uint32_t features = exchange.choice.features;
  // Of who joins by certificate, or by a ticket that one gave, no R is held, so that it is sent
  // nothing unasked (MIKEYv2 §4.4).
  const bool takes_keys = (features & kReportFeature) != 0 && !exchange.standing.by_certificate;
  const MskId holds = by_answer ? MskId::FromValue(outcome.entry->msk) : MskId{};
  ground_.members.FinishJoin(channel, subscriber->subscriber.id,
                             {proved, (features & kMskMessages) != 0, takes_keys, holds}, m);
}

// A reply names its channel, so that it waits for what is not yet durable of that; a repetition
// too, and an ERROR that rests on it.
void Keying::Reply(const Endpoint& to, ByteView octets, const Answerer::Outcome& outcome,
                   const Moment& m) {
  ChannelId channel = TypeOf(octets) == DataType::kRetry ? ChannelId() : channel_;
  if (outcome.entry != nullptr) {
    channel = ChannelOf(ground_.config, AsText(outcome.entry->exchange.answerer.view().data));
  }
  Reader reader(octets);
  const auto send = [&](size_t size) {
    const ByteView one = reader.Take(size);
    m.step.datagrams.push_back({to, channel, Bytes(one.begin(), one.end()), {}, {}});
  };
  send(outcome.reply);
  for (const uint16_t size : outcome.more) send(size);
}

}  // namespace keymast::controller
