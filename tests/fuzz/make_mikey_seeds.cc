// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of the MIKEY fuzz targets: make_mikey_seeds tests/fuzz/corpus
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "mikey/mbms.h"
#include "mikey/message.h"
#include "mikey/prf.h"
#include "tests/interop/mikey_messages.h"
#include "tests/unit/mikey/sample.h"

namespace keymast::mikey {
namespace {

void Save(const std::filesystem::path& folder, const std::string& name, ByteView octets) {
  std::filesystem::create_directories(folder);
  std::ofstream file(folder / name, std::ios::binary);
  file << AsText(octets);
}

// InClear is `octets` with its key data decrypted, which is what mikey_open takes.
Bytes InClear(Bytes octets, ByteView key) {
  Message message;
  if (!ParseMessage(octets, message)) return {};
  const KemacPayload* kemac = message.Get<KemacPayload>();
  const size_t at = octets.size() - kemac->mac.size() - 1 - kemac->encr_data.size();
  const TransportKeys keys =
      DeriveTransportKeys(crypto::DefaultSuite(), {}, key, CsbId(message.header.csb_id), kRand);
  CryptKeyData(crypto::DefaultSuite(), keys, CsbId(message.header.csb_id), *message.Get<TPayload>(),
               MutableBytes(octets).subspan(at, kemac->encr_data.size()));
  return octets;
}

// Samples have every payload in every data type that it belongs to.
void MakeMessageSeeds(const std::filesystem::path& folder) {
  for (const SampleMessage& sample : SampleMessages()) {
    if (sample.octets.empty()) continue;
    std::string name = sample.name;
    std::replace_if(
        name.begin(), name.end(), [](unsigned char letter) { return std::isalnum(letter) == 0; },
        '_');
    Save(folder, name, sample.octets);
  }
}

void MakeSeeds(const std::filesystem::path& corpus) {
  MakeMessageSeeds(corpus / "mikey_message");
  Profile3gpp other;
  other.prf = PrfFunc::kHmacSha256;
  other.encr_alg = EncrAlg::kAesCm256;
  other.mac_alg = MacAlg::kHmacSha256_256;
  other.key_id_before_t = false;
  Save(corpus / "mikey_inspect", "msk", MskOctets());
  Save(corpus / "mikey_inspect", "msk_256", MskOctets(other));
  Save(corpus / "mikey_inspect", "mtk", MtkOctets());
  Save(corpus / "mikey_inspect", "mtk_256", MtkOctets(other));
  Save(corpus / "mikey_inspect", "verification", VerificationOctets());
  MskMessage download = SampleMsk();
  download.streams = {};
  download.policy = {};
  Save(corpus / "mikey_open", "msk", InClear(MskOctets(), kUserKey));
  Save(corpus / "mikey_open", "msk_download", InClear(MskOctets({}, download), kUserKey));
  Save(corpus / "mikey_open", "mtk", InClear(MtkOctets(), kMsk));
  Save(corpus / "mikey_key_data", "tgk_interval",
       Hex("00020010404142434445464748494a4b4c4d4e4f0200040203e8"));
  Save(corpus / "mikey_key_data", "tek_salt_spi",
       Hex("00310010404142434445464748494a4b4c4d4e4f0004808182830400000001"));
  Save(corpus / "mikey_key_data", "three", Hex("14000001aa14000001bb00000001cc"));
  for (uint8_t choice = 0; choice < 4; ++choice) {
    Bytes octets(60, 0x11);
    octets[0] = choice;
    const char name[] = {static_cast<char>('0' + choice), '\0'};
    Save(corpus / "crypto_open", name, octets);
  }
}

}  // namespace
}  // namespace keymast::mikey

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
    return 2;
  }
  keymast::mikey::MakeSeeds(argv[1]);
  return 0;
}
