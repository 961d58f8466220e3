// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include <algorithm>

#include "mixing.h"

namespace keymast::linear {
namespace {

constexpr uint64_t kFirstRevision = 1;

Answer Refused(Error error) { return {error}; }

bool ChangesFirst(Mask mask) { return mask != Mask::kSecond; }
bool ChangesSecond(Mask mask) { return mask != Mask::kFirst; }

size_t At(int index) { return static_cast<size_t>(index); }

}  // namespace

Model::Done Model::Do(const Request& request, const Answer* told) {
  told_stale_.reset();
  if (told != nullptr) told_stale_ = told->error == Error::kEtagMismatch;
  Done done = Carry(request);
  told_stale_.reset();
  Date(request, told, done.answer);
  return done;
}

// Clocks do not go back: what has the name of something older was made later.
bool Model::Learn(Birth& birth, uint64_t created) {
  if (created <= birth.latest) return false;
  birth.latest = birth.created = created;
  return true;
}

// IsStale: the etag is of what was there before, or of something else. Of a resource that no answer
// has shown yet the answer says it, and the etag tells when that was made, unless it was guessed.
bool Model::IsStale(const Request& request, uint64_t revision, Birth& birth) const {
  if (request.revision == 0) return false;
  if (request.revision != revision) return true;
  if (birth.created != 0) return request.created != birth.created;
  if (request.created == 0) return told_stale_.value_or(false);
  return (told_stale_ && *told_stale_) || !Learn(birth, request.created);
}

Model::Birth* Model::BirthOf(const Request& request, const View& view) {
  const size_t id = At(view.id);
  switch (request.verb) {
    case Verb::kCreateChannel:
    case Verb::kGetChannel:
    case Verb::kUpdateChannel:
    case Verb::kListChannels:
      return channels_[id] ? &births_of_channels_[id] : nullptr;
    case Verb::kCreateSubscriber:
    case Verb::kGetSubscriber:
    case Verb::kListSubscribers:
      return subscribers_[id] ? &births_of_subscribers_[id] : nullptr;
    default:
      const bool is_there = FindMember(request.channel, view.id) != nullptr;
      return is_there ? &births_of_members_[At(request.channel)][id] : nullptr;
  }
}

// Date says of each view when that was made, as far as it is known.
void Model::Date(const Request& request, const Answer* told, Answer& answer) {
  const bool tells = told != nullptr && !told->error && told->views.size() == answer.views.size();
  for (size_t i = 0; i < answer.views.size(); ++i) {
    View& view = answer.views[i];
    Birth* birth = BirthOf(request, view);
    if (birth == nullptr) continue;
    if (tells && birth->created == 0) {
      view.created = told->views[i].created;
      if (view == told->views[i]) Learn(*birth, view.created);
    }
    view.created = birth->created;
  }
}

Model::Done Model::Carry(const Request& request) {
  if (IsRead(request.verb)) return {Read(request), false};
  if (request.validate_only) {
    Model scratch = *this;
    Answer answer = scratch.Change(request);
    // As it would be, under the etag that it has.
    const Answer before = Show(request);
    for (size_t i = 0; i < answer.views.size(); ++i) {
      answer.views[i].revision = before.views[i].revision;
    }
    return {std::move(answer), false};
  }
  if (request.request_id == 0) {
    const Model before = *this;
    Answer answer = Change(request);
    return {std::move(answer), !(before == *this)};
  }
  const size_t id = request.request_id;
  const bool is_kept = id < requests_.size() && requests_[id].is_kept;
  if (is_kept) return {Again(request, requests_[id]), false, true};
  Answer answer = Change(request);
  if (answer.error) return {std::move(answer), false};
  if (requests_.size() <= id) requests_.resize(id + 1);
  requests_[id] = {true, ContentOf(request), answer.remaining};
  return {std::move(answer), true};
}

Answer Model::Again(const Request& request, const Kept& kept) const {
  if (kept.content != ContentOf(request)) return Refused(Error::kRequestIdReused);
  Answer answer = Show(request);
  answer.remaining = kept.remaining;
  return answer;
}

Answer Model::Read(const Request& request) const {
  const auto& channel = channels_[At(request.channel)];
  switch (request.verb) {
    case Verb::kListChannels:
      return ListOf(channels_);
    case Verb::kListSubscribers:
      return ListOf(subscribers_);
    case Verb::kListMembers:
      return channel ? ListOf(channel->members) : Refused(Error::kNotFound);
    case Verb::kGetChannel:
      return channel ? Show(request) : Refused(Error::kNotFound);
    case Verb::kGetSubscriber:
      return subscribers_[At(request.subscribers[0])] ? Show(request) : Refused(Error::kNotFound);
    default:
      return channel && channel->members[At(request.subscribers[0])] ? Show(request)
                                                                     : Refused(Error::kNotFound);
  }
}

Answer Model::Change(const Request& request) {
  switch (request.verb) {
    case Verb::kCreateChannel:
      return CreateChannel(request);
    case Verb::kUpdateChannel:
      return UpdateChannel(request);
    case Verb::kDeleteChannel:
      return DeleteChannel(request);
    case Verb::kCreateSubscriber:
      return CreateSubscriber(request);
    case Verb::kDeleteSubscriber:
      return DeleteSubscriber(request);
    case Verb::kUpdateMember:
      return UpdateMember(request);
    case Verb::kDeleteMember:
      return DeleteMember(request);
    case Verb::kJoin:
      return Join(request);
    case Verb::kLeave:
      return Leave(request);
    case Verb::kExpel:
      return Expel(request);
    default:
      return AddMembers(request);
  }
}

Answer Model::CreateChannel(const Request& request) {
  auto& channel = channels_[At(request.channel)];
  if (channel) return Refused(Error::kAlreadyExists);
  for (const auto& other : channels_) {
    if (other && other->group == request.group) return Refused(Error::kInvalidArgument);
  }
  channel = Channel{request.first, request.second, request.group, kFirstRevision, {}};
  births_of_channels_[At(request.channel)].created = 0;
  return Show(request);
}

Answer Model::UpdateChannel(const Request& request) {
  auto& channel = channels_[At(request.channel)];
  if (!channel) return Refused(Error::kNotFound);
  if (IsStale(request, channel->revision, births_of_channels_[At(request.channel)]))
    return Refused(Error::kEtagMismatch);
  if (ChangesFirst(request.mask)) channel->display_name = request.first;
  if (ChangesSecond(request.mask)) channel->max_datagram = request.second;
  ++channel->revision;
  return Show(request);
}

Answer Model::DeleteChannel(const Request& request) {
  auto& channel = channels_[At(request.channel)];
  if (!channel) return request.allow_missing ? Answer() : Refused(Error::kNotFound);
  if (IsStale(request, channel->revision, births_of_channels_[At(request.channel)]))
    return Refused(Error::kEtagMismatch);
  if (!ListOf(channel->members).views.empty() && !request.force) {
    return Refused(Error::kFailedPrecondition);
  }
  channel.reset();
  return {};
}

Answer Model::CreateSubscriber(const Request& request) {
  auto& subscriber = subscribers_[At(request.subscribers[0])];
  if (subscriber) return Refused(Error::kAlreadyExists);
  for (const auto& other : subscribers_) {
    if (!other) continue;
    const bool is_taken = other->identity == request.first || other->user_key == request.second;
    if (is_taken) return Refused(Error::kAlreadyExists);
  }
  subscriber = Subscriber{request.first, request.second};
  births_of_subscribers_[At(request.subscribers[0])].created = 0;
  return Show(request);
}

Answer Model::DeleteSubscriber(const Request& request) {
  const size_t id = At(request.subscribers[0]);
  if (!subscribers_[id]) return request.allow_missing ? Answer() : Refused(Error::kNotFound);
  if (IsStale(request, kFirstRevision, births_of_subscribers_[id]))
    return Refused(Error::kEtagMismatch);
  const auto has_it = [id](const auto& channel) { return channel && channel->members[id]; };
  if (!request.force && std::any_of(channels_.begin(), channels_.end(), has_it)) {
    return Refused(Error::kFailedPrecondition);
  }
  for (auto& channel : channels_) {
    if (channel) channel->members[id].reset();
  }
  subscribers_[id].reset();
  return {};
}

Answer Model::AddMembers(const Request& request) {
  auto& channel = channels_[At(request.channel)];
  if (!channel) return Refused(Error::kNotFound);
  for (const int id : request.subscribers) {
    if (!subscribers_[At(id)]) return Refused(Error::kNotFound);
    if (channel->members[At(id)]) return Refused(Error::kAlreadyExists);
    if (request.join && request.second == kPast) return Refused(Error::kNotEntitled);
  }
  for (const int id : request.subscribers) {
    channel->members[At(id)] = Member{request.first, request.second, false, kFirstRevision};
    births_of_members_[At(request.channel)][At(id)].created = 0;
    if (!request.join) continue;
    channel->members[At(id)]->is_joined = true;
    ++channel->members[At(id)]->revision;
  }
  return Show(request);
}

Model::Member* Model::FindMember(int channel, int subscriber) {
  if (!channels_[At(channel)]) return nullptr;
  auto& member = channels_[At(channel)]->members[At(subscriber)];
  return member ? &*member : nullptr;
}

Model::Birth& Model::BirthOfMember(const Request& request) {
  return births_of_members_[At(request.channel)][At(request.subscribers[0])];
}

void Model::EndJoin(Member& member) {
  member.is_joined = false;
  ++member.revision;
}

Answer Model::UpdateMember(const Request& request) {
  Member* member = FindMember(request.channel, request.subscribers[0]);
  if (member == nullptr) return Refused(Error::kNotFound);
  if (IsStale(request, member->revision, BirthOfMember(request)))
    return Refused(Error::kEtagMismatch);
  if (ChangesFirst(request.mask)) member->endpoint = request.first;
  // Without a mask an end that is left open stays.
  const bool is_left_out = request.mask == Mask::kAbsent && request.second == kOpen;
  if (ChangesSecond(request.mask) && !is_left_out) member->end = request.second;
  ++member->revision;
  if (member->is_joined && !member->IsEntitled()) EndJoin(*member);
  return Show(request);
}

Answer Model::DeleteMember(const Request& request) {
  auto& channel = channels_[At(request.channel)];
  if (!channel) return Refused(Error::kNotFound);
  auto& member = channel->members[At(request.subscribers[0])];
  if (!member) return request.allow_missing ? Answer() : Refused(Error::kNotFound);
  if (IsStale(request, member->revision, BirthOfMember(request)))
    return Refused(Error::kEtagMismatch);
  member.reset();
  return {};
}

Answer Model::Join(const Request& request) {
  Member* member = FindMember(request.channel, request.subscribers[0]);
  if (member == nullptr) return Refused(Error::kNotFound);
  if (!member->IsEntitled()) return Refused(Error::kNotEntitled);
  if (!member->is_joined) ++member->revision;
  member->is_joined = true;
  return Show(request);
}

Answer Model::Leave(const Request& request) {
  Member* member = FindMember(request.channel, request.subscribers[0]);
  if (member == nullptr) return Refused(Error::kNotFound);
  if (!member->is_joined) return Refused(Error::kFailedPrecondition);
  EndJoin(*member);
  return Show(request);
}

Answer Model::Expel(const Request& request) {
  for (const int id : request.subscribers) {
    if (FindMember(request.channel, id) == nullptr) return Refused(Error::kNotFound);
  }
  Channel& channel = *channels_[At(request.channel)];
  for (const int id : request.subscribers) channel.members[At(id)].reset();
  Answer answer;
  answer.remaining = JoinedOf(channel);
  return answer;
}

Answer Model::Show(const Request& request) const {
  const auto& channel = channels_[At(request.channel)];
  Answer answer;
  switch (request.verb) {
    case Verb::kCreateChannel:
    case Verb::kGetChannel:
    case Verb::kUpdateChannel:
      answer.views.push_back(
          channel ? ViewOf(request.channel, *channel)
                  : View{request.channel, request.first, request.second, request.group});
      break;
    case Verb::kCreateSubscriber:
    case Verb::kGetSubscriber: {
      const int id = request.subscribers[0];
      const auto& subscriber = subscribers_[At(id)];
      answer.views.push_back(subscriber ? ViewOf(id, *subscriber) : View{id, request.first});
      break;
    }
    case Verb::kAddMember:
    case Verb::kAddMembers:
    case Verb::kGetMember:
    case Verb::kUpdateMember:
    case Verb::kJoin:
    case Verb::kLeave:
      for (const int id : request.subscribers) {
        const bool is_there = channel && channel->members[At(id)];
        answer.views.push_back(is_there ? ViewOf(id, *channel->members[At(id)])
                                        : View{id, request.first, request.second});
      }
      break;
    default:
      break;
  }
  return answer;
}

template <class Resources>
Answer Model::ListOf(const Resources& resources) {
  Answer answer;
  for (size_t id = 0; id < resources.size(); ++id) {
    if (resources[id]) answer.views.push_back(ViewOf(static_cast<int>(id), *resources[id]));
  }
  return answer;
}

uint64_t Model::JoinedOf(const Channel& channel) {
  uint64_t joined = 0;
  for (const auto& member : channel.members) joined += uint64_t{member && member->is_joined};
  return joined;
}

View Model::ViewOf(int id, const Channel& channel) {
  return {id,
          channel.display_name,
          channel.max_datagram,
          channel.group,
          channel.revision,
          ListOf(channel.members).views.size(),
          JoinedOf(channel)};
}

View Model::ViewOf(int id, const Subscriber& subscriber) {
  return {id, subscriber.identity, 0, 0, kFirstRevision};
}

View Model::ViewOf(int id, const Member& member) {
  return {id, member.endpoint, member.end, 0, member.revision, 0, uint64_t{member.is_joined}};
}

uint64_t Model::Digest(uint64_t seed) const {
  Mixing mixing(seed);
  const auto add = [&mixing](std::initializer_list<uint64_t> numbers) {
    for (const uint64_t number : numbers) mixing.Add(number);
  };
  for (const auto& channel : channels_) {
    mixing.Add(uint64_t{channel.has_value()});
    if (!channel) continue;
    add({channel->display_name, channel->max_datagram, channel->group, channel->revision});
    for (const auto& member : channel->members) {
      mixing.Add(uint64_t{member.has_value()});
      if (member) {
        add({member->endpoint, member->end, uint64_t{member->is_joined}, member->revision});
      }
    }
  }
  for (const auto& subscriber : subscribers_) {
    mixing.Add(uint64_t{subscriber.has_value()});
    if (subscriber) add({subscriber->identity, subscriber->user_key});
  }
  const auto add_births = [&add](const auto& births) {
    for (const Birth& birth : births) add({birth.created, birth.latest});
  };
  add_births(births_of_channels_);
  add_births(births_of_subscribers_);
  for (const auto& births : births_of_members_) add_births(births);
  for (size_t id = 0; id < requests_.size(); ++id) {
    const Kept& kept = requests_[id];
    if (kept.is_kept) add({id, kept.content, kept.remaining});
  }
  return mixing.value();
}

}  // namespace keymast::linear
