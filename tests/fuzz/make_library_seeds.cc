// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of receiver_library_input: make_library_seeds tests/fuzz/corpus
#include <filesystem>
#include <fstream>

#include "mikey/v2/group_rekey.h"
#include "mikey/v2/loose_keys.h"
#include "mikey/v2/mtk_signature.h"
#include "mikey/v2/report.h"
#include "receiver/library/table.h"
#include "tests/fuzz/toy_table.h"
#include "tests/unit/receiver/library_world.h"

namespace keymast::receiver::library {
namespace {

namespace fs = std::filesystem;
using fuzz::Step;

// Recorder leads the life that the target will lead, and writes down its steps.
class Recorder {
 public:
  Recorder() : answerer_(suite_, policy_, server_, 64, rng_) {
    policy_.modes.clear();
    policy_.modes.Add(1);
    for (uint8_t which = 0; which < 2; ++which) {
      const keymast_group group = fuzz::ToyGroup(which);
      Group& added = server_.Add(std::string(AsText(ViewOf(group.uri))));
      added.suite = &suite_;
    }
    Init(false);
  }
  ~Recorder() { keymast_receiver_wipe(context_.get()); }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  Group& group(uint8_t which) {
    return server_.groups_.at(std::string(AsText(ViewOf(fuzz::ToyGroup(which).uri))));
  }
  void Receive(const Bytes& datagram) {
    Note(Step::kReceive);
    NoteSized(datagram);
    const auto reason = keymast_receiver_receive(context_.get(), COctets(datagram), now_);
    std::printf("  %s\n", keymast_reason_name(reason));
    Act();
  }
  // Answer gives the last datagram that was sent to the server, and what comes back to the
  // receiver.
  void Answer() {
    Bytes out(mikey::v2::kMaxOneDatagram);
    const Instant at = Instant(std::chrono::milliseconds(now_));
    out.resize(answerer_.Receive(sent_, AsBytes("1"), at, rng_, out).reply);
    Receive(out);
  }
  void Due() {
    Note(Step::kDue);
    now_ = std::clamp(keymast_receiver_deadline(context_.get()), now_, now_ + 600'000);
    keymast_receiver_tick(context_.get(), now_);
    Act();
  }
  void Used(uint8_t channel, const Bytes& mki) {
    Packet(Step::kUsed, channel, mki);
    keymast_receiver_used(context_.get(), channel, COctets(mki), now_);
    Act();
  }
  // For longer than the group's window.
  void Missing(uint8_t channel, const Bytes& mki) {
    Miss(channel, mki);
    const auto window = static_cast<uint16_t>(server_.window_ms_);
    Note(Step::kPass, {static_cast<uint8_t>(window >> 8), static_cast<uint8_t>(window)});
    now_ += window;
    keymast_receiver_tick(context_.get(), now_);
    Act();
    Miss(channel, mki);
  }
  // Steps after which nothing is recorded that depends on them.
  void Note(Step step, std::initializer_list<uint8_t> more = {}) {
    steps_.push_back(static_cast<uint8_t>(step));
    steps_.insert(steps_.end(), more);
  }
  void NoteSized(const Bytes& octets) {
    steps_.push_back(static_cast<uint8_t>(octets.size() >> 8));
    steps_.push_back(static_cast<uint8_t>(octets.size()));
    steps_.insert(steps_.end(), octets.begin(), octets.end());
  }
  void Save(const fs::path& folder, const std::string& name) {
    fs::create_directories(folder);
    std::ofstream(folder / name, std::ios::binary) << AsText(steps_);
    std::printf("%s\n", name.c_str());
  }
  // Keys that nobody asked for, and what is said of keys to the REPORT that was sent last.
  void Push(uint8_t which, uint32_t t) {
    const mikey::v2::Grant grant = server_.GrantOf(group(which));
    Bytes out(mikey::v2::kMaxOneDatagram);
    const mikey::v2::KeysContent content{
        mikey::EncrAlg::kAesCm256, rand_, grant.streams, grant.contents, {}};
    out.resize(WriteUnaskedKeys(suite_, R(which), group(which).csb, t, content, out).value());
    Receive(out);
  }
  // Keys of the tree alone.
  void PushMore(ByteView tree_id, uint32_t t, uint32_t epoch) {
    const Bytes node(9, 1);
    mikey::v2::Contents contents;
    contents.keys.Add(
        {mikey::KeyDataType::kTreeKey, root_, {}, {mikey::KvType::kSpi, node, {}, {}}});
    contents.member = mikey::v2::MemberState{tree_id, epoch, 6, 7, 1, 1400, 1000, 0, 0};
    const mikey::v2::Streams none;
    const mikey::v2::KeysContent content{mikey::EncrAlg::kAesCm256, rand_, none, contents, {}};
    Bytes out(mikey::v2::kMaxOneDatagram);
    out.resize(WriteUnaskedKeys(suite_, R(0), group(0).csb, t, content, out).value());
    Receive(out);
  }
  void AnswerReport(uint8_t which, bool with_keys) {
    mikey::Message message;
    if (!mikey::ParseMessage(sent_, message)) return;
    const auto* rand = message.Get<mikey::RandrPayload>();
    if (rand == nullptr) return;
    const auto binding =
        mikey::v2::BindReport(suite_, sent_, group(which).csb, rand->rand, R(which));
    const mikey::v2::Grant grant = server_.GrantOf(group(which));
    const mikey::v2::Streams no_streams;
    const mikey::v2::Contents none;
    const mikey::v2::KeysContent content{mikey::EncrAlg::kAesCm256,
                                         rand_,
                                         with_keys ? grant.streams : no_streams,
                                         with_keys ? grant.contents : none,
                                         {}};
    Bytes out(mikey::v2::kMaxOneDatagram);
    out.resize(WriteKeysToReport(suite_, binding, content, out).value());
    Receive(out);
  }
  void ServeDh() {
    static constexpr uint8_t kBase[32] = {9};
    pk_.dh_generate = [](crypto::DhGroup, crypto::Rng& rng, MutableBytes own, MutableBytes out) {
      rng.Fill(own);
      fuzz::ToyX25519(nullptr, own.data(), kBase, out.data());
    };
    pk_.dh_agree = [](crypto::DhGroup, ByteView own, ByteView peer, MutableBytes out) {
      return peer.size() == 32 && fuzz::ToyX25519(nullptr, own.data(), peer.data(), out.data());
    };
    policy_.modes.clear();
    for (const uint8_t mode : {uint8_t{6}, uint8_t{4}}) policy_.modes.Add(mode);
  }
  // ServeCertificates in one mode, by hashes or in full, to who starts anew with certificates.
  void ServeCertificates(uint8_t mode, bool by_hash) {
    ServeDh();
    policy_.modes.clear();
    policy_.modes.Add(mode);
    // By the FRESH of the join before: toy signatures are good under each CAP, the MAC under one.
    if (mode == 5) policy_.modes.Add(3);
    for (const uint8_t resumed : {uint8_t{6}, uint8_t{1}}) policy_.modes.Add(resumed);
    Signing();
    pk_.verify = [](const crypto::PublicKey&, crypto::SignatureScheme, std::span<const ByteView>,
                    ByteView) { return true; };
    // fuzz::ToyOpenEnvelope
    pk_.wrap_oaep = [](const crypto::PublicKey&, ByteView key, crypto::Rng&,
                       MutableBytes out) -> Result<size_t> {
      std::fill(out.begin(), out.end(), uint8_t{0});
      std::copy(key.begin(), key.end(), out.begin());
      return fuzz::kToySignature;
    };
    const mikey::Identity member{mikey::IdType::kNai, AsBytes(fuzz::kToyMember)};
    credentials_.trust.Pin(member, crypto::Sha256(fuzz::kToyLeaf));
    credentials_.own.push_back(
        {crypto::PrivateKey::FromEd25519(crypto::SecretKey<32>(Bytes(32, 1))), {GoodLeaf()}});
    if (by_hash) credentials_.shown = mikey::v2::Shown::kHash;
    answerer_.set_credentials(&credentials_);
    Note(Step::kCertified);
    keymast_receiver_wipe(context_.get());
    Init(true);
  }
  const crypto::Suite& suite() const { return suite_; }
  void Rejoin(uint8_t which) {
    Join(which);
    Act();
  }
  void ServeAll(bool is_signed = false) {
    server_.features_ = is_signed ? 0xffffffff : 0xffffffff & ~(1u << 3);
  }
  // Signing puts signatures on that the toy verification takes.
  void Signing() {
    pk_.sign = [](const crypto::PrivateKey&, crypto::SignatureScheme, std::span<const ByteView>,
                  MutableBytes out) -> Result<size_t> {
      std::fill(out.begin(), out.end(), uint8_t{1});
      return out.size();
    };
    group(0).verifier = Bytes(32, 1);
    group(0).path_keys = Bytes(32, 2);
  }
  // Rekey is one packet of an update; of another kind than the tree's an announcement.
  void Rekey(uint32_t epoch, uint32_t t, uint8_t found, bool is_filtered, ByteView tree_id,
             uint32_t next = 0, uint32_t signer = 1) {
    using namespace mikey::v2;
    const Group& of = group(0);
    const bool is_here = Equal(tree_id, of.tree_id);
    const std::array<ByteView, 1> updates{ByteView(&found, 1)};
    const SigningKey key{signer, key_};
    const SigningKey next_key{next, key_};
    mikey::v2::Rekey rekey;
    rekey.head.ids = {of.domain, {of.msk.group, KeyNumber(of.msk.number.value + 1u)}, {}};
    rekey.head.csb_id = of.csb;
    rekey.head.t = t;
    rekey.head.update = {is_here ? UpdateKind::kTree : UpdateKind::kAnnouncement,
                         tree_id,
                         epoch,
                         nonce_,
                         2500,
                         1000};
    if (is_here) rekey.tree_updates = updates;
    rekey.root = root_;
    rekey.msk = {mikey::KeyDataType::kTgk, nonce_, {}, {mikey::KvType::kInterval, {}, low_, high_}};
    const Bytes msk = of.Msk();
    if (is_filtered) rekey.before = HeldMsk{of.msk, msk};
    if (next != 0) rekey.next_signer = &next_key;
    Receive(WriteGroupRekey(suite_, rekey, key).value().front());
  }
  void SignedMtk(uint16_t id, uint32_t counter) {
    const Group& of = group(0);
    const Bytes msk = of.Msk();
    const Bytes rand = of.Rand();
    const Bytes key = of.Mtk(id);
    const Bytes salt = of.Salt(id);
    mikey::v2::TickMessage tick;
    tick.profile = JoinedProfile();
    tick.message = {{of.domain, of.msk, MtkId(id)}, of.csb, counter, rand, key, salt};
    tick.msk = msk;
    Receive(mikey::v2::WriteSignedMtkMessages(suite_, {&tick, 1}, {1, key_}).value().front());
  }
  void Leave(uint8_t channel) {
    Note(Step::kLeave, {channel});
    keymast_receiver_leave(context_.get(), channel, now_);
    Act();
  }
  mikey::v2::Answerer& answerer() { return answerer_; }
  const Bytes& saved() const { return saved_; }

 private:
  // What fuzz::ToyJudge finds good, by its hash too.
  Bytes GoodLeaf() const {
    Bytes leaf{8, 0};
    while (mikey::v2::HashOf(suite_, leaf)[0] % 4 != 0) ++leaf[1];
    return leaf;
  }
  // As the target begins, each time.
  void Init(bool is_certified) {
    keymast_member member = {
        KEYMAST_NAI, COctets(AsBytes(fuzz::kToyMember)), {fuzz::kToyKey, 16}, 1, 0, nullptr};
    if (is_certified) {
      member.user_key.size = 0;
      member.certificates = &fuzz::kToyCertificates;
    }
    keymast_receiver_init(context_.get(), &table_, &member, COctets(saved_));
    Join(0);
    Act();
    Join(1);
    Act();
  }
  crypto::Key32 R(uint8_t which) {
    const keymast_group group = fuzz::ToyGroup(which);
    const mikey::Identity member{mikey::IdType::kNai, AsBytes(fuzz::kToyMember)};
    const auto psk = mikey::v2::PskV2(suite_, ByteView(fuzz::kToyKey, 16), member,
                                      {mikey::IdType::kUri, ViewOf(group.uri)});
    return mikey::v2::ReportKey(suite_, psk.view());
  }
  void Packet(Step step, uint8_t channel, const Bytes& mki) {
    Note(step, {channel});
    steps_.insert(steps_.end(), mki.begin(), mki.end());
  }
  void Miss(uint8_t channel, const Bytes& mki) {
    Packet(Step::kMissing, channel, mki);
    keymast_receiver_missing(context_.get(), channel, COctets(mki), now_);
    Act();
  }
  void Join(uint8_t which) {
    const keymast_group group = fuzz::ToyGroup(which);
    keymast_receiver_join(context_.get(), which, &group, now_);
  }
  void Act() {
    Take();
    keymast_receiver_tick(context_.get(), now_);
    Take();
  }
  void Take() {
    keymast_action action;
    while (keymast_receiver_next(context_.get(), &action) != 0) {
      if (action.kind == KEYMAST_SEND) sent_ = Owned(action.octets);
      if (action.kind == KEYMAST_PERSIST) saved_ = Owned(action.octets);
    }
  }

  uint32_t random_ = 0;
  keymast_crypto table_ = fuzz::ToyTable(random_);
  TablePk pk_{table_, nullptr};
  mikey::v2::Credentials credentials_;
  crypto::Suite suite_ = SuiteOf(pk_);
  crypto::SeededRng rng_{1};
  mikey::v2::Policy policy_ = mikey::v2::Policy::Default();
  Server server_;
  mikey::v2::Answerer answerer_;
  uint64_t now_ = 1'000'000;
  std::unique_ptr<keymast_receiver> context_ = std::make_unique<keymast_receiver>();
  Bytes rand_ = Bytes(32, 0x77);
  const crypto::PrivateKey key_ =
      crypto::PrivateKey::FromEd25519(crypto::SecretKey<32>(Bytes(32, 1)));
  const Bytes nonce_ = Bytes(16, 0x60);
  const Bytes root_ = Bytes(32, 0x72);  // fuzz::ToyDerive
  const Bytes low_{0, 1};
  const Bytes high_{0xff, 0xff};
  Bytes sent_;
  Bytes saved_;
  Bytes steps_;
};

void Joins(const fs::path& folder) {
  Recorder life;
  Group& group = life.group(0);
  life.Answer();
  life.Answer();
  for (const uint16_t id : {uint16_t{1}, uint16_t{2}}) {
    life.Receive(group.MtkMessage(id, JoinedProfile()));
  }
  life.Receive(group.MtkMessageOf(2, ++group.counter, JoinedProfile(), Bytes(16, 7)));
  life.Used(0, group.Mki(1));
  life.Used(0, group.Mki(2));
  life.Due();
  group.msk.number = KeyNumber(2);
  group.counter = 0;
  life.Receive(group.MtkMessage(1, JoinedProfile()));
  life.Due();
  life.Answer();
  life.Answer();
  life.Used(0, group.Mki(1));
  life.Due();
  life.Note(Step::kLeave, {0});
  life.Save(folder, "joins");
}

// A member of a group with REPORT: it misses an MSK, is given one, and leaves.
void Reports(const fs::path& folder) {
  Recorder life;
  life.ServeAll();
  Group& group = life.group(0);
  life.Answer();
  life.Answer();
  life.Receive(group.MtkMessage(1, JoinedProfile()));
  group.msk.number = KeyNumber(2);
  life.Missing(0, group.Mki(1));
  life.Due();
  life.AnswerReport(0, true);
  life.Used(0, group.Mki(1));
  group.msk.number = KeyNumber(3);
  life.Push(0, 3);
  life.Push(0, 3);
  life.Missing(0, {0, 7, 0, 9, 0, 1});
  for (int i = 0; i < 3; ++i) life.Due();
  life.Leave(0);
  life.Due();
  life.AnswerReport(0, false);
  life.Save(folder, "reports");

  Recorder gone;
  gone.ServeAll();
  gone.Answer();
  gone.Answer();
  gone.Leave(0);
  for (int i = 0; i < 6; ++i) gone.Due();
  gone.Save(folder, "leaves");
}

// Updates of the group's tree: taken, of another part, without keys, far ahead, of another tree,
// with a key roll; and signed MTK messages.
void Rekeys(const fs::path& folder) {
  Recorder life;
  life.ServeAll(true);
  life.Signing();
  life.Answer();
  life.Answer();
  const Bytes here = life.group(0).tree_id;
  const Bytes other(8, 0x13);
  life.SignedMtk(1, 1);
  life.SignedMtk(2, 2);
  life.Receive(life.group(0).MtkMessage(3, JoinedProfile()));
  life.Rekey(2, 7, 1, true, here);
  life.Rekey(2, 7, 2, false, here);
  life.Rekey(2, 7, 0, true, here, 2);
  life.Rekey(3, 8, 0, true, here, 0, 2);
  life.Rekey(3, 8, 0, true, here, 0, 2);
  life.Due();
  life.Save(folder, "rekeys");

  Recorder stale;
  stale.ServeAll(true);
  stale.Signing();
  stale.Answer();
  stale.Answer();
  stale.Rekey(1, 9, 0, true, here);
  stale.Rekey(2, 6, 0, true, here);
  stale.Rekey(2, 7, 0, true, here, 0, 9);
  stale.Rekey(99, 99, 0, true, here);
  stale.Due();
  stale.Rekey(1, 20, 0, true, other, 3);
  stale.Rekey(1, 20, 0, true, other);
  stale.Due();
  stale.PushMore(here, 1, 1);
  stale.PushMore(here, 2, 0);
  stale.PushMore(other, 3, 1);
  stale.Save(folder, "missed_rekeys");
}

// By Diffie-Hellman, and again by ticket.
void JoinsByDh(const fs::path& folder) {
  Recorder life;
  life.ServeAll();
  life.ServeDh();
  mikey::v2::PeerTickets tickets(life.suite(), 4);
  life.answerer().use_tickets(&tickets);
  for (int i = 0; i < 3; ++i) life.Answer();
  life.Note(Step::kJoin, {0, 0});
  life.Rejoin(0);
  for (int i = 0; i < 3; ++i) life.Answer();
  life.Save(folder, "joins_by_dh");
}

// By certificate, in full and by hash, and again by ticket.
void JoinsByCertificate(const fs::path& folder) {
  for (const uint8_t mode : {uint8_t{2}, uint8_t{3}, uint8_t{5}}) {
    for (const bool by_hash : {false, true}) {
      Recorder life;
      life.ServeAll();
      mikey::v2::PeerTickets tickets(life.suite(), 4);
      if (mode != 5) life.answerer().use_tickets(&tickets);
      life.ServeCertificates(mode, by_hash);
      for (int i = 0; i < 4; ++i) life.Answer();
      life.Note(Step::kJoin, {0, 0});
      life.Rejoin(0);
      for (int i = 0; i < 3; ++i) life.Answer();
      life.Due();
      life.Leave(0);
      life.Due();
      life.Save(folder, "joins_in_mode_" + std::to_string(mode) + (by_hash ? "_by_hash" : ""));
    }
  }
}

void IsRefused(const fs::path& folder) {
  Recorder life;
  life.group(0).is_entitled = false;
  life.Answer();
  life.Save(folder, "is_refused");
}

void FollowsACookie(const fs::path& folder) {
  Recorder life;
  life.answerer().set_under_load(true);
  life.Answer();
  life.Answer();
  life.Answer();
  life.Save(folder, "follows_a_cookie");
}

void HearsNothing(const fs::path& folder) {
  Recorder life;
  for (int i = 0; i < 5; ++i) life.Due();
  const Bytes unknown = {0, 7, 0, 1, 0, 1};
  life.Missing(0, unknown);
  for (int i = 0; i < 6; ++i) life.Due();
  life.Note(Step::kJoin, {2, 2});
  life.Note(Step::kJoin, {3, 0});
  life.Note(Step::kPass, {1, 0});
  life.Save(folder, "hears_nothing");
}

void TakesMessages(const fs::path& folder) {
  Recorder life;
  Group& group = life.group(1);
  const Bytes first = group.MskMessage(5, "bmsc");
  life.Receive(first);
  life.Receive(first);
  for (uint16_t id = 1; id < 9; ++id) life.Receive(group.MtkMessage(id, {}));
  life.Used(1, group.Mki(7));
  life.Used(1, group.Mki(8));
  life.Due();
  group.msk.number = KeyNumber(2);
  life.Receive(group.MskMessage(6, "bmsc"));
  life.Receive(group.MtkMessage(1, {}));
  life.Used(1, group.Mki(1));
  life.Due();
  life.Receive(group.MskMessage(7, "bmsc", MtkId(2), MtkId(1)));
  for (const char* from : {"b", "c", "d", "e"}) life.Receive(group.MskMessage(1, from));
  life.Note(Step::kStart);
  life.Note(Step::kReceive);
  life.NoteSized(group.MskMessage(8, "bmsc"));
  life.Save(folder, "takes_messages");

  Recorder other;
  Bytes damaged = life.saved();
  other.Note(Step::kSaved);
  other.NoteSized(damaged);
  damaged.back() ^= 1;
  other.Note(Step::kSaved);
  other.NoteSized(damaged);
  other.Note(Step::kSaved);
  other.NoteSized({9, 9});
  other.Save(folder, "starts");
}

}  // namespace
}  // namespace keymast::receiver::library

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  using namespace keymast::receiver::library;
  const fs::path folder = fs::path(argv[1]) / "receiver_library_input";
  Joins(folder);
  IsRefused(folder);
  Reports(folder);
  Rekeys(folder);
  JoinsByDh(folder);
  JoinsByCertificate(folder);
  FollowsACookie(folder);
  HearsNothing(folder);
  TakesMessages(folder);
  return 0;
}
