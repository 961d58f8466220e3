// SPDX-License-Identifier: Apache-2.0
// keymastctl subscribers ...
#pragma once

#include "cli/batch.h"

namespace keymast::cli {

struct SubscriberOptions {
  std::string id;
  std::string identity;
  std::string credential_file;  // the user key, 16 to 32 octets, mode 0600
  bool validate_only = false;
};

// CreateSubscriber seals the user key to the server's import key: it leaves this process in no
// other form.
Outcome<void> CreateSubscriber(Context& context, const SubscriberOptions& options);
// BatchCreateSubscribers reads lines `ID,IDENTITY,CREDENTIAL_FILE`; each 1000 are one atomic
// request.
Outcome<void> BatchCreateSubscribers(Context& context, const CsvOptions& csv);
Outcome<void> GetSubscriber(Context& context, const std::string& subscriber);
Outcome<void> ListSubscribers(Context& context, const PageOptions& page);
Outcome<void> DeleteSubscriber(Context& context, const std::string& subscriber, bool force);

}  // namespace keymast::cli
