// SPDX-License-Identifier: Apache-2.0
// What keymast-headend is told: command line over configuration file over defaults.
#pragma once

#include <string>
#include <vector>

#include "headend/headend.h"
#include "headend/link.h"

namespace keymast::headend {

// Options as they are written; empty means not given.
struct Options {
  std::string config;
  LinkTarget target;
  std::string name;
  std::string key_file;
  std::string state;
  std::vector<std::string> inputs;  // each `[CHANNEL/]MEDIA=HOST:PORT`
  std::string input_interface;
  std::string output_interface;
  std::string record;
  std::string max_mtk_overrun;
  std::string log_level;
  bool mki_with_domain = false;
};

// Setup is the same, read and checked.
struct Setup {
  Settings settings;
  LinkTarget target;
  std::string state;
  std::string input_interface;
  std::string output_interface;
  std::string record;
  std::string log_level;
};

tl::expected<Setup, Failure> MakeSetup(Options options);

// ParseInputs reads `video=127.0.0.1:6000` or `one/video=127.0.0.1:6000`; the second input with the
// same name feeds the second stream of that media. RTP comes to PORT, RTCP to PORT or PORT + 1.
// kInvalidArgument.
tl::expected<std::vector<Input>, Failure> ParseInputs(const std::vector<std::string>& texts);

}  // namespace keymast::headend
