// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/srtpdec_keys.h"

#include <algorithm>

#include "base/cursor.h"
#include "receiver/stream.h"
#include "srtp/index.h"
#include "srtp/policy.h"

namespace keymast::interop {
namespace {

using receiver::MtkSlot;

struct RtpName {
  Ssrc ssrc;
  uint16_t sequence = 0;
};

// RFC 3550 §5.1: sequence number, time stamp, SSRC.
std::optional<RtpName> NameOf(ByteView packet) {
  Reader reader(packet);
  reader.Take(2);
  RtpName name;
  name.sequence = reader.U16();
  reader.Take(4);
  name.ssrc = Ssrc(reader.U32());
  if (!reader.ok()) return std::nullopt;
  return name;
}

struct SrtpdecNames {
  const char* cipher;
  const char* auth;
  const char* rtcp_auth;
};

// RFC 5764 §4.1.2: _32 shortens the tag of SRTP alone.
SrtpdecNames NamesOf(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::kAesCm128HmacSha1_80:
      return {"aes-128-icm", "hmac-sha1-80", "hmac-sha1-80"};
    case SrtpProfile::kAesCm128HmacSha1_32:
      return {"aes-128-icm", "hmac-sha1-32", "hmac-sha1-80"};
    case SrtpProfile::kAesCm256HmacSha1_80:
      return {"aes-256-icm", "hmac-sha1-80", "hmac-sha1-80"};
    case SrtpProfile::kAeadAes128Gcm:
      return {"aes-128-gcm", "null", "null"};
    case SrtpProfile::kAeadAes256Gcm:
      return {"aes-256-gcm", "null", "null"};
  }
  return {};
}

// KeyBuffer is key || salt, wiped when GStreamer lets it go.
GstBuffer* KeyBuffer(const MtkSlot& slot) {
  auto* octets = new crypto::SecretBytes(slot.key.view().begin(), slot.key.view().end());
  octets->insert(octets->end(), slot.salt.view().begin(), slot.salt.view().end());
  return gst_buffer_new_wrapped_full(
      GST_MEMORY_FLAG_READONLY, octets->data(), octets->size(), 0, octets->size(), octets,
      [](gpointer owned) { delete static_cast<crypto::SecretBytes*>(owned); });
}

void SetBuffer(GstStructure* structure, const std::string& field, GstBuffer* buffer) {
  gst_structure_set(structure, field.c_str(), GST_TYPE_BUFFER, buffer, nullptr);
  gst_buffer_unref(buffer);
}

// AddKey adds the `number`th key, from 1: srtp-key and mki, then srtp-key2 and mki2, ...
void AddKey(GstStructure* structure, size_t number, const MtkSlot& slot) {
  const std::string suffix = number == 1 ? "" : std::to_string(number);
  SetBuffer(structure, "srtp-key" + suffix, KeyBuffer(slot));
  GstBuffer* mki = gst_buffer_new_allocate(nullptr, slot.mki.view().size(), nullptr);
  gst_buffer_fill(mki, 0, slot.mki.view().data(), slot.mki.view().size());
  SetBuffer(structure, "mki" + suffix, mki);
}

}  // namespace

SrtpdecKeys::SrtpdecKeys(receiver::Keyring keyring, const std::vector<Ssrc>& ssrcs,
                         const Clock& clock)
    : clock_(clock), keyring_(std::move(keyring)) {
  for (const Ssrc ssrc : ssrcs) {
    streams_.emplace_back();
    streams_.back().ssrc = ssrc;
  }
}

void SrtpdecKeys::Attach(GstElement* srtpdec) {
  srtpdec_ = srtpdec;
  GstPad* sink = gst_element_get_static_pad(srtpdec, "rtp_sink");
  GstPad* source = gst_element_get_static_pad(srtpdec, "rtp_src");
  gst_pad_add_probe(sink, GST_PAD_PROBE_TYPE_BUFFER, &OnEnter, this, nullptr);
  gst_pad_add_probe(source, GST_PAD_PROBE_TYPE_BUFFER, &OnLeave, this, nullptr);
  gst_object_unref(sink);
  gst_object_unref(source);
  g_signal_connect(srtpdec, "request-key", G_CALLBACK(&OnRequest), this);
}

