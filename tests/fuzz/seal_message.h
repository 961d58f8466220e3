// SPDX-License-Identifier: Apache-2.0
// A sender who holds the key and means ill, for targets behind the MAC: a message whose key data is
// in clear gets it encrypted, and its MAC made afresh.
#pragma once

#include "mikey/kemac.h"
#include "mikey/mbms.h"

namespace keymast::mikey {

// SealMessage seals `octets`, which `seen` is of, under `key`; `rand` is that of the MSK message
// where the message has none. False: it has no KEMAC of our algorithms, and stays as it is.
inline bool SealMessage(const Unverified& seen, ByteView key, ByteView rand, MutableBytes octets) {
  Message message;
  if (!ParseMessage(octets, message)) return false;
  const KemacPayload* kemac = message.Get<KemacPayload>();
  if (kemac == nullptr || kemac->mac_alg != MacAlg::kHmacSha1_160) return false;
  const crypto::Suite& suite = crypto::DefaultSuite();
  const TransportKeys keys =
      DeriveTransportKeys(suite, {}, key, seen.csb_id, seen.rand.empty() ? rand : seen.rand);
  const size_t mac_size = kemac->mac.size();
  const size_t data_size = kemac->encr_data.size();
  const size_t data_at = octets.size() - mac_size - 1 - data_size;
  CryptKeyData(suite, keys, seen.csb_id, *message.Get<TPayload>(),
               octets.subspan(data_at, data_size));
  const std::array<ByteView, 1> covered{octets.first(octets.size() - mac_size)};
  Mac(suite, MacAlg::kHmacSha1_160, keys.auth.view(), covered, octets.last(mac_size));
  return true;
}

}  // namespace keymast::mikey
