// SPDX-License-Identifier: Apache-2.0
#include "bench/codec_ours.h"

#include "bench/codec_sample.h"
#include "bench/processes.h"
#include "mikey/form3gpp.h"
#include "mikey/key_data.h"
#include "mikey/message.h"
#include "mikey/srtp_fields.h"

namespace keymast::bench {
namespace {

using mikey::KemacPayload;
using mikey::RandPayload;
using mikey::SpPayload;
using mikey::TPayload;

constexpr size_t kMaxKeyData = 64;

// The text becomes a string only when it is needed.
void Check(bool ok, const char* what) {
  if (!ok) Demand(false, what);
}

mikey::KeyDataPayload KeyOfSample() {
  mikey::KeyDataPayload key_data;
  key_data.key = CodecSample::kTgk;
  return key_data;
}

// ViewOf keeps a view's beginning and end.
size_t ViewOf(ByteView view) { return view.size() + view.front() + view.back(); }

size_t ReadHeader(const mikey::Header& header) {
  Reader reader(header.map);
  mikey::ReadIo io(reader);
  mikey::SrtpIdEntry session;
  mikey::SrtpIdEntry::Describe(io, session);
  return header.csb_id + session.policy + session.ssrc + session.roc;
}

size_t ReadPolicy(const SpPayload& sp) {
  size_t sum = sp.policy;
  Reader reader(sp.params);
  while (const std::optional<mikey::Param> param = mikey::NextParam(reader)) {
    sum += param->type + ViewOf(param->value);
  }
  return sum;
}

size_t ReadKey(const KemacPayload& kemac) {
  std::array<mikey::KeyDataPayload, 1> keys;
  Check(mikey::ParseKeyData(kemac.encr_data, keys) == 1u, "the key data of the sample is not read");
  return ViewOf(keys[0].key);
}

}  // namespace

size_t BuildSample(MutableBytes out) {
  static constexpr auto kParams = [] {
    std::array<mikey::SpParam, CodecSample::kParams.size()> params;
    for (size_t i = 0; i < params.size(); ++i) {
      params[i] = {CodecSample::kParams[i].type, CodecSample::kParams[i].value};
    }
    return params;
  }();
  static constexpr mikey::StreamSync kStream{CodecSample::kPolicy, Ssrc(CodecSample::kSsrc),
                                             Roc(CodecSample::kRoc)};
  const mikey::StreamMap map({&kStream, 1});
  mikey::Header header;
  header.csb_id = CodecSample::kCsbId;
  map.Describe(header);
  mikey::ChainWriter chain(out, header);
  chain.Add(TPayload{mikey::TsType::kNtpUtc, CodecSample::kTime});
  mikey::Scratch<3 * kParams.size()> params;
  mikey::PutParams(params.writer(), kParams);
  chain.Add(SpPayload{CodecSample::kPolicy, mikey::ProtType::kSrtp, params.view()});
  chain.Add(RandPayload{CodecSample::kRand});
  std::array<uint8_t, kMaxKeyData> plain;
  const mikey::KeyDataPayload key = KeyOfSample();
  const Result<size_t> key_data = mikey::WriteKeyData({&key, 1}, plain);
  Check(key_data.has_value(), "the key data of the sample does not fit");
  chain.Add(KemacPayload{
      mikey::EncrAlg::kNull, ByteView(plain).first(*key_data), mikey::MacAlg::kNull, {}});
  Check(chain.ok(), "the sample does not fit");
  return chain.size();
}

size_t ReadSample(ByteView octets) {
  mikey::Message message;
  Check(mikey::ParseMessage(octets, message).has_value(), "the sample is not read");
  const auto* t = message.Get<TPayload>();
  const auto* sp = message.Get<SpPayload>();
  const auto* rand = message.Get<RandPayload>();
  const auto* kemac = message.Get<KemacPayload>();
  return ReadHeader(message.header) + ViewOf(t->value) + ReadPolicy(*sp) + ViewOf(rand->rand) +
         ReadKey(*kemac);
}

}  // namespace keymast::bench
