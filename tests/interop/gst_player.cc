// SPDX-License-Identifier: Apache-2.0
// A small GStreamer receiver of the tests: MSK and MTK messages come on sockets of its own, media
// goes through udpsrc and srtpdec to avdec_h264. It prints a JSON line for each picture,
// {"frame":17,"tail":false} or {"unreadable":true}, and one a second and at the end with counters.
#include <gst/gst.h>
#include <poll.h>

#include <cinttypes>
#include <cstdio>
#include <exception>

#include "demo/picture.h"
#include "net/interfaces.h"
#include "receiver/options.h"
#include "receiver/sockets.h"
#include "shell/args.h"
#include "shell/json_line.h"
#include "shell/process.h"
#include "tests/interop/srtpdec_keys.h"

namespace keymast::interop {
namespace {

using receiver::Setup;
using shell::JsonLine;

constexpr Duration kReportPeriod = std::chrono::seconds(1);
// Pictures are counted as soon as they are decoded, not when they would be shown: sync=false.
constexpr const char* kPipeline =
    "udpsrc name=media buffer-size=1048576 ! srtpdec name=decrypt ! rtpjitterbuffer latency=200 ! "
    "rtph264depay ! avdec_h264 max-threads=1 ! videoconvert ! video/x-raw,format=RGB ! "
    "appsink name=pictures emit-signals=true sync=false";

int Refuse(const std::string& message) {
  std::fprintf(stderr, "gst_player: %s\n", message.c_str());
  return 1;
}

// OnPicture is called in the thread that decodes.
GstFlowReturn OnPicture(GstElement* sink, gpointer) {
  GstSample* sample = nullptr;
  g_signal_emit_by_name(sink, "pull-sample", &sample);
  if (sample == nullptr) return GST_FLOW_EOS;
  GstMapInfo map;
  GstBuffer* buffer = gst_sample_get_buffer(sample);
  if (gst_buffer_map(buffer, &map, GST_MAP_READ) != FALSE) {
    std::optional<demo::FrameCode> code;
    if (map.size == demo::kRgbSize) code = demo::ReadFrameCode(ByteView(map.data, map.size));
    if (code) {
      std::printf("{\"frame\":%" PRIu32 ",\"tail\":%s}\n", code->frame,
                  code->is_tail ? "true" : "false");
    } else {
      std::puts("{\"unreadable\":true}");
    }
    std::fflush(stdout);
    gst_buffer_unmap(buffer, &map);
  }
  gst_sample_unref(sample);
  return GST_FLOW_OK;
}

// udpsrc wants the interface by name.
std::string InterfaceName(const std::string& address) {
  for (const net::InterfaceAddress& entry : net::UpAddresses()) {
    if (AddressToString(entry.address) == address) return entry.name;
  }
  return "";
}

GstCaps* CapsOf(const receiver::SdpStream& stream) {
  return gst_caps_new_simple("application/x-srtp", "media", G_TYPE_STRING, "video", "clock-rate",
                             G_TYPE_INT, 90000, "encoding-name", G_TYPE_STRING, "H264", "payload",
                             G_TYPE_INT, int{stream.payload_type}, nullptr);
}

class Player {
 public:
  Player(const Setup& setup, const receiver::SdpStream& stream, const Clock& clock)
      : setup_(setup),
        stream_(stream),
        clock_(clock),
        keys_(KeyringOf(setup), {stream.ssrc}, clock) {}
  ~Player() {
    if (pipeline_ == nullptr) return;
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(pipeline_);
  }
  Player(const Player&) = delete;

  tl::expected<void, Failure> Open();
  // Run returns the exit status when `stop_fd` becomes readable.
  int Run(int stop_fd);

 private:
  static receiver::Keyring KeyringOf(const Setup& setup) {
    return receiver::Keyring(crypto::DefaultSuite(), setup.profile,
                             {setup.channel.domain, setup.channel.key_group}, setup.credential, {});
  }
  GstElement* Named(const char* name) const {
    GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline_), name);
    gst_object_unref(element);  // the pipeline keeps it
    return element;
  }
  void DrainMsk();
  void DrainMtk();
  bool Failed() const;
  void Report() const;

  const Setup& setup_;
  const receiver::SdpStream& stream_;
  const Clock& clock_;
  SrtpdecKeys keys_;
  std::optional<net::UdpSocket> msk_;
  std::optional<net::UdpSocket> mtk_;
  GstElement* pipeline_ = nullptr;
};

