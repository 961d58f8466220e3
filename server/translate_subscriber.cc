// SPDX-License-Identifier: Apache-2.0
#include "crypto/boxes.h"
#include "server/masks.h"
#include "server/names.h"
#include "server/translate.h"

namespace keymast::server {
namespace {

// OpenCredential: an empty key when `sealed` is none, which is in `violations` then.
crypto::Key32 OpenCredential(const crypto::KeyPair& import_key, const SubscriberId& id,
                             const std::string& identity, const std::string& sealed,
                             const std::string& field, Violations& violations) {
  const auto key = crypto::OpenBox(import_key, crypto::kUserKeyPurpose,
                                   crypto::UserKeyAad(id, identity), AsBytes(sealed));
  if (!key) {
    violations.Add(field,
                   "must be a user key sealed to this server's import key, with purpose `user "
                   "key`, for this subscriber's id and identity");
    return {};
  }
  if (!crypto::IsUserKeySize(key->size())) {
    violations.Add(field, "must hold a user key of 16 to 32 octets");
    return {};
  }
  return crypto::Key32(*key);
}

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
  subscriber.user_key = OpenCredential(import_key, subscriber.id, subscriber.identity,
                                       request.subscriber().sealed_credential(),
                                       prefix + "subscriber.sealed_credential", violations);
  if (!violations.empty()) return std::move(violations).Failed(NameOf(subscriber.id));
  return subscriber;
}

Outcome<controller::UpdateSubscriber> FromProto(const v1::UpdateSubscriberRequest& request,
                                                const controller::Controller& controller,
                                                const crypto::KeyPair& import_key) {
  const v1::Subscriber& asked = request.subscriber();
  const auto id = SubscriberOf(asked.name());
  const auto& subscribers = controller.state().subscribers;
  const auto found = id ? subscribers.find(*id) : subscribers.end();
  if (found == subscribers.end())
    return tl::unexpected(NoSuch(asked.name(), "subscriber.name", kSubscriberForm));
  Violations violations;
  const std::string& identity = found->second.subscriber.identity;
  if (!asked.identity().empty() && asked.identity() != identity) {
    violations.Add("subscriber.identity", "is fixed; create another subscriber");
  }
  v1::Subscriber merged = ToProto(found->second);
  constexpr std::string_view kChangeable[] = {"sealed_credential"};
  if (auto read = Merge(asked, &request.update_mask(), kChangeable, merged); !read) {
    return tl::unexpected(read.error());
  }
  controller::UpdateSubscriber command{*id, {}, VersionOf(asked.etag())};
  command.user_key = OpenCredential(import_key, *id, identity, merged.sealed_credential(),
                                    "subscriber.sealed_credential", violations);
  if (!violations.empty()) return std::move(violations).Failed(asked.name());
  return command;
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
