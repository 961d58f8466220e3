// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/mikeyv2_target_group.h"

namespace keymast::mikey::v2 {
void LabTree::Learn(const Json& order) {
  roots_.clear();
  for (const auto& [tree, root] : order.at("roots").items()) roots_[tree] = Unhex(root);
  waits_ = order.at("waits").get<bool>();
}

TreeKeys::Found LabTree::Derive(const RekeyHead&, ByteView tree_update, crypto::Key32& root) {
  const auto known = roots_.find(ToHex(tree_update));
  if (known == roots_.end()) return waits_ ? Found::kNotYet : Found::kNothingHere;
  root = crypto::Key32(ByteView(known->second));
  return Found::kRoot;
}

Json RekeyRole::Begin(const Json& order) {
  reader_ = std::make_unique<RekeyReader>(crypto::DefaultSuite(), GroupOf(order), tree_);
  Learn(order);
  return Install(order);
}

Json RekeyRole::Learn(const Json& order) {
  tree_.Learn(order);
  return {{"status", "ok"}};
}

Json RekeyRole::Install(const Json& order) {
  const Bytes plain = Unhex(order.at("content"));
  Contents contents;
  Status status = ReadContents(plain, false, contents);
  const bool asked = order.at("asked").get<bool>();
  const Json at{{"now", order.at("asked_at")}};
  if (status) status = reader_->Install(contents, asked, NowOf(at));
  return Told({status, RekeyReader::Event::kNone, {}});
}

Json RekeyRole::Take(const Json& order) {
  uint16_t from = 0;
  const Bytes datagram = TakeDatagram(socket_, from);
  Json told = Told(reader_->Receive(datagram, NowOf(order)));
  Json& later = told["later"] = Json::array();
  for (;;) {
    const RekeyReader::Outcome outcome = reader_->Resume();
    if (outcome.event == RekeyReader::Event::kNone) break;
    later.push_back(Told(outcome).at("event"));
  }
  return told;
}

Json RekeyRole::Told(const RekeyReader::Outcome& outcome) const {
  static constexpr const char* kEvents[] = {"none",      "applied",   "not for it", "kept",
                                            "announced", "far ahead", "stale",      "other tree"};
  return {{"status", NameOf(outcome.status)},
          {"sent", 0},
          {"event", kEvents[static_cast<size_t>(outcome.event)]},
          {"is_missing", outcome.WantsMissing()},
          {"tree_id", ToHex(reader_->tree_id())},
          {"epoch", reader_->epoch()},
          {"t", reader_->t()},
          {"pending", reader_->pending()},
          {"window", reader_->window() / std::chrono::milliseconds(1)},
          {"key_id", reader_->verification_key().value_or(0)},
          {"msk", ToHex(reader_->msk().key.view())}};
}

Json KeyringRole::Begin(const Json& order, const Offerer& joined) {
  const GroupName group = GroupOf(order);
  Profile3gpp profile;
  profile.prf = PrfFunc::kHmacSha256;
  profile.encr_alg = group.encr;
  profile.mac_alg = MacAlg::kHmacSha256_256;
  const receiver::KeyScope scope{group.domain, group.key_group};
  keyring_ = std::make_unique<receiver::Keyring>(crypto::DefaultSuite(), profile, scope,
                                                 receiver::Credential(),
                                                 std::span<const receiver::SenderCounter>());
  signer_.reset();
  signer_id_ = order.at("signer_id").get<uint32_t>();
  if (signer_id_ != 0) signer_ = *crypto::PublicKey::FromEd25519(Unhex(order.at("signer")));
  return {{"status", NameOf(keyring_->OnJoin(joined.streams(), joined.contents(), NowOf(order)))}};
}

Json KeyringRole::Take(const Json& order) {
  uint16_t from = 0;
  const Bytes datagram = TakeDatagram(socket_, from);
  std::optional<receiver::MtkSigner> signer;
  if (signer_) signer = receiver::MtkSigner{signer_id_, &*signer_};
  const auto taken = keyring_->OnMtk(datagram, NowOf(order), signer);
  return {{"status", taken ? "ok" : ErrorName(taken.error())},
          {"sent", 0},
          {"state", ToHex(keyring_->StateHash())}};
}

Json GroupSide::Do(const std::string& what, const Json& order, const Offerer* joined) {
  if (what == "member") return rekeys_.Begin(order);
  if (what == "learn") return rekeys_.Learn(order);
  if (what == "install") return rekeys_.Install(order);
  if (what == "rekey") return rekeys_.Take(order);
  if (what == "reporter") return reporter_.Begin(order, *joined);
  if (what == "ask") return reporter_.Ask(order);
  if (what == "keys") return reporter_.Take(order);
  if (what == "cure") return reporter_.Cure();
  if (what == "controller") return controller_.Begin(order);
  if (what == "keyring") return keyring_.Begin(order, *joined);
  if (what == "mtk") return keyring_.Take(order);
  if (what == "report") return controller_.Take(order);
  const Json told = server_.Do(what, order);
  return told.is_null() ? member_.Do(what, order) : told;
}

}  // namespace keymast::mikey::v2