tl::expected<void, Failure> Player::Open() {
  auto msk = receiver::OpenMskSocket(setup_.listen);
  if (!msk) return tl::unexpected<Failure>(msk.error());
  auto mtk = receiver::JoinGroup(setup_.channel.mtk, setup_.interface_address);
  if (!mtk) return tl::unexpected<Failure>(mtk.error());
  msk_ = std::move(*msk);
  mtk_ = std::move(mtk->socket);

  GError* error = nullptr;
  pipeline_ = gst_parse_launch(kPipeline, &error);
  if (error != nullptr) {
    const std::string reason = error->message;
    g_error_free(error);
    return Fail(Error::kInternal, "no such pipeline here: " + reason);
  }
  GstCaps* caps = CapsOf(stream_);
  g_object_set(Named("media"), "address", AddressToString(stream_.group).c_str(), "port",
               int{stream_.group.port}, "multicast-iface",
               InterfaceName(setup_.interface_address).c_str(), "caps", caps, nullptr);
  gst_caps_unref(caps);
  keys_.Attach(Named("decrypt"));
  g_signal_connect(Named("pictures"), "new-sample", G_CALLBACK(&OnPicture), nullptr);
  if (gst_element_set_state(pipeline_, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    return Fail(Error::kInternal, "the pipeline does not start");
  }
  return {};
}

void Player::DrainMsk() {
  std::array<net::Incoming, receiver::kBatch> batch;
  const size_t count = msk_->Receive(batch);
  for (size_t i = 0; i < count; ++i) {
    std::array<uint8_t, receiver::kMaxAnswer> answer{};
    const Result<receiver::MskEvent> event = keys_.OnMsk(batch[i].octets, answer);
    if (!event || event->answer_size == 0) continue;
    // A receiver of its own would make the COUNTER durable first (docs/receiver.md).
    const net::Outgoing out{batch[i].from, ByteView(answer).first(event->answer_size)};
    Error error = Error::kSendFailed;
    msk_->Send({&out, 1}, error);
  }
}

void Player::DrainMtk() {
  std::array<net::Incoming, receiver::kBatch> batch;
  const size_t count = mtk_->Receive(batch);
  for (size_t i = 0; i < count; ++i) (void)keys_.OnMtk(batch[i].octets);
}

bool Player::Failed() const {
  GstBus* bus = gst_element_get_bus(pipeline_);
  GstMessage* message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  gst_object_unref(bus);
  if (message == nullptr) return false;
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  std::fprintf(stderr, "gst_player: %s\n", error->message);
  g_error_free(error);
  gst_message_unref(message);
  return true;
}

void Player::Report() const {
  const SrtpdecCounters counters = keys_.counters();
  JsonLine line;
  line.Number("packets", counters.packets)
      .Number("opened", counters.opened)
      .Number("unknown_mki", counters.unknown_mki)
      .Number("key_changes", counters.key_changes)
      .Number("keys_removed", counters.keys_removed)
      .Number("keys_held", keys_.held());
  if (const std::optional<PacketIndex> index = keys_.highest(stream_.ssrc)) {
    line.Number("index", index->value);
  }
  std::puts(line.str().c_str());
  std::fflush(stdout);
}

int Player::Run(int stop_fd) {
  Report();
  Instant next = clock_.Now() + kReportPeriod;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(next - clock_.Now()).count() + 1;
    std::array<pollfd, 3> fds = {
        {{stop_fd, POLLIN, 0}, {msk_->fd(), POLLIN, 0}, {mtk_->fd(), POLLIN, 0}}};
    poll(fds.data(), fds.size(), static_cast<int>(std::max<int64_t>(left, 0)));
    DrainMsk();
    DrainMtk();
    if (Failed()) return 1;
    if (fds[0].revents != 0) break;
    if (clock_.Now() < next) continue;
    keys_.OnTick();
    Report();
    next += kReportPeriod;
  }
  gst_element_set_state(pipeline_, GST_STATE_NULL);
  Report();
  return 0;
}

int Main(int argc, char** argv) {
  receiver::Options options;
  shell::Args args("gst_player", "Plays the first video stream of a channel with GStreamer.");
  args.Option("--sdp", options.sdp, "session description of the channel", true);
  args.Option("--key-file", options.key_file, "user key", true);
  args.Option("--identity", options.identity, "identity of the subscriber", true);
  args.Option("--listen", options.listen, "HOST:PORT for MSK messages", true);
  args.Option("--interface", options.interface_address, "address of the interface to join on");
  if (const std::optional<int> status = args.Parse(argc, argv)) return *status;
  const int stop_fd = shell::TerminationFd();
  const tl::expected<Setup, Failure> setup = receiver::MakeSetup(options);
  if (!setup) return Refuse(setup.error().message);
  const auto& streams = setup->channel.streams;
  const auto video =
      std::find_if(streams.begin(), streams.end(), [](const receiver::SdpStream& stream) {
        return stream.media == "video" && stream.rtpmap == "H264/90000";
      });
  if (video == streams.end()) return Refuse("the channel has no H.264 video");
  gst_init(nullptr, nullptr);
  const shell::SystemClock clock;
  Player player(*setup, *video, clock);
  if (const auto opened = player.Open(); !opened) return Refuse(opened.error().message);
  return player.Run(stop_fd);
}

}  // namespace
}  // namespace keymast::interop

int main(int argc, char** argv) {
  try {
    return keymast::interop::Main(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "gst_player: %s\n", failure.what());
    return 1;
  }
}
