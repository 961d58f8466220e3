// SPDX-License-Identifier: Apache-2.0
#include "api/page_maker.h"

#include <utility>

namespace keymast::api {

PageMaker::PageMaker(std::function<std::string()> make, std::function<void()> made)
    : make_(std::move(make)), made_(std::move(made)), thread_([this] { Run(); }) {}

PageMaker::~PageMaker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

uint64_t PageMaker::Want() {
  const std::lock_guard lock(mutex_);
  wanted_ = begun_ + 1;
  changed_.notify_all();
  return wanted_;
}

std::optional<PageMaker::Page> PageMaker::Take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(page_, std::nullopt);
}

void PageMaker::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || wanted_ > begun_; });
    if (stopping_) return;
    const uint64_t number = ++begun_;
    lock.unlock();
    std::string text = make_();
    lock.lock();
    page_ = Page{number, std::move(text)};
    lock.unlock();
    made_();
    lock.lock();
  }
}

}  // namespace keymast::api
