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

// IsStale: the etag is of what was there before, or of something else.
bool IsStale(const Request& request, uint64_t revision) {
  return request.revision != 0 && request.revision != revision;
}

size_t At(int index) { return static_cast<size_t>(index); }

}  // namespace

Model::Done Model::Do(const Request& request) {
  if (IsRead(request.verb)) return {Read(request), false};
  if (request.validate_only) {
    Model scratch = *this;
    const Answer answer = scratch.Change(request);
    return {answer.error ? answer : Show(request), false};
  }
  if (request.request_id == 0) {
    const Model before = *this;
    Answer answer = Change(request);
    return {std::move(answer), !(before == *this)};
  }
  const size_t id = request.request_id;
  if (requests_.size() <= id) requests_.resize(id + 1);
  if (requests_[id].is_kept) return {Again(request, requests_[id]), false, true};
  Answer answer = Change(request);
  if (answer.error) return {std::move(answer), false};
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
  return Show(request);
}

Answer Model::UpdateChannel(const Request& request) {
  auto& channel = channels_[At(request.channel)];
  if (!channel) return Refused(Error::kNotFound);
  if (IsStale(request, channel->revision)) return Refused(Error::kEtagMismatch);
  if (ChangesFirst(request.mask)) channel->display_name = request.first;
  if (ChangesSecond(request.mask)) channel->max_datagram = request.second;
  ++channel->revision;
  return Show(request);
}

Answer Model::DeleteChannel(const Request& request) {
  auto& channel = channels_[At(request.channel)];
  if (!channel) return request.allow_missing ? Answer() : Refused(Error::kNotFound);
  if (IsStale(request, channel->revision)) return Refused(Error::kEtagMismatch);
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
  return Show(request);
}

Answer Model::DeleteSubscriber(const Request& request) {
  const size_t id = At(request.subscribers[0]);
  if (!subscribers_[id]) return request.allow_missing ? Answer() : Refused(Error::kNotFound);
  if (IsStale(request, kFirstRevision)) return Refused(Error::kEtagMismatch);
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

void Model::EndJoin(Member& member) {
  member.is_joined = false;
  ++member.revision;
}

Answer Model::UpdateMember(const Request& request) {
  Member* member = FindMember(request.channel, request.subscribers[0]);
  if (member == nullptr) return Refused(Error::kNotFound);
  if (IsStale(request, member->revision)) return Refused(Error::kEtagMismatch);
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
  if (IsStale(request, member->revision)) return Refused(Error::kEtagMismatch);
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
  for (size_t id = 0; id < requests_.size(); ++id) {
    const Kept& kept = requests_[id];
    if (kept.is_kept) add({id, kept.content, kept.remaining});
  }
  return mixing.value();
}

}  // namespace keymast::linear
