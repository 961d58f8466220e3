// SPDX-License-Identifier: Apache-2.0
#include "server/loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

namespace keymast::server {
namespace {

class LoopTest : public testing::Test {
 protected:
  LoopTest() {
    EXPECT_EQ(pipe(one_.data()), 0);
    EXPECT_EQ(pipe(two_.data()), 0);
  }
  ~LoopTest() override {
    for (const int fd : {one_[0], one_[1], two_[0], two_[1]}) close(fd);
  }
  static void Fill(const std::array<int, 2>& pipe) { ASSERT_EQ(write(pipe[1], "x", 1), 1); }

  shell::SystemClock clock_;
  Loop loop_{clock_};
  std::array<int, 2> one_{};
  std::array<int, 2> two_{};
  int calls_ = 0;
};

TEST_F(LoopTest, CallsWhatIsReady) {
  loop_.Watch(one_[0], EPOLLIN, [&](uint32_t events) {
    EXPECT_EQ(events, static_cast<uint32_t>(EPOLLIN));
    ++calls_;
  });
  Fill(one_);
  loop_.Turn();
  loop_.Turn();  // it was not read: still ready
  EXPECT_EQ(calls_, 2);
}

TEST_F(LoopTest, ATimerEndsATurn) {
  loop_.WakeAt(clock_.Now() + std::chrono::milliseconds(1));
  loop_.Turn();
  loop_.WakeAt(clock_.Now() - std::chrono::hours(1));  // also one that is over
  loop_.Turn();
  loop_.WakeAt(Instant());
  loop_.Turn();
}

TEST_F(LoopTest, ATimerIsSetAnewWhenTheClockWasMoved) {
  const Instant far = clock_.Now() + std::chrono::hours(1);
  loop_.WakeAt(far);
  const shell::ClockReading now = shell::ReadClocks();
  clock_.line().JumpTo(far, now.boottime);
  loop_.ClockMoved();
  loop_.WakeAt(far);
  loop_.Turn();  // or this would wait for an hour
}

TEST_F(LoopTest, ATimerCanBeTakenBackAndSetAgain) {
  const Instant soon = clock_.Now();
  loop_.WakeAt(soon);
  loop_.WakeAt(kNever);
  loop_.Watch(one_[0], EPOLLIN, [&](uint32_t) { ++calls_; });
  Fill(one_);
  loop_.Turn();
  EXPECT_EQ(calls_, 1);
  loop_.Forget(one_[0]);
  loop_.WakeAt(soon);
  loop_.Turn();
  loop_.WakeAt(soon);  // it went off: the same instant arms it anew
  loop_.Turn();
}

TEST_F(LoopTest, AnotherThreadEndsATurn) {
  std::thread other([&] { loop_.Wake(); });
  loop_.Turn();
  other.join();
}

TEST_F(LoopTest, ACallbackMayForgetItself) {
  loop_.Watch(one_[0], EPOLLIN, [&](uint32_t) {
    loop_.Forget(one_[0]);
    ++calls_;
  });
  Fill(one_);
  loop_.Turn();
  loop_.Wake();
  loop_.Turn();
  EXPECT_EQ(calls_, 1);
}

TEST_F(LoopTest, WhatWasForgottenIsNotCalledInTheSameTurn) {
  const auto only_once = [&](int other) {
    return [this, other](uint32_t) {
      loop_.Forget(other);
      ++calls_;
    };
  };
  loop_.Watch(one_[0], EPOLLIN, only_once(two_[0]));
  loop_.Watch(two_[0], EPOLLIN, only_once(one_[0]));
  Fill(one_);
  Fill(two_);
  loop_.Turn();
  EXPECT_EQ(calls_, 1);
}

TEST_F(LoopTest, ACallbackMayWatchFurther) {
  loop_.Watch(one_[0], EPOLLIN, [&](uint32_t) {
    loop_.Forget(one_[0]);
    loop_.Watch(two_[0], EPOLLIN, [&](uint32_t) { ++calls_; });
  });
  Fill(one_);
  Fill(two_);
  loop_.Turn();
  loop_.Turn();
  EXPECT_EQ(calls_, 1);
}

TEST_F(LoopTest, WhatIsWatchedForCanBeChanged) {
  loop_.Watch(one_[1], EPOLLIN, [&](uint32_t) { ++calls_; });
  loop_.Wake();
  loop_.Turn();
  EXPECT_EQ(calls_, 0);
  loop_.Change(one_[1], EPOLLOUT);
  loop_.Turn();
  EXPECT_EQ(calls_, 1);
}

}  // namespace
}  // namespace keymast::server
