// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <ostream>

#include "cli/batch.h"
#include "cli/commands.h"
#include "cli/sealing.h"
#include "keymast/v1/server.pb.h"
#include "keymast/v1/subscriber.pb.h"

namespace keymast::cli {
namespace {

void WriteSubscriber(const v1::Subscriber& subscriber, std::ostream& out) {
  WritePairs({{"name", subscriber.name()},
              {"identity", subscriber.identity()},
              {"user key", subscriber.has_user_key() ? "yes" : "none"},
              {"created", TimeCell(subscriber.create_time(), subscriber.has_create_time())},
              {"etag", subscriber.etag()}},
             out);
}

template <class List>
void WriteSubscribers(const List& list, std::ostream& out) {
  Table table({"SUBSCRIBER", "CREATED", "USER KEY", "IDENTITY"});
  for (const v1::Subscriber& subscriber : list.subscribers()) {
    table.Add({LastSegment(subscriber.name()),
               TimeCell(subscriber.create_time(), subscriber.has_create_time()),
               subscriber.has_user_key() ? "yes" : "none", subscriber.identity()});
  }
  table.Write(out);
}

void WriteListed(const v1::ListSubscribersResponse& list, std::ostream& out) {
  WriteSubscribers(list, out);
}

void WriteChosen(const v1::BatchGetSubscribersResponse& list, std::ostream& out) {
  WriteSubscribers(list, out);
}

Outcome<std::string> ImportKey(Context& context) {
  v1::ServerStatus status;
  const auto called =
      context.session.Call("Server.GetServerStatus", v1::GetServerStatusRequest(), status);
  if (!called) return tl::unexpected(called.error());
  return status.import_public_key();
}

// PutCredential seals the key of a file into a request; without a file there is none.
Outcome<void> PutCredential(const std::string& import_key, const std::string& request_id,
                            const std::string& file, v1::CreateSubscriberRequest& request) {
  if (file.empty()) return {};
  auto sealed = SealCredential(import_key, request_id, request.subscriber_id(),
                               request.subscriber().identity(), file);
  if (!sealed) return tl::unexpected(sealed.error());
  request.mutable_subscriber()->set_sealed_credential(std::move(*sealed));
  return {};
}

struct CreateOptions {
  v1::CreateSubscriberRequest request;
  std::string credential_file;
};

Outcome<void> Create(Context& context, const CreateOptions& options) {
  const auto import_key = ImportKey(context);
  if (!import_key) return tl::unexpected(import_key.error());
  v1::CreateSubscriberRequest request = options.request;
  if (request.request_id().empty()) request.set_request_id(NewRequestId());
  auto put = PutCredential(*import_key, request.request_id(), options.credential_file, request);
  if (!put) return put;
  v1::Subscriber created;
  auto sent = Send(context, "Subscribers.CreateSubscriber", request, created);
  return sent ? ShowAnswer(context, request, created, WriteSubscriber) : sent;
}

struct UpdateOptions {
  v1::UpdateSubscriberRequest request;
  std::string credential_file;
};

// The box is bound to the identity, which the server tells.
Outcome<void> Update(Context& context, const UpdateOptions& options) {
  const auto import_key = ImportKey(context);
  if (!import_key) return tl::unexpected(import_key.error());
  v1::UpdateSubscriberRequest request = options.request;
  v1::Subscriber& subscriber = *request.mutable_subscriber();
  v1::GetSubscriberRequest wanted;
  wanted.set_name(subscriber.name());
  v1::Subscriber known;
  auto found = context.session.Call("Subscribers.GetSubscriber", wanted, known);
  if (!found) return found;
  if (request.request_id().empty()) request.set_request_id(NewRequestId());
  auto sealed = SealCredential(*import_key, request.request_id(), LastSegment(subscriber.name()),
                               known.identity(), options.credential_file);
  if (!sealed) return tl::unexpected(sealed.error());
  subscriber.set_sealed_credential(std::move(*sealed));
  request.mutable_update_mask()->add_paths("sealed_credential");
  v1::Subscriber updated;
  auto sent = Send(context, "Subscribers.UpdateSubscriber", request, updated);
  return sent ? ShowAnswer(context, request, updated, WriteSubscriber) : sent;
}

Outcome<std::set<std::string>> Existing(Context& context) {
  v1::ListSubscribersResponse subscribers;
  auto fetched =
      FetchAll(context, "Subscribers.ListSubscribers", v1::ListSubscribersRequest(), subscribers);
  if (!fetched) return tl::unexpected(fetched.error());
  std::set<std::string> existing;
  for (const v1::Subscriber& subscriber : subscribers.subscribers()) {
    existing.insert(LastSegment(subscriber.name()));
  }
  return existing;
}

Outcome<void> BatchCreate(Context& context, const CsvOptions& csv) {
  auto rows = ReadCsv(csv.file, 3);
  if (!rows) return tl::unexpected(rows.error());
  const auto import_key = ImportKey(context);
  if (!import_key) return tl::unexpected(import_key.error());
  size_t left = 0;
  if (csv.skip_existing) {
    const auto existing = Existing(context);
    if (!existing) return tl::unexpected(existing.error());
    left = Leave(*existing, *rows);
  }
  v1::BatchCreateSubscribersResponse all;
  const auto put = [&](const CsvRow& row,
                       v1::BatchCreateSubscribersRequest& batch) -> Outcome<void> {
    v1::CreateSubscriberRequest& request = *batch.add_requests();
    request.set_subscriber_id(row.cells[0]);
    request.mutable_subscriber()->set_identity(row.cells[1]);
    return PutCredential(*import_key, batch.request_id(), row.cells[2], request);
  };
  auto sent = SendBatches(context, "Subscribers.BatchCreateSubscribers", csv, *rows,
                          v1::BatchCreateSubscribersRequest(), put, all);
  if (!sent) return sent;
  return Show(context, all, [&](const v1::BatchCreateSubscribersResponse& made, std::ostream& out) {
    WriteSubscribers(made, out);
    if (left > 0) out << "passed over: " << left << "\n";
    if (csv.validate_only) WriteLine(kOnlyChecked, out);
  });
}

struct DeletionOptions {
  CsvOptions csv;
  v1::BatchDeleteSubscribersRequest batch;
};

Outcome<void> BatchDelete(Context& context, const DeletionOptions& options) {
  const auto rows = ReadCsv(options.csv.file, 1);
  if (!rows) return tl::unexpected(rows.error());
  v1::BatchDeleteSubscribersResponse all;
  const auto put = [](const CsvRow& row,
                      v1::BatchDeleteSubscribersRequest& batch) -> Outcome<void> {
    batch.add_names(NameIn("subscribers/", row.cells[0]));
    return {};
  };
  auto sent = SendBatches(context, "Subscribers.BatchDeleteSubscribers", options.csv, *rows,
                          options.batch, put, all);
  if (!sent) return sent;
  return Show(context, all, [&](const v1::BatchDeleteSubscribersResponse&, std::ostream& out) {
    out << (options.csv.validate_only ? "may be deleted: " : "deleted ") << rows->size()
        << " subscribers\n";
  });
}

void AddCreate(Command& group) {
  Command& create = group.Add("create", "Create a subscriber");
  auto& options = OptionsOf<CreateOptions>(create, Create);
  create.Add(Id("SUBSCRIBER", "subscribers/", *options.request.mutable_subscriber_id()));
  create.Add(Fields(options.request)
                 .Of("subscriber.identity", "--identity", "NAI", "As alice@example.org")
                 .Required());
  create.Add(Valued("--credential-file", "FILE",
                    "User key file of mode 0600; leaves this program only sealed to the server. "
                    "Without one it has no user key, and joins by certificate",
                    Into(options.credential_file)));
  AddStandardOptions(create, options.request);
  group.Example(
      "keymastctl subscribers create alice --identity alice@example.org "
      "--credential-file alice.key");
}

void AddUpdate(Command& group) {
  Command& update = group.Add("update", "Give a subscriber another user key");
  auto& options = OptionsOf<UpdateOptions>(update, Update);
  v1::Subscriber& subscriber = *options.request.mutable_subscriber();
  update.Add(Named("SUBSCRIBER", "subscribers/", *subscriber.mutable_name()));
  update.Add(Valued("--credential-file", "FILE",
                    "User key file of mode 0600; leaves this program only sealed to the server",
                    Into(options.credential_file))
                 .Required());
  update.Add(Fields(subscriber).Of("etag", "--etag", "ETAG", "Only while it still has this etag"));
  AddStandardOptions(update, options.request);
  group.Example("keymastctl subscribers update alice --credential-file alice-2.key");
}

void AddBatches(Command& group) {
  Command& create = group.Add("batch-create", "Create many, 1000 a request, each request atomic");
  auto& csv = OptionsOf<CsvOptions>(create, BatchCreate);
  AddCsvOptions(create, "SUBSCRIBER,IDENTITY,CREDENTIAL_FILE", csv);
  create.Add(SkipExisting(csv));
  Command& remove = group.Add("batch-delete", "Delete many, 1000 a request, each request atomic");
  auto& options = OptionsOf<DeletionOptions>(remove, BatchDelete);
  AddCsvOptions(remove, "SUBSCRIBER", options.csv);
  const Fields fields(options.batch);
  remove.Add(fields.Of("force", "--force", "", "Expel them from their channels first"));
  remove.Add(fields.Of("allow_missing", "--allow-missing", "", "What is not there counts as done"));
  group.Example("keymastctl subscribers batch-create --csv subscribers.csv");
}

}  // namespace

void AddSubscribers(Command& program) {
  Command& group = program.Add("subscribers", "Users who may become members");
  AddCreate(group);
  AddUpdate(group);
  AddBatches(group);
  AddNamed<v1::GetSubscriberRequest>(group, "get", "Show a subscriber", "Subscribers.GetSubscriber",
                                     {"SUBSCRIBER", "subscribers/"}, WriteSubscriber);
  AddEach<v1::BatchGetSubscribersRequest>(group, "batch-get", "Show some subscribers: all or none",
                                          "Subscribers.BatchGetSubscribers",
                                          {"SUBSCRIBER", "subscribers/"}, WriteChosen);
  Lists<v1::ListSubscribersRequest>(group.Add("list", "List subscribers"),
                                    "Subscribers.ListSubscribers", WriteListed);
  AddDelete<v1::DeleteSubscriberRequest, v1::DeleteSubscriberResponse>(
      group, "Delete a subscriber", "Subscribers.DeleteSubscriber", {"SUBSCRIBER", "subscribers/"},
      "Expel it from its channels first");
}

}  // namespace keymast::cli
