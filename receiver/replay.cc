// SPDX-License-Identifier: Apache-2.0
#include "receiver/replay.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>

#include "net/replay.h"
#include "receiver/make_core.h"
#include "shell/json_line.h"

namespace keymast::receiver {
namespace {

// Force tries a packet that the core refused under every key that the receiver ever held, with the
// MKI of that key put in the packet's place: an attacker is not bound by our rules.
class Force {
 public:
  void Remember(const MtkSlot& slot) { keys_.push_back(slot); }
  size_t keys() const { return keys_.size(); }

  bool Opens(const net::RecordedDatagram& datagram, const Stream& stream, size_t mki_length) {
    if (datagram.octets.size() < kRtpHeader || datagram.octets.size() > kMaxPacket) return false;
    return std::any_of(keys_.begin(), keys_.end(), [&](const MtkSlot& key) {
      return OpensUnder(key, datagram.octets, stream, mki_length);
    });
  }

 private:
  static constexpr size_t kRtpHeader = 12;

  bool OpensUnder(const MtkSlot& key, ByteView octets, const Stream& stream, size_t mki_length) {
    const ByteView mki = MkiOf(octets, key.profile, mki_length, false);
    if (mki.empty()) return false;
    srtpio::Session* session = SessionFor(key, stream.ssrc());
    if (session == nullptr) return false;
    const auto sequence = static_cast<uint16_t>(octets[2] << 8 | octets[3]);
    const PacketIndex highest = stream.highest().value_or(PacketIndex(sequence));
    const int64_t guess = srtp::RocOf(srtp::EstimateIndex(highest, sequence)).value;
    for (int64_t roc = std::max<int64_t>(guess - 1, 0); roc <= guess + 1; ++roc) {
      Bytes packet(octets.begin(), octets.end());
      std::copy(key.mki.view().begin(), key.mki.view().end(),
                packet.begin() + (mki.data() - octets.data()));
      session->SetRoc(Roc(static_cast<uint32_t>(roc)));
      if (session->Unprotect(packet, packet.size())) return true;
    }
    return false;
  }

  srtpio::Session* SessionFor(const MtkSlot& key, Ssrc ssrc) {
    const auto name = std::pair(key.serial, ssrc.value);
    auto found = sessions_.find(name);
    if (found != sessions_.end()) return &found->second;
    const ByteView mki = key.mki.view();
    auto session =
        srtpio::Session::Create({key.profile, key.key, key.salt, Bytes(mki.begin(), mki.end())},
                                ssrc, srtpio::Session::Direction::kReceive);
    if (!session) return nullptr;
    return &sessions_.emplace(name, std::move(*session)).first->second;
  }

  std::vector<MtkSlot> keys_;
  std::map<std::pair<uint64_t, uint32_t>, srtpio::Session> sessions_;
};

// Player feeds one recording to a core of its own.
class Player {
 public:
  Player(const Setup& setup, Instant after)
      : setup_(setup), after_(after), groups_(MediaGroups(setup.channel)) {}

  void Feed(const net::RecordedDatagram& datagram) {
    if (!datagram.to.IsMulticast()) {
      std::array<uint8_t, kMaxAnswer> answer{};
      result.msk_messages += core_.OnMsk(datagram.octets, answer) ? 1u : 0u;
    } else if (datagram.to == setup_.channel.mtk) {
      TakeMtk(datagram);
    } else if (std::find(groups_.begin(), groups_.end(), datagram.to) != groups_.end()) {
      TakeMedia(datagram);
    }
    result.keys = force_.keys();
  }

  ReplayResult result;

 private:
  void TakeMtk(const net::RecordedDatagram& datagram) {
    const Result<MtkEvent> event = core_.OnMtk(datagram.octets, datagram.at);
    if (!event) return;
    ++result.mtk_messages;
    force_.Remember(*core_.keyring().mtks().Find(event->msk, event->mtk));
  }

  void TakeMedia(const net::RecordedDatagram& datagram) {
    if (IsRtcp(datagram.octets)) return;
    const bool is_after = datagram.at >= after_;
    Bytes packet(datagram.octets.begin(), datagram.octets.end());
    const Result<MediaPacket> opened = core_.OnMedia(packet, datagram.at);
    if (opened) {
      ++(is_after ? result.opened_after : result.opened_before);
    } else if (is_after && OpensByForce(datagram)) {
      ++result.opened_after;
    } else {
      ++(is_after ? result.refused_after : result.refused_before);
    }
  }

  bool OpensByForce(const net::RecordedDatagram& datagram) {
    return std::any_of(core_.streams().begin(), core_.streams().end(), [&](const auto& stream) {
      return force_.Opens(datagram, *stream, core_.keyring().mki_length());
    });
  }

  const Setup& setup_;
  Instant after_;
  std::vector<Endpoint> groups_;
  Core core_ = MakeCore(setup_, {});
  Force force_;
};

}  // namespace

Result<ReplayResult> Replay(ByteView file, const Setup& setup, Instant after) {
  Player player(setup, after);
  net::RecordReader reader(file);
  for (;;) {
    const Result<std::optional<net::RecordedDatagram>> next = reader.Next();
    if (!next && next.error() == Error::kTruncated) {
      player.result.cut_off = true;
      return player.result;
    }
    if (!next) return Err(next.error());
    if (!*next) return player.result;
    player.Feed(**next);
  }
}

int ReplayCommand(const std::string& path, const Setup& setup, Instant after) {
  std::ifstream file(path, std::ios::binary);
  const Bytes octets((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.good() && !file.eof()) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    return 1;
  }
  const Result<ReplayResult> result = Replay(octets, setup, after);
  if (!result) {
    std::fprintf(stderr, "%s: not a recording of ours (%s)\n", path.c_str(),
                 std::string(ErrorName(result.error())).c_str());
    return 1;
  }
  shell::JsonLine line;
  line.Number("msk_messages", result->msk_messages)
      .Number("mtk_messages", result->mtk_messages)
      .Number("keys", result->keys)
      .Number("opened_before", result->opened_before)
      .Number("opened_after", result->opened_after)
      .Number("refused_before", result->refused_before)
      .Number("refused_after", result->refused_after)
      .Number("cut_off", result->cut_off ? 1 : 0);
  std::puts(line.str().c_str());
  return 0;
}

}  // namespace keymast::receiver
