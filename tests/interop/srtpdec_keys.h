// SPDX-License-Identifier: Apache-2.0
// Hands the MTKs of a keyring to GStreamer's srtpdec: the recipe of docs/receiver.md as code.
#pragma once

#include <gst/gst.h>

#include <mutex>
#include <optional>
#include <vector>

#include "base/time.h"
#include "receiver/keyring.h"

namespace keymast::interop {

struct SrtpdecCounters {
  uint64_t packets = 0;
  uint64_t unknown_mki = 0;  // no key held: dropped before srtpdec
  uint64_t opened = 0;
  uint64_t key_changes = 0;   // packets opened under another key than the one before
  uint64_t keys_removed = 0;  // how often srtpdec was told to ask again
};

// SrtpdecKeys looks at each RTP packet that is about to enter srtpdec. srtpdec asks for keys once
// an SSRC, so when a packet names a key that the last answer did not hold, the SSRC's keys are
// removed and srtpdec asks again for this very packet; the answer lists all keys held, and the ROC.
class SrtpdecKeys {
 public:
  // `clock` outlives the object; packets of SSRCs other than `ssrcs` are refused.
  SrtpdecKeys(receiver::Keyring keyring, const std::vector<Ssrc>& ssrcs, const Clock& clock);
  SrtpdecKeys(const SrtpdecKeys&) = delete;

  // Attach watches both RTP pads of `srtpdec`, which this object outlives.
  void Attach(GstElement* srtpdec);

  // From any thread, as receiver::Keyring.
  Result<receiver::MskEvent> OnMsk(ByteView datagram, MutableBytes answer);
  Result<receiver::MtkEvent> OnMtk(ByteView datagram);
  void OnTick();

  SrtpdecCounters counters() const;
  size_t held() const;
  // Highest index that opened, of the stream with this SSRC.
  std::optional<PacketIndex> highest(Ssrc ssrc) const;

 private:
  struct Stream {
    Ssrc ssrc;
    std::optional<PacketIndex> highest;  // of the packets that opened, over all keys
    std::vector<uint64_t> handed;        // serials of the keys that srtpdec has for this SSRC
    uint64_t last_key = 0;               // serial of the key that opened last
    uint64_t tried = 0;                  // answers given before anything opened
    // The packet inside srtpdec: it opens before the next one enters.
    uint64_t key = 0;
    uint16_t sequence = 0;
  };

  static GstPadProbeReturn OnEnter(GstPad* pad, GstPadProbeInfo* info, gpointer self);
  static GstPadProbeReturn OnLeave(GstPad* pad, GstPadProbeInfo* info, gpointer self);
  static GstCaps* OnRequest(GstElement* srtpdec, guint ssrc, gpointer self);

  enum class Entry { kDrop, kPass, kAskAgain };
  Entry Enter(ByteView packet, Ssrc& ssrc);
  void Leave(ByteView packet);
  GstCaps* Answer(Ssrc ssrc);
  Roc RocFor(Stream& stream) const;
  const receiver::MtkSlot* KeyOf(ByteView packet) const;
  Stream* StreamOf(Ssrc ssrc);

  const Clock& clock_;
  GstElement* srtpdec_ = nullptr;
  mutable std::mutex mutex_;  // of everything below; never held while srtpdec is called
  receiver::Keyring keyring_;
  std::vector<Stream> streams_;
  SrtpdecCounters counters_;
};

}  // namespace keymast::interop
