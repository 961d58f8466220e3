// SPDX-License-Identifier: Apache-2.0
#include "server/names.h"
#include "server/translate.h"

namespace keymast::server {
namespace {

constexpr size_t kMinUserKey = 16;
constexpr size_t kMaxUserKey = 32;

}  // namespace

Outcome<controller::NewSubscriber> FromProto(const v1::CreateSubscriberRequest& request,
                                             const crypto::KeyPair& import_key,
                                             const std::string& prefix) {
  Violations violations;
  controller::NewSubscriber subscriber;
  subscriber.id = SubscriberId(request.subscriber_id());
  subscriber.identity = request.subscriber().identity();
  if (!groups::IsResourceId(subscriber.id.value)) {
    violations.Add(prefix + "subscriber_id", std::string(groups::kResourceIdRule));
  }
  if (!groups::IsIdentity(subscriber.identity)) {
    violations.Add(prefix + "subscriber.identity", std::string(groups::kIdentityRule));
  }
  // What the box is bound to must be names before it can be asked for.
  if (!violations.empty()) return std::move(violations).Failed(NameOf(subscriber.id));
  if (request.subscriber().sealed_credential().empty()) return subscriber;
  const std::string field = prefix + "subscriber.sealed_credential";
  const auto key = crypto::OpenBox(import_key, crypto::kUserKeyPurpose,
                                   crypto::UserKeyAad(subscriber.id, subscriber.identity),
                                   AsBytes(request.subscriber().sealed_credential()));
  if (!key) {
    violations.Add(
        field,
        "must be empty, or a user key sealed to this server's import key, with purpose `user "
        "key`, for this subscriber's id and identity");
  } else if (key->size() < kMinUserKey || key->size() > kMaxUserKey) {
    violations.Add(field, "must hold a user key of 16 to 32 octets");
  } else {
    subscriber.user_key = crypto::Key32(*key);
  }
  if (!violations.empty()) return std::move(violations).Failed(NameOf(subscriber.id));
  return subscriber;
}

v1::Subscriber ToProto(const rekey::SubscriberState& state) {
  const groups::Subscriber& subscriber = state.subscriber;
  v1::Subscriber message;
  message.set_name(NameOf(subscriber.id));
  message.set_identity(subscriber.identity);
  *message.mutable_create_time() = ToProto(subscriber.created);
  message.set_etag(EtagOf(groups::VersionOf(subscriber)));
  message.set_has_user_key(!state.user_key.empty());
  return message;
}

}  // namespace keymast::server
