// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of the targets of the receiver: make_receiver_seeds tests/fuzz/corpus
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "mikey/kemac.h"
#include "net/record.h"
#include "tests/fuzz/receiver_setup.h"

namespace keymast::receiver {
namespace {

namespace fs = std::filesystem;

constexpr mikey::Profile3gpp kForm;

void Save(const fs::path& folder, const std::string& name, ByteView octets) {
  fs::create_directories(folder);
  std::ofstream(folder / name, std::ios::binary) << AsText(octets);
}

template <class Write, class Message>
Bytes Sealed(Write write, const Message& message, const Bytes& key) {
  Bytes out(2048);
  out.resize(*write(crypto::DefaultSuite(), kForm, message, key, out));
  return out;
}

// InClear is a message with its key data decrypted, which is what the sender of receiver_keyring
// seals again.
Bytes InClear(Bytes octets, const Bytes& key) {
  mikey::Message message;
  KEYMAST_CHECK(mikey::ParseMessage(octets, message).has_value());
  const auto* kemac = message.Get<mikey::KemacPayload>();
  const size_t at = octets.size() - kemac->mac.size() - 1 - kemac->encr_data.size();
  const CsbId csb_id(message.header.csb_id);
  const mikey::TransportKeys keys =
      mikey::DeriveTransportKeys(crypto::DefaultSuite(), {}, key, csb_id, kFuzzRand);
  mikey::CryptKeyData(crypto::DefaultSuite(), keys, csb_id, *message.Get<mikey::TPayload>(),
                      MutableBytes(octets).subspan(at, kemac->encr_data.size()));
  return octets;
}

void Append(Bytes& input, unsigned kind, ByteView octets) {
  input.push_back(static_cast<uint8_t>(kind << 6 | octets.size() >> 8));
  input.push_back(static_cast<uint8_t>(octets.size()));
  input.insert(input.end(), octets.begin(), octets.end());
}

constexpr unsigned kMsk = 1, kMtk = 3;  // sealed

// MSK and MTK messages of one channel as its server would go on.
class Messages {
 public:
  explicit Messages(SrtpProfile profile)
      : policy_(FuzzPolicy(profile)), traffic_(profile), msk_(FuzzMsk(policy_, sync_)) {}

  Bytes Msk(uint32_t counter, uint16_t number, uint16_t low, uint16_t high) {
    msk_.counter = counter;
    msk_.ids.msk = {kFuzzMsk.group, KeyNumber(number)};
    msk_.low = MtkId(low);
    msk_.high = MtkId(high);
    return Sealed(mikey::WriteMskMessage, msk_, kFuzzUserKey);
  }
  Bytes Mtk(uint32_t counter, uint16_t number, uint16_t mtk) {
    mikey::MtkMessage message = FuzzMtk(traffic_);
    message.counter = counter;
    message.ids.msk = {kFuzzMsk.group, KeyNumber(number)};
    message.ids.mtk = MtkId(mtk);
    return Sealed(mikey::WriteMtkMessage, message, kFuzzMskKey);
  }
  mikey::MskMessage& msk() { return msk_; }

