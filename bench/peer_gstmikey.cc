// SPDX-License-Identifier: Apache-2.0
#include "bench/peer_gstmikey.h"

#include <gst/gst.h>
#include <gst/sdp/gstmikey.h>

#include <cstdlib>

#include "bench/codec_sample.h"
#include "bench/processes.h"

namespace keymast::bench {
namespace {

void Check(bool ok) {
  if (!ok) Demand(false, "gstmikey does not do as it is told");
}

// gst_mikey_payload_new and what fills it; the message or the KEMAC takes it over.
template <class Set, class... Values>
GstMIKEYPayload* Payload(GstMIKEYPayloadType type, Set set, const Values&... values) {
  GstMIKEYPayload* payload = gst_mikey_payload_new(type);
  Check(payload != nullptr && set(payload, values...) != FALSE);
  return payload;
}

GstMIKEYPayload* SecurityPolicy() {
  GstMIKEYPayload* sp = Payload(GST_MIKEY_PT_SP, gst_mikey_payload_sp_set, CodecSample::kPolicy,
                                GST_MIKEY_SEC_PROTO_SRTP);
  for (const CodecSample::Param& param : CodecSample::kParams) {
    Check(gst_mikey_payload_sp_add_param(sp, param.type, 1, &param.value) != FALSE);
  }
  return sp;
}

GstMIKEYPayload* Kemac() {
  GstMIKEYPayload* kemac = Payload(GST_MIKEY_PT_KEMAC, gst_mikey_payload_kemac_set,
                                   GST_MIKEY_ENC_NULL, GST_MIKEY_MAC_NULL);
  const auto size = static_cast<guint16>(CodecSample::kTgk.size());
  Check(gst_mikey_payload_kemac_add_sub(
            kemac, Payload(GST_MIKEY_PT_KEY_DATA, gst_mikey_payload_key_data_set_key,
                           GST_MIKEY_KD_TGK, size, CodecSample::kTgk.data())) != FALSE);
  return kemac;
}

void Add(GstMIKEYMessage* message, GstMIKEYPayload* payload) {
  Check(gst_mikey_message_add_payload(message, payload) != FALSE);
}

GstMIKEYMessage* MakeMessage() {
  GstMIKEYMessage* message = gst_mikey_message_new();
  Check(gst_mikey_message_set_info(message, GST_MIKEY_VERSION, GST_MIKEY_TYPE_PSK_INIT, FALSE,
                                   GST_MIKEY_PRF_MIKEY_1, CodecSample::kCsbId,
                                   GST_MIKEY_MAP_TYPE_SRTP) != FALSE);
  Check(gst_mikey_message_add_cs_srtp(message, CodecSample::kPolicy, CodecSample::kSsrc,
                                      CodecSample::kRoc) != FALSE);
  Add(message, Payload(GST_MIKEY_PT_T, gst_mikey_payload_t_set, GST_MIKEY_TS_TYPE_NTP_UTC,
                       CodecSample::kTime.data()));
  Add(message, SecurityPolicy());
  const auto size = static_cast<guint8>(CodecSample::kRand.size());
  Add(message,
      Payload(GST_MIKEY_PT_RAND, gst_mikey_payload_rand_set, size, CodecSample::kRand.data()));
  Add(message, Kemac());
  return message;
}

GBytes* BuildSample() {
  GstMIKEYMessage* message = MakeMessage();
  GBytes* bytes = gst_mikey_message_to_bytes(message, nullptr, nullptr);
  Check(bytes != nullptr);
  gst_mikey_message_unref(message);
  return bytes;
}

}  // namespace

PeerGstMikey::PeerGstMikey() {
  // Its plugins are not needed: it would start a program to look at them.
  setenv("GST_REGISTRY_DISABLE", "yes", 0);
  gst_init(nullptr, nullptr);
}

std::vector<uint8_t> PeerGstMikey::Octets() const {
  GBytes* bytes = BuildSample();
  gsize size = 0;
  const auto* octets = static_cast<const uint8_t*>(g_bytes_get_data(bytes, &size));
  const std::vector<uint8_t> copy(octets, octets + size);
  g_bytes_unref(bytes);
  return copy;
}

void PeerGstMikey::Parse(std::span<const uint8_t> octets, size_t count) const {
  for (size_t i = 0; i < count; ++i) {
    GstMIKEYMessage* message =
        gst_mikey_message_new_from_data(octets.data(), octets.size(), nullptr, nullptr);
    Check(message != nullptr);
    gst_mikey_message_unref(message);
  }
}

void PeerGstMikey::Build(size_t count) const {
  for (size_t i = 0; i < count; ++i) g_bytes_unref(BuildSample());
}

}  // namespace keymast::bench
