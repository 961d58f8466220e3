// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include <grpcpp/create_channel.h>

#include <chrono>
#include <thread>

#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"

namespace keymast::linear {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kBetweenTries = std::chrono::milliseconds(20);
constexpr int kPage = 1000;

// The outcome that an error leaves: a reason, or nothing where the change may have been made.
std::optional<Answer> OutcomeOf(const grpc::Status& status) {
  if (status.ok()) return Answer();
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  Error reason = Error::kUnavailable;
  const bool is_told = details.ParseFromString(status.error_details()) &&
                       details.details_size() > 0 && details.details(0).UnpackTo(&info) &&
                       ErrorFromName(info.reason(), reason);
  if (!is_told) return std::nullopt;
  switch (reason) {
    case Error::kUnavailable:
    case Error::kDraining:
    case Error::kCancelled:
    case Error::kStoreClosed:
    case Error::kOutcomeUnknown:
      return std::nullopt;
    default:
      return Answer{reason};
  }
}

// Call makes one call; `read` takes from a good response what the answer shows.
template <class Stub, class Message, class Response, class Read>
std::optional<Answer> Call(Stub& stub,
                           grpc::Status (Stub::*method)(grpc::ClientContext*, const Message&,
                                                        Response*),
                           const Message& message, const Read& read) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  Response response;
  const grpc::Status status = (stub.*method)(&context, message, &response);
  std::optional<Answer> answer = OutcomeOf(status);
  if (status.ok()) read(response, *answer);
  return answer;
}

constexpr auto kNothing = [](const auto&, Answer&) {};

template <class Message>
Message Asked(Message message, const Request& request, const Spelling& spelling) {
  if constexpr (requires { message.set_validate_only(true); }) {
    message.set_validate_only(request.validate_only);
  }
  if (request.request_id != 0) message.set_request_id(spelling.RequestId(request.request_id));
  return message;
}

template <class Message>
Message Deletion(const std::string& name, const Request& request, const Spelling& spelling) {
  Message message;
  message.set_name(name);
  message.set_etag(Spelling::Etag(request));
  message.set_allow_missing(request.allow_missing);
  if constexpr (requires { message.set_force(true); }) message.set_force(request.force);
  return Asked(std::move(message), request, spelling);
}

template <class Message>
Message Named(const std::string& name) {
  Message message;
  message.set_name(name);
  return message;
}

}  // namespace

Client::Client(const std::string& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // no connection is shared
  const auto channel =
      grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments);
  server_ = v1::Server::NewStub(channel);
  channels_ = v1::Channels::NewStub(channel);
  subscribers_ = v1::Subscribers::NewStub(channel);
  members_ = v1::Members::NewStub(channel);
}

bool Client::WaitUntilServed() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    v1::ServerStatus status;
    if (server_->GetServerStatus(&context, {}, &status).ok()) {
      import_key_ = status.import_public_key();
      return true;
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
  return false;
}

std::optional<Answer> Client::Do(const Request& request) {
  switch (request.verb) {
    case Verb::kCreateChannel:
    case Verb::kGetChannel:
    case Verb::kUpdateChannel:
    case Verb::kDeleteChannel:
      return OfChannel(request);
    case Verb::kCreateSubscriber:
    case Verb::kGetSubscriber:
    case Verb::kDeleteSubscriber:
      return OfSubscriber(request);
    case Verb::kAddMembers:
    case Verb::kExpel:
      return OfMembers(request);
    case Verb::kListChannels:
    case Verb::kListSubscribers:
    case Verb::kListMembers:
      return List(request);
    default:
      return OfMember(request);
  }
}

Client::Outcome Client::OfChannel(const Request& request) {
  const auto see = [this](const v1::Channel& channel, Answer& answer) {
    answer.views.push_back(spelling_.ViewOf(channel));
  };
  const std::string name = spelling_.Channel(request.channel);
  switch (request.verb) {
    case Verb::kCreateChannel:
      return Call(*channels_, &v1::Channels::Stub::CreateChannel,
                  Asked(spelling_.NewChannel(request), request, spelling_), see);
    case Verb::kGetChannel:
      return Call(*channels_, &v1::Channels::Stub::GetChannel, Named<v1::GetChannelRequest>(name),
                  see);
    case Verb::kUpdateChannel:
      return Call(*channels_, &v1::Channels::Stub::UpdateChannel,
                  Asked(spelling_.ChannelUpdate(request), request, spelling_), see);
    default:
      return Call(*channels_, &v1::Channels::Stub::DeleteChannel,
                  Deletion<v1::DeleteChannelRequest>(name, request, spelling_), kNothing);
  }
}

Client::Outcome Client::OfSubscriber(const Request& request) {
  const auto see = [this](const v1::Subscriber& subscriber, Answer& answer) {
    answer.views.push_back(spelling_.ViewOf(subscriber));
  };
  const std::string name = spelling_.Subscriber(request.subscribers[0]);
  switch (request.verb) {
    case Verb::kCreateSubscriber:
      return Call(*subscribers_, &v1::Subscribers::Stub::CreateSubscriber,
                  Asked(spelling_.NewSubscriber(request, import_key_, rng_), request, spelling_),
                  see);
    case Verb::kGetSubscriber:
      return Call(*subscribers_, &v1::Subscribers::Stub::GetSubscriber,
                  Named<v1::GetSubscriberRequest>(name), see);
    default:
      return Call(*subscribers_, &v1::Subscribers::Stub::DeleteSubscriber,
                  Deletion<v1::DeleteSubscriberRequest>(name, request, spelling_), kNothing);
  }
}

