// SPDX-License-Identifier: Apache-2.0
#include "demo/stage.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "demo/frame_code.h"
#include "demo/png.h"

namespace keymast::demo {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// The folder's lock, which stays there and says that a run made the folder.
constexpr std::string_view kMark = "keymast-run.lock";
constexpr int kFirstMskPort = 2271;
constexpr int kFirstForwardPort = 7000;
constexpr int kPortsOfAReceiver = 10;

std::string Local(int port) { return "127.0.0.1:" + std::to_string(port); }

// TomlText quotes as TOML's basic strings do, which JSON's are.
std::string TomlText(const std::string& text) { return Json(text).dump(); }

std::string Seconds(uint32_t seconds) { return std::to_string(seconds); }

}  // namespace

Stage::Stage(std::string programs, std::string folder)
    : programs_(std::move(programs)), folder_(std::move(folder)) {}

std::string Stage::MskEndpoint(int seat) const { return Local(kFirstMskPort + seat); }

std::vector<uint16_t> Stage::DecoderPorts(int seat) const {
  const auto video = static_cast<uint16_t>(kFirstForwardPort + kPortsOfAReceiver * seat);
  return {video, static_cast<uint16_t>(video + 2)};
}

std::string Stage::ServerConfig() const {
  return "identity = \"keys.example.org\"\ndata = " + TomlText(Path("data")) +
         "\nwitness = " + TomlText(Path("witness")) +
         "\nmaster_key_file = " + TomlText(Path("master.key")) +
         "\nsocket = " + TomlText(Path("core.sock")) +
         "\nmikey_listen = \"127.0.0.1:2269\"\nrecord = " + TomlText(Record("keymastd")) + "\n";
}

std::string Stage::ApiConfig() const {
  return "core_socket = " + TomlText(Path("core.sock")) +
         "\nsocket_directory = " + TomlText(folder_) + "\nhttp_listen = \"127.0.0.1:9469\"\n";
}

std::string Stage::ChannelDefinition() const {
  const Json definition = {{"displayName", "First broadcast"},
                           {"multicast",
                            {{"group", "239.255.42.1"},
                             {"mtkPort", 2269},
                             {"interfaceAddress", "127.0.0.1"},
                             {"ttl", 0}}},
                           {"streams",
                            {{{"media", "video"},
                              {"port", 5004},
                              {"ssrc", 0x4b4d0001u},
                              {"payloadType", 96},
                              {"rtpmap", "H264/90000"},
                              {"fmtp", "packetization-mode=1"},
                              {"initialSequence", kInitialSequence}},
                             {{"media", "audio"},
                              {"port", 5006},
                              {"ssrc", 0x4b4d0002u},
                              {"payloadType", 97},
                              {"rtpmap", "opus/48000/2"},
                              {"initialSequence", kInitialSequence}}}},
                           {"keyDomain", "262f01"},
                           {"keyGroup", 1},
                           {"srtpProfile", "AES_CM_128_HMAC_SHA1_80"},
                           {"policy",
                            {{"mtkPeriod", Seconds(kMtkPeriodSeconds) + "s"},
                             {"mtkLead", "1s"},
                             {"mtkRepetition", "0.250s"},
                             {"mskPeriod", "20s"},
                             {"mskLead", "8s"},
                             {"mskGiveUp", "4s"}}}};
  return definition.dump(2) + "\n";
}

tl::expected<void, Failure> Stage::Prepare() {
  const std::string mark = Path(std::string(kMark));
  std::error_code error;
  fs::create_directories(folder_, error);
  // What is emptied was made by a run: a folder that was named by mistake keeps what it has.
  if (!fs::exists(mark, error) && !fs::is_empty(folder_, error)) {
    if (error) return Fail(Error::kIo, folder_ + ": " + error.message());
    return Fail(Error::kAlreadyExists,
                folder_ + ": has files that are not of an earlier run, which would be removed; " +
                    "give an empty folder or one that is not there yet");
  }
  chmod(folder_.c_str(), 0700);
  // Held until this process ends: two runs would share ports as well as files.
  const int lock = open(mark.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (lock < 0) return Fail(Error::kIo, folder_ + ": cannot be written");
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    return Fail(Error::kInUse, folder_ + ": another run is going on");
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error)) {
    if (entry.path().filename() != kMark) fs::remove_all(entry.path(), error);
  }
  for (const auto& [name, text] :
       {std::pair("keymastd.toml", ServerConfig()), std::pair("keymast-api.toml", ApiConfig()),
        std::pair("channel.json", ChannelDefinition())}) {
    if (!WriteFile(Path(name), AsBytes(text))) {
      return Fail(Error::kIo, Path(name) + ": cannot be written");
    }
  }
  return {};
}

