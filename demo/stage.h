// SPDX-License-Identifier: Apache-2.0
// Where everything of a run stands: files, ports and the command line of each program.
#pragma once

#include "base/error.h"
#include "demo/process.h"

namespace keymast::demo {

inline constexpr std::string_view kChannel = "first-broadcast";
inline constexpr std::string_view kHeadend = "headend";
inline constexpr uint16_t kInitialSequence = 65000;
inline constexpr uint32_t kMtkPeriodSeconds = 2;

// Stage is one folder with the state of a run, and the programs of one build.
class Stage {
 public:
  // `programs` holds the programs, `folder` is the run's own.
  Stage(std::string programs, std::string folder);

  // Prepare makes the folder, or empties it of an earlier run, and writes configurations and the
  // channel's definition. kIo; kInUse when another run uses the folder; kAlreadyExists when it has
  // files and is not of an earlier run: nothing is touched then.
  tl::expected<void, Failure> Prepare();

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string Log(const std::string& name) const { return Path(name + ".log"); }
  std::string Record(const std::string& name) const { return Path(name + ".pcapng"); }

  Words ServerInit() const;
  Words Server() const;
  Words Api() const;
  Words HeadendInit() const;
  Words Headend() const;
  // Ctl is keymastctl with JSON output; `words` say what to do.
  Words Ctl(const Words& words) const;
  Words UserKey(const std::string& name) const;
  // Receiver number `seat` (from 0) of the subscriber `name`, its decoder and frame reader.
  Words Receiver(const std::string& name, int seat) const;
  Words Decoder(const std::string& name) const;
  Words FrameReader(const std::string& name) const;
  // Replay gives the whole recording of `name` to its keys once more.
  Words Replay(const std::string& name, Instant after) const;
  Words Generator(uint32_t frames, uint32_t tail) const;
  Words Encoder(uint32_t seconds) const;

  std::string Identity(const std::string& name) const { return name + "@example.org"; }
  std::string MskEndpoint(int seat) const;
  // Ports that the decoder of the receiver at `seat` listens on.
  std::vector<uint16_t> DecoderPorts(int seat) const;

 private:
  std::string Program(const std::string& name) const { return programs_ + "/" + name; }
  std::string ServerConfig() const;
  std::string ApiConfig() const;
  std::string ChannelDefinition() const;

  std::string programs_;
  std::string folder_;
};

}  // namespace keymast::demo