 private:
  std::vector<mikey::SpParam> policy_;
  mikey::StreamSync sync_{0, kFuzzSsrc, Roc(0)};
  FuzzTrafficKey traffic_;
  mikey::MskMessage msk_;
};

void MakeKeyringSeeds(const fs::path& folder) {
  Messages messages(SrtpProfile::kAesCm128HmacSha1_80);
  Bytes input;
  const auto msk = [&](const Bytes& octets) { Append(input, kMsk, InClear(octets, kFuzzUserKey)); };
  const auto mtk = [&](const Bytes& octets) { Append(input, kMtk, InClear(octets, kFuzzMskKey)); };
  for (uint16_t i = 2; i < 20; ++i) mtk(messages.Mtk(i, 1, i));
  Save(folder, "mtks", input);
  input.clear();
  for (uint16_t i = 2; i < 8; ++i) {
    msk(messages.Msk(i, i, 1, 100));
    mtk(messages.Mtk(1, i, 1));
  }
  mtk(messages.Mtk(2, 7, 101));
  Save(folder, "msks", input);
  input.clear();
  msk(messages.Msk(2, 1, 2, 9));  // a moved interval
  mtk(messages.Mtk(2, 1, 1));
  mtk(messages.Mtk(3, 1, 2));
  mtk(messages.Mtk(4, 1, 2));
  mtk(messages.Mtk(3, 1, 3));
  msk(messages.Msk(3, 1, 9, 2));  // given up
  msk(messages.Msk(4, 0, 1, 9));
  messages.msk().csb_id = CsbId(5);
  msk(messages.Msk(5, 9, 1, 9));
  mtk(messages.Mtk(5, 9, 1));
  Save(folder, "interval", input);
  input.clear();
  mtk(messages.Mtk(6, 1, 6));
  const Bytes other(16, 0x22);  // another key under the same MSK ID
  messages.msk().csb_id = CsbId(0);
  messages.msk().msk = other;
  msk(messages.Msk(6, 1, 1, 9));
  Save(folder, "other_msk", input);
  messages.msk().msk = kFuzzMskKey;
  for (uint8_t sender = 0; sender < 5; ++sender) {
    const std::string name = "sender" + std::to_string(sender) + ".example.org";
    messages.msk().idi = AsBytes(name);
    msk(messages.Msk(6, 10, 1, 9));
  }
  messages.msk().policy = {};
  messages.msk().streams = {};
  messages.msk().idi = AsBytes("bmsc.example.org");
  msk(messages.Msk(7, 11, 1, 9));
  Save(folder, "senders", input);
}

// Packet protects one packet under the MTK of receiver_messages.h.
Bytes Packet(SrtpProfile profile, uint16_t sequence, bool rtcp) {
  const FuzzTrafficKey traffic(profile);
  const mikey::KeyIds ids{kFuzzDomain, kFuzzMsk, MtkId(1)};
  std::array<uint8_t, 9> octets{};
  const size_t length = mikey::WriteMki(kForm, ids, octets);
  const Bytes mki(octets.begin(), std::next(octets.begin(), static_cast<ptrdiff_t>(length)));
  auto session = *srtpio::Session::Create(
      {profile, crypto::Key32(traffic.key), crypto::Salt14(traffic.salt), mki}, kFuzzSsrc,
      srtpio::Session::Direction::kSend);
  const auto high = static_cast<uint8_t>(sequence >> 8);
  const auto low = static_cast<uint8_t>(sequence);
  Bytes packet = rtcp ? Bytes{0x80, 200, 0, 6, 0xa0, 0, 0, 1, 1, 2, 3, 4, 5, 6,
                              7,    8,   0, 0, 0,    1, 0, 0, 0, 1, 0, 0, 0, 9}
                      : Bytes{0x80, 96, high, low, 0, 0, 0, 1, 0xa0, 0, 0, 1, 1, 2, 3, 4};
  const size_t plain = packet.size();
  packet.resize(plain + srtpio::kMaxTrailer);
  packet.resize(*(rtcp ? session.ProtectRtcp(packet, plain) : session.Protect(packet, plain)));
  return packet;
}

void MakeStreamSeeds(const fs::path& folder) {
  uint8_t choice = 0;
  for (const srtp::ProfileInfo& info : srtp::Profiles()) {
    for (const bool rtcp : {false, true}) {
      Bytes input = Packet(info.profile, 100, rtcp);
      input.insert(input.begin(), choice);
      Save(folder, (rtcp ? "good_rtcp_" : "good_rtp_") + std::to_string(choice), input);
    }
    ++choice;
  }
}

void MakeReplaySeeds(const fs::path& folder) {
  const SrtpProfile profile = SrtpProfile::kAesCm128HmacSha1_80;
  const fs::path path = fs::temp_directory_path() / "make_receiver_seeds.pcapng";
  fs::remove(path);
  {
    auto recorder = *net::Recorder::Open(path);
    Messages messages(profile);
    const Endpoint server = *ParseEndpoint("127.0.0.1:2269");
    int64_t second = 0;
    const auto write = [&](const char* to, const Bytes& octets) {
      recorder->Write(net::Recorder::Direction::kReceived, server, *ParseEndpoint(to), octets,
                      FromUnixNanos(++second * 1'000'000'000));
    };
    write("127.0.0.1:2271", messages.Msk(1, 1, 1, 100));
    write("239.255.42.1:2269", messages.Mtk(1, 1, 1));
    write("239.255.42.1:2269", messages.Mtk(1, 1, 1));
    for (uint16_t i = 1; i < 5; ++i) write("239.255.42.1:5004", Packet(profile, i, false));
    write("239.255.42.1:5004", Packet(profile, 1, false));
    write("239.255.42.1:5005", Packet(profile, 1, true));
    Bytes broken = Packet(profile, 9, false);
    write("239.255.42.1:5004", broken);
    broken[14] ^= 1;
    write("239.255.42.1:5004", broken);
    write("239.255.42.1:5004", Bytes(5, 1));
    write("239.255.42.9:9", Bytes(5, 1));
  }
  std::ifstream file(path, std::ios::binary);
  Bytes octets{std::istreambuf_iterator<char>(file), {}};
  for (const uint8_t after : {uint8_t{6}, uint8_t{0}}) {
    Bytes input{after};
    input.insert(input.end(), octets.begin(), octets.end());
    Save(folder, "after_" + std::to_string(after), input);
  }
  Bytes cut{0};
  cut.insert(cut.end(), octets.begin(), octets.end() - 7);
  Save(folder, "cut", cut);
  fs::remove(path);
}

}  // namespace
}  // namespace keymast::receiver

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
    return 2;
  }
  const std::filesystem::path corpus = argv[1];
  keymast::receiver::MakeKeyringSeeds(corpus / "receiver_keyring");
  keymast::receiver::MakeStreamSeeds(corpus / "receiver_stream");
  keymast::receiver::MakeReplaySeeds(corpus / "receiver_replay");
  return 0;
}
