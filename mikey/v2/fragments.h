// SPDX-License-Identifier: Apache-2.0
// Messages that are longer than a datagram (MIKEYv2 §3.6).
#pragma once

#include <map>

#include "base/fixed_list.h"
#include "base/time.h"
#include "mikey/v2/capabilities.h"
#include "mikey/v2/keys.h"

namespace keymast::mikey::v2 {

inline constexpr size_t kMaxWhole = 9856;  // octets of a message, reassembled (MIKEYv2 §14)

// MoreDatagrams are the lengths of datagrams that stand in a buffer behind a first one, in their
// order, without anything between them.
using MoreDatagrams = FixedList<uint16_t, kMaxFragments - 1>;

// Way is what a peer takes: datagrams of up to `datagram` octets, and messages in up to `fragments`
// of them; 0: none.
struct Way {
  size_t datagram = kMinDatagram;
  size_t fragments = 0;
};

// Fragmenting is how a message is sent. The cookie, of a CAP, is in each of its FRAGMENTs; empty:
// none.
struct Fragmenting {
  CsbId csb_id;
  Way way;
  ByteView cookie;
};

// MostOf is the longest message that a peer takes so, when its datagrams have `room` octets in all.
size_t MostOf(const Way& way, size_t room);

// Send writes a message to the front of `out` as one datagram, or as FRAGMENTs where it is longer
// than one; returns the first one's length, the others' are in `more`. kTooLong when it does not
// fit in what the peer takes, or in `out`. `whole` is not in `out`, or is the front of it.
Result<size_t> Send(const crypto::Suite& suite, ByteView whole, const Fragmenting& how,
                    MutableBytes out, MoreDatagrams& more);

// TotalOf datagrams that Send wrote.
size_t TotalOf(size_t first, const MoreDatagrams& more);

// Fragments are those of one sender, as they come in: of several messages, so that nobody who
// writes its address holds up the true one (MIKEYv2 §3.6).
class Fragments {
 public:
  static constexpr size_t kMessages = 4;
  static constexpr Duration kLife = std::chrono::seconds(10);

  // Take returns a message when its last part has come, else nothing; it is good until the next
  // call. Of more than kMessages the one goes of which nothing new came for the longest time.
  // kMalformed for a count or index that cannot be, kTooLong, kAuthenticationFailed when the hash
  // is wrong.
  Result<ByteView> Take(const crypto::Suite& suite, CsbId csb_id, const FragmentPayload& fragment,
                        Instant now);
  bool IsPast(Instant now) const;
  // When something new came last.
  Instant last() const;

 private:
  // Parts of one message.
  struct Parts {
    CsbId csb_id;
    Octets<FragmentPayload::kHashSize> hash;
    size_t count = 0;  // 0: free
    size_t size = 0;   // octets that have come
    Instant begun;
    Instant last;                           // of a part that was not there yet
    std::array<Bytes, kMaxFragments> each;  // empty: not there

    bool IsPast(Instant now) const { return count == 0 || now - begun > kLife; }
    bool IsOf(CsbId csb_id, const FragmentPayload& fragment) const;
    bool IsWhole() const;
  };
  Parts& PartsOf(CsbId csb_id, const FragmentPayload& fragment, Instant now);
  Result<ByteView> Whole(const crypto::Suite& suite, Parts& parts);

  std::array<Parts, kMessages> messages_;
  Bytes whole_;
};

// FragmentsByAddress has those of each address, behind a good cookie.
class FragmentsByAddress {
 public:
  // At most `capacity` addresses: more take the place of the one that was silent for the longest
  // time.
  explicit FragmentsByAddress(size_t capacity) : capacity_(capacity) {}
  // As Fragments::Take.
  Result<ByteView> Take(const crypto::Suite& suite, ByteView address, CsbId csb_id,
                        const FragmentPayload& fragment, Instant now);

 private:
  void MakeRoom(Instant now);
  size_t capacity_;
  std::map<Bytes, Fragments> by_address_;
};

}  // namespace keymast::mikey::v2