Client::Outcome Client::OfMember(const Request& request) {
  const auto see = [this](const v1::Member& member, Answer& answer) {
    answer.views.push_back(spelling_.ViewOf(member));
  };
  const int subscriber = request.subscribers[0];
  const std::string name = spelling_.Member(request.channel, subscriber);
  switch (request.verb) {
    case Verb::kAddMember:
      return Call(*members_, &v1::Members::Stub::CreateMember,
                  Asked(spelling_.NewMember(request, subscriber), request, spelling_), see);
    case Verb::kGetMember:
      return Call(*members_, &v1::Members::Stub::GetMember, Named<v1::GetMemberRequest>(name), see);
    case Verb::kUpdateMember:
      return Call(*members_, &v1::Members::Stub::UpdateMember,
                  Asked(spelling_.MemberUpdate(request), request, spelling_), see);
    case Verb::kJoin:
      return Call(*members_, &v1::Members::Stub::JoinChannel,
                  Asked(Named<v1::JoinChannelRequest>(name), request, spelling_), see);
    case Verb::kLeave:
      return Call(*members_, &v1::Members::Stub::LeaveChannel,
                  Asked(Named<v1::LeaveChannelRequest>(name), request, spelling_), see);
    default:
      return Call(*members_, &v1::Members::Stub::DeleteMember,
                  Deletion<v1::DeleteMemberRequest>(name, request, spelling_), kNothing);
  }
}

Client::Outcome Client::OfMembers(const Request& request) {
  if (request.verb == Verb::kExpel) {
    v1::ExpelMembersRequest message;
    message.set_parent(spelling_.Channel(request.channel));
    for (const int subscriber : request.subscribers) {
      message.add_names(spelling_.Member(request.channel, subscriber));
    }
    return Call(*members_, &v1::Members::Stub::ExpelMembers,
                Asked(std::move(message), request, spelling_),
                [](const v1::ExpelMembersResponse& response, Answer& answer) {
                  answer.remaining = response.remaining();
                });
  }
  v1::BatchCreateMembersRequest message;
  message.set_parent(spelling_.Channel(request.channel));
  for (const int subscriber : request.subscribers) {
    *message.add_requests() = spelling_.NewMember(request, subscriber);
  }
  return Call(*members_, &v1::Members::Stub::BatchCreateMembers,
              Asked(std::move(message), request, spelling_),
              [this](const v1::BatchCreateMembersResponse& response, Answer& answer) {
                for (const v1::Member& member : response.members()) {
                  answer.views.push_back(spelling_.ViewOf(member));
                }
              });
}

// A whole list is in one page: the server has few resources at a time.
Client::Outcome Client::List(const Request& request) {
  const auto see = [this](const auto& resources, const std::string& more, Answer& answer) {
    for (const auto& resource : resources) answer.views.push_back(spelling_.ViewOf(resource));
    if (!more.empty()) answer.error = Error::kTooLong;
  };
  switch (request.verb) {
    case Verb::kListChannels: {
      v1::ListChannelsRequest message;
      message.set_page_size(kPage);
      message.set_filter(spelling_.ChannelFilter());
      return Call(*channels_, &v1::Channels::Stub::ListChannels, message,
                  [&](const v1::ListChannelsResponse& list, Answer& answer) {
                    see(list.channels(), list.next_page_token(), answer);
                  });
    }
    case Verb::kListSubscribers: {
      v1::ListSubscribersRequest message;
      message.set_page_size(kPage);
      message.set_filter(spelling_.SubscriberFilter());
      return Call(*subscribers_, &v1::Subscribers::Stub::ListSubscribers, message,
                  [&](const v1::ListSubscribersResponse& list, Answer& answer) {
                    see(list.subscribers(), list.next_page_token(), answer);
                  });
    }
    default: {
      v1::ListMembersRequest message;
      message.set_parent(spelling_.Channel(request.channel));
      message.set_page_size(kPage);
      return Call(*members_, &v1::Members::Stub::ListMembers, message,
                  [&](const v1::ListMembersResponse& list, Answer& answer) {
                    see(list.members(), list.next_page_token(), answer);
                  });
    }
  }
}

bool Client::Clear() {
  Request request;
  request.force = true;
  request.allow_missing = true;
  request.verb = Verb::kDeleteChannel;
  const auto is_done = [this](const Request& deletion) {
    const Outcome outcome = Do(deletion);
    return outcome && !outcome->error;
  };
  for (request.channel = 0; request.channel < kChannels; ++request.channel) {
    if (!is_done(request)) return false;
  }
  request.verb = Verb::kDeleteSubscriber;
  request.channel = 0;
  for (int subscriber = 0; subscriber < kSubscribers; ++subscriber) {
    request.subscribers = {subscriber};
    if (!is_done(request)) return false;
  }
  return true;
}

}  // namespace keymast::linear