Result<receiver::MskEvent> SrtpdecKeys::OnMsk(ByteView datagram, MutableBytes answer) {
  const std::scoped_lock lock(mutex_);
  return keyring_.OnMsk(datagram, answer);
}

Result<receiver::MtkEvent> SrtpdecKeys::OnMtk(ByteView datagram) {
  const std::scoped_lock lock(mutex_);
  return keyring_.OnMtk(datagram, clock_.Now());
}

void SrtpdecKeys::OnTick() {
  const std::scoped_lock lock(mutex_);
  keyring_.OnTick(clock_.Now());
}

SrtpdecCounters SrtpdecKeys::counters() const {
  const std::scoped_lock lock(mutex_);
  return counters_;
}

size_t SrtpdecKeys::held() const {
  const std::scoped_lock lock(mutex_);
  return keyring_.mtks().held();
}

std::optional<PacketIndex> SrtpdecKeys::highest(Ssrc ssrc) const {
  const std::scoped_lock lock(mutex_);
  for (const Stream& stream : streams_) {
    if (stream.ssrc == ssrc) return stream.highest;
  }
  return std::nullopt;
}

SrtpdecKeys::Stream* SrtpdecKeys::StreamOf(Ssrc ssrc) {
  const auto found = std::find_if(streams_.begin(), streams_.end(),
                                  [&](const Stream& stream) { return stream.ssrc == ssrc; });
  return found == streams_.end() ? nullptr : &*found;
}

const MtkSlot* SrtpdecKeys::KeyOf(ByteView packet) const {
  for (const MtkSlot& slot : keyring_.mtks().all()) {
    if (slot.serial == 0) continue;
    const ByteView mki = receiver::MkiOf(packet, slot.profile, keyring_.mki_length(), false);
    if (!mki.empty() && Equal(mki, slot.mki.view())) return &slot;
  }
  return nullptr;
}

SrtpdecKeys::Entry SrtpdecKeys::Enter(ByteView packet, Ssrc& ssrc) {
  const std::scoped_lock lock(mutex_);
  ++counters_.packets;
  const std::optional<RtpName> name = NameOf(packet);
  Stream* stream = name ? StreamOf(name->ssrc) : nullptr;
  if (stream == nullptr) return Entry::kDrop;
  const MtkSlot* key = KeyOf(packet);
  if (key == nullptr) {
    ++counters_.unknown_mki;
    return Entry::kDrop;
  }
  ssrc = stream->ssrc;
  stream->key = key->serial;
  stream->sequence = name->sequence;
  const bool is_handed =
      std::find(stream->handed.begin(), stream->handed.end(), key->serial) != stream->handed.end();
  // Before anything opened the ROC may be wrong: each packet is one try.
  if (is_handed && stream->highest) return Entry::kPass;
  if (!stream->handed.empty()) ++counters_.keys_removed;
  return Entry::kAskAgain;
}

void SrtpdecKeys::Leave(ByteView packet) {
  const std::scoped_lock lock(mutex_);
  const std::optional<RtpName> name = NameOf(packet);
  Stream* stream = name ? StreamOf(name->ssrc) : nullptr;
  if (stream == nullptr || stream->key == 0) return;
  const PacketIndex index = srtp::MakeIndex(RocFor(*stream), name->sequence);
  if (!stream->highest || index > *stream->highest) stream->highest = index;
  ++counters_.opened;
  if (stream->last_key != 0 && stream->last_key != stream->key) ++counters_.key_changes;
  stream->last_key = stream->key;
  keyring_.Used(stream->key, clock_.Now());
}

