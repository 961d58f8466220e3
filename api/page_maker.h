// SPDX-License-Identifier: Apache-2.0
// Makes a page that takes a while, on a thread of its own, once for all who wait for it.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace keymast::api {

class PageMaker {
 public:
  // `made` is called on the maker's thread after each page: it only wakes the owner.
  PageMaker(std::function<std::string()> make, std::function<void()> made);
  ~PageMaker();
  PageMaker(const PageMaker&) = delete;
  PageMaker& operator=(const PageMaker&) = delete;

  // Want asks for a page that is begun from now on, and gives its number.
  uint64_t Want();

  struct Page {
    uint64_t number = 0;  // who wants this one or an earlier one may have it
    std::string text;
  };
  // Take gives the newest page, once.
  std::optional<Page> Take();

 private:
  void Run();

  const std::function<std::string()> make_;
  const std::function<void()> made_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t begun_ = 0;
  uint64_t wanted_ = 0;
  std::optional<Page> page_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace keymast::api
