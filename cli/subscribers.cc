// SPDX-License-Identifier: Apache-2.0
#include "cli/subscribers.h"

#include <algorithm>
#include <ostream>

#include "crypto/boxes.h"
#include "keymast/v1/server.pb.h"
#include "keymast/v1/subscriber.pb.h"
#include "shell/files.h"

namespace keymast::cli {
namespace {

constexpr size_t kShortestKey = 16;
constexpr size_t kLongestKey = 32;

void WriteSubscriber(const v1::Subscriber& subscriber, std::ostream& out) {
  WritePairs({{"name", subscriber.name()},
              {"identity", subscriber.identity()},
              {"created", TimeCell(subscriber.create_time(), subscriber.has_create_time())},
              {"etag", subscriber.etag()}},
             out);
}

template <class List>
void WriteSubscribers(const List& list, std::ostream& out) {
  Table table({"SUBSCRIBER", "CREATED", "IDENTITY"});
  for (const v1::Subscriber& subscriber : list.subscribers()) {
    table.Add({LastSegment(subscriber.name()),
               TimeCell(subscriber.create_time(), subscriber.has_create_time()),
               subscriber.identity()});
  }
  table.Write(out);
}

Outcome<std::string> ImportKey(Context& context) {
  v1::ServerStatus status;
  const auto called =
      context.session.Call("Server.GetServerStatus", v1::GetServerStatusRequest(), status);
  if (!called) return tl::unexpected(called.error());
  return status.import_public_key();
}

std::string WhyUnreadable(const std::string& path, Error error) {
  switch (error) {
    case Error::kNotFound:
      return path + ": no such file";
    case Error::kPermissionDenied:
      return path + ": only its owner may read a key file (mode 0600)";
    case Error::kTooLong:
      return path + ": a user key has 16 to 32 octets";
    default:
      return path + ": cannot be read";
  }
}

// Seals the key of one file for one subscriber; the clear key lives in `key` alone and is wiped.
Outcome<std::string> SealedCredential(const std::string& import_key,
                                      const SubscriberOptions& options) {
  auto key = crypto::Key32::OfSize(kLongestKey);
  const auto size = shell::ReadSecretFile(options.credential_file, key.mutable_view());
  if (!size) return UsageProblem(WhyUnreadable(options.credential_file, size.error()));
  if (*size < kShortestKey) {
    return UsageProblem(WhyUnreadable(options.credential_file, Error::kTooLong));
  }
  crypto::SystemRng rng;
  const auto box =
      crypto::SealBox(AsBytes(import_key), crypto::kUserKeyPurpose,
                      crypto::UserKeyAad(SubscriberId(LastSegment(options.id)), options.identity),
                      key.view().first(*size), rng);
  if (!box) {
    return tl::unexpected(
        Problem{Exit::kRefused, "the server's import key is not usable", {}, {}, {}, {}});
  }
  return std::string(AsText(*box));
}

Outcome<v1::CreateSubscriberRequest> RequestOf(const std::string& import_key,
                                               const SubscriberOptions& options) {
  auto sealed = SealedCredential(import_key, options);
  if (!sealed) return tl::unexpected(sealed.error());
  v1::CreateSubscriberRequest request;
  request.set_subscriber_id(LastSegment(options.id));
  request.mutable_subscriber()->set_identity(options.identity);
  request.mutable_subscriber()->set_sealed_credential(std::move(*sealed));
  request.set_validate_only(options.validate_only);
  return request;
}

}  // namespace

Outcome<void> CreateSubscriber(Context& context, const SubscriberOptions& options) {
  const auto import_key = ImportKey(context);
  if (!import_key) return tl::unexpected(import_key.error());
  const auto request = RequestOf(*import_key, options);
  if (!request) return tl::unexpected(request.error());
  return CallAndShow<v1::Subscriber>(context, "Subscribers.CreateSubscriber", *request,
                                     WriteSubscriber);
}

Outcome<void> BatchCreateSubscribers(Context& context, const CsvOptions& csv) {
  auto rows = ReadCsv(csv.file, 3);
  if (!rows) return tl::unexpected(rows.error());
  const auto import_key = ImportKey(context);
  if (!import_key) return tl::unexpected(import_key.error());
  size_t left = 0;
  if (csv.skip_existing) {
    v1::ListSubscribersResponse subscribers;
    auto listed = List(context, "Subscribers.ListSubscribers", PageOptions(),
                       v1::ListSubscribersRequest(), subscribers);
    if (!listed) return listed;
    std::set<std::string> existing;
    for (const v1::Subscriber& subscriber : subscribers.subscribers()) {
      existing.insert(LastSegment(subscriber.name()));
    }
    left = Leave(existing, *rows);
  }
  v1::BatchCreateSubscribersResponse all;
  const auto request_of = [&](const CsvRow& row) {
    return RequestOf(*import_key, {row.cells[0], row.cells[1], row.cells[2], false});
  };
  auto sent = SendBatches(context, "Subscribers.BatchCreateSubscribers", csv, *rows,
                          v1::BatchCreateSubscribersRequest(), request_of, all);
  if (!sent) return sent;
  return Show(context, all, [&](const v1::BatchCreateSubscribersResponse& made, std::ostream& out) {
    WriteSubscribers(made, out);
    if (left > 0) out << "passed over: " << left << "\n";
  });
}

Outcome<void> GetSubscriber(Context& context, const std::string& subscriber) {
  v1::GetSubscriberRequest request;
  request.set_name(SubscriberName(subscriber));
  return CallAndShow<v1::Subscriber>(context, "Subscribers.GetSubscriber", request,
                                     WriteSubscriber);
}

Outcome<void> ListSubscribers(Context& context, const PageOptions& page) {
  v1::ListSubscribersResponse response;
  auto listed =
      List(context, "Subscribers.ListSubscribers", page, v1::ListSubscribersRequest(), response);
  if (!listed) return listed;
  return Show(context, response, [](const v1::ListSubscribersResponse& list, std::ostream& out) {
    WriteSubscribers(list, out);
    MorePages(list.next_page_token(), out);
  });
}

Outcome<void> DeleteSubscriber(Context& context, const std::string& subscriber, bool force) {
  v1::DeleteSubscriberRequest request;
  request.set_name(SubscriberName(subscriber));
  request.set_force(force);
  return CallAndShow<v1::DeleteSubscriberResponse>(
      context, "Subscribers.DeleteSubscriber", request,
      [&](const v1::DeleteSubscriberResponse&, std::ostream& out) {
        out << "deleted " << request.name() << "\n";
      });
}

}  // namespace keymast::cli
