// SPDX-License-Identifier: Apache-2.0
#include "rekey/operation.h"

#include <algorithm>
#include <charconv>

namespace keymast::rekey {
namespace {

constexpr std::string_view kMore = "more=";

}  // namespace

void AddRefusal(Progress& progress, std::string refusal) {
  std::vector<std::string>& notes = progress.notes;
  if (notes.size() < kMostRefusals) return notes.push_back(std::move(refusal));
  const uint64_t more = RefusedIn(progress) - kMostRefusals + 1;
  notes.resize(kMostRefusals);
  notes.push_back(std::string(kMore) + std::to_string(more));
}

uint64_t RefusedIn(const Progress& progress) {
  const std::vector<std::string>& notes = progress.notes;
  if (notes.size() <= kMostRefusals) return notes.size();
  const std::string& last = notes.back();
  uint64_t more = 0;
  std::from_chars(last.data() + std::min(kMore.size(), last.size()), last.data() + last.size(),
                  more);
  return kMostRefusals + more;
}

}  // namespace keymast::rekey