// RFC 3711 §3.3.1, as receiver/stream.h: guessed from the highest index that opened. At first the
// ROC of the MSK message, which may be a wrap behind: then the next one, then the one before.
Roc SrtpdecKeys::RocFor(Stream& stream) const {
  if (stream.highest) return srtp::RocOf(srtp::EstimateIndex(*stream.highest, stream.sequence));
  const uint32_t hint = keyring_.RocHint(stream.ssrc).value_or(Roc(0)).value;
  const std::array<uint32_t, 3> rocs = {hint, hint + 1, hint == 0 ? 0 : hint - 1};
  return Roc(rocs[(stream.tried + rocs.size() - 1) % rocs.size()]);
}

GstCaps* SrtpdecKeys::Answer(Ssrc ssrc) {
  const std::scoped_lock lock(mutex_);
  Stream* stream = StreamOf(ssrc);
  if (stream == nullptr || stream->key == 0) return nullptr;
  const MtkSlot* first = nullptr;
  for (const MtkSlot& slot : keyring_.mtks().all()) {
    if (slot.serial == stream->key) first = &slot;
  }
  if (first == nullptr) return nullptr;
  if (!stream->highest) ++stream->tried;
  const SrtpdecNames names = NamesOf(first->profile);
  GstStructure* structure = gst_structure_new(
      "application/x-srtp", "srtp-cipher", G_TYPE_STRING, names.cipher, "srtp-auth", G_TYPE_STRING,
      names.auth, "srtcp-cipher", G_TYPE_STRING, names.cipher, "srtcp-auth", G_TYPE_STRING,
      names.rtcp_auth, "roc", G_TYPE_UINT, RocFor(*stream).value, nullptr);
  stream->handed.clear();
  // All keys held, so that late packets under the key before still open: srtpdec and libsrtp2 take
  // 16 keys of one profile, and MtkSlots holds no more.
  for (const MtkSlot& slot : keyring_.mtks().all()) {
    if (slot.serial == 0 || slot.profile != first->profile) continue;
    stream->handed.push_back(slot.serial);
    AddKey(structure, stream->handed.size(), slot);
  }
  GstCaps* caps = gst_caps_new_empty();
  gst_caps_append_structure(caps, structure);
  return caps;
}

GstPadProbeReturn SrtpdecKeys::OnEnter(GstPad*, GstPadProbeInfo* info, gpointer self) {
  auto* keys = static_cast<SrtpdecKeys*>(self);
  GstMapInfo map;
  if (gst_buffer_map(GST_PAD_PROBE_INFO_BUFFER(info), &map, GST_MAP_READ) == FALSE) {
    return GST_PAD_PROBE_DROP;
  }
  Ssrc ssrc;
  const Entry entry = keys->Enter(ByteView(map.data, map.size), ssrc);
  gst_buffer_unmap(GST_PAD_PROBE_INFO_BUFFER(info), &map);
  // remove-key takes no lock in srtpdec: it is called here, in the thread that brings the packets.
  if (entry == Entry::kAskAgain) g_signal_emit_by_name(keys->srtpdec_, "remove-key", ssrc.value);
  return entry == Entry::kDrop ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

GstPadProbeReturn SrtpdecKeys::OnLeave(GstPad*, GstPadProbeInfo* info, gpointer self) {
  GstMapInfo map;
  if (gst_buffer_map(GST_PAD_PROBE_INFO_BUFFER(info), &map, GST_MAP_READ) == FALSE) {
    return GST_PAD_PROBE_DROP;
  }
  static_cast<SrtpdecKeys*>(self)->Leave(ByteView(map.data, map.size));
  gst_buffer_unmap(GST_PAD_PROBE_INFO_BUFFER(info), &map);
  return GST_PAD_PROBE_OK;
}

GstCaps* SrtpdecKeys::OnRequest(GstElement*, guint ssrc, gpointer self) {
  return static_cast<SrtpdecKeys*>(self)->Answer(Ssrc(ssrc));
}

}  // namespace keymast::interop
