// SPDX-License-Identifier: Apache-2.0
// What keymast-api does with the head of an HTTP request.
#include "api/http_responder.h"
#include "base/bytes.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static keymast::api::HttpResponder responder(
      {[] { return ""; }, [] { return std::vector<std::string>(); }});
  const std::string_view head = keymast::AsText({data, size});
  const std::string page(100, 'x');
  const auto answer = responder.Answer(head, &page);
  KEYMAST_CHECK(answer && answer->size() < size + 1000);
  return 0;
}