Words Stage::ServerInit() const {
  return {Program("keymastd"), "init", "--config", Path("keymastd.toml")};
}
Words Stage::Server() const {
  return {Program("keymastd"), "run", "--config", Path("keymastd.toml")};
}
Words Stage::Api() const { return {Program("keymast-api"), "--config", Path("keymast-api.toml")}; }

Words Stage::HeadendInit() const {
  return {Program("keymast-headend"), "init", "--key-file", Path("headend.key")};
}

Words Stage::Headend() const {
  return {Program("keymast-headend"),
          "run",
          "--server",
          "unix:" + Path("headend.sock"),
          "--name",
          std::string(kHeadend),
          "--key-file",
          Path("headend.key"),
          "--state",
          Path("headend.state"),
          "--input",
          "video=127.0.0.1:6000",
          "--input",
          "audio=127.0.0.1:6002",
          "--record",
          Record("headend")};
}

Words Stage::Ctl(const Words& words) const {
  Words all = {Program("keymastctl"), "--server", "unix:" + Path("operator.sock"), "--output",
               "json"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

Words Stage::UserKey(const std::string& name) const {
  return {Program("keymast-receiver"), "init", "--key-file", Path(name + ".key")};
}

Words Stage::Receiver(const std::string& name, int seat) const {
  const std::vector<uint16_t> ports = DecoderPorts(seat);
  return {Program("keymast-receiver"),
          "run",
          "--sdp",
          Path("channel.sdp"),
          "--key-file",
          Path(name + ".key"),
          "--identity",
          Identity(name),
          "--listen",
          MskEndpoint(seat),
          "--interface",
          "127.0.0.1",
          "--forward",
          "video=" + Local(ports[0]) + ",audio=" + Local(ports[1]),
          "--record",
          Record(name),
          "--state",
          Path(name + ".state"),
          "--write-sdp",
          Path(name + ".sdp")};
}

Words Stage::Decoder(const std::string& name) const {
  return {"ffmpeg",
          "-nostdin",
          "-loglevel",
          "error",
          "-threads",
          "1",
          "-protocol_whitelist",
          "file,udp,rtp",
          "-probesize",
          "32",
          "-analyzeduration",
          "0",
          "-flags",
          "low_delay",
          "-reorder_queue_size",
          "0",
          "-buffer_size",
          "1048576",
          "-i",
          Path(name + ".sdp"),
          "-map",
          "0:v",
          "-fps_mode",
          "passthrough",
          "-pix_fmt",
          "rgb24",
          "-s",
          "320x180",
          "-f",
          "rawvideo",
          "pipe:1",
          "-map",
          "0:a",
          "-ac",
          "1",
          "-f",
          "s16le",
          "-y",
          Path(name + ".pcm")};
}

Words Stage::FrameReader(const std::string& name) const {
  return {Program("keymast-demo-reader"), "--thumbs", Path(name + ".thumbs")};
}

Words Stage::Replay(const std::string& name, Instant after) const {
  return {Program("keymast-receiver"),
          "replay",
          "--pcap",
          Record(name),
          "--sdp",
          Path("channel.sdp"),
          "--key-file",
          Path(name + ".key"),
          "--identity",
          Identity(name),
          "--after",
          std::to_string(ToUnixNanos(after))};
}

Words Stage::Generator(uint32_t frames, uint32_t tail) const {
  return {Program("keymast-demo-generator"),
          "--frames",
          std::to_string(frames),
          "--tail",
          std::to_string(tail),
          "--began",
          Path("began")};
}

Words Stage::Encoder(uint32_t seconds) const {
  const std::string rate = std::to_string(kFrameRate);
  const std::string gop = std::to_string(kGopFrames);
  return {"ffmpeg",
          "-nostdin",
          "-loglevel",
          "error",
          "-threads",
          "1",
          "-f",
          "rawvideo",
          "-pix_fmt",
          "yuv420p",
          "-s",
          "320x180",
          "-r",
          rate,
          "-i",
          "pipe:0",
          "-re",
          "-f",
          "lavfi",
          "-i",
          "sine=frequency=440:sample_rate=48000",
          "-map",
          "0:v",
          "-c:v",
          "libx264",
          "-preset",
          "ultrafast",
          "-tune",
          "zerolatency",
          "-g",
          gop,
          "-keyint_min",
          gop,
          "-sc_threshold",
          "0",
          "-b:v",
          "400k",
          "-x264-params",
          "repeat-headers=1:sliced-threads=0",
          "-payload_type",
          "96",
          "-f",
          "rtp",
          "rtp://127.0.0.1:6000?rtcpport=6101&pkt_size=1200",
          "-map",
          "1:a",
          "-c:a",
          "libopus",
          "-b:a",
          "48k",
          "-payload_type",
          "97",
          "-t",
          Seconds(seconds),
          "-f",
          "rtp",
          "rtp://127.0.0.1:6002?rtcpport=6103"};
}

}  // namespace keymast::demo
