// SPDX-License-Identifier: Apache-2.0
#include "shell/out_of_memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <memory>
#include <new>
#include <vector>

namespace keymast::shell {
namespace {

constexpr const char* kLine =
    R"(^\{"time":"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z","level":"error",)"
    R"("program":"thirsty","event":"out_of_memory","reason":"[^"]+"\}
$)";

TEST(OutOfMemory, EndsWithOneLineAndAStatusOfItsOwn) {
  EXPECT_EXIT(
      {
        EndWhenOutOfMemory("thirsty");
        std::get_new_handler()();
      },
      testing::ExitedWithCode(kOutOfMemory), kLine);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// A sanitizer has a heap of its own, which asks no handler.
TEST(OutOfMemory, IsWhatANewMeetsThatIsGivenNothing) {
  EXPECT_EXIT(
      {
        EndWhenOutOfMemory("thirsty");
        const rlimit limit{1 << 28, 1 << 28};
        setrlimit(RLIMIT_AS, &limit);
        std::vector<std::unique_ptr<std::vector<char>>> kept;
        for (;;) kept.push_back(std::make_unique<std::vector<char>>(1 << 16, 'x'));
      },
      testing::ExitedWithCode(kOutOfMemory), kLine);
}
#endif

}  // namespace
}  // namespace keymast::shell
