// SPDX-License-Identifier: Apache-2.0
// GStreamer's gstmikey reads what we write and writes it back, and makes the same messages by its
// own API. It never returns from a message with ID, CERT, SIGN, DH, V, ERR, General Ext or IDR:
// nothing of that kind is given to it, and it runs as a program of its own.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>

#include "demo/process.h"
#include "mikey/key_data.h"
#include "tests/interop/mikey_messages.h"
#include "tests/unit/mikey/sample.h"
#include "tests/unit/mikey/sample_io.h"

namespace keymast::mikey {
namespace {

using Lines = std::vector<std::string>;

constexpr std::chrono::milliseconds kPatience(5000);  // for each answer
constexpr size_t kMaxKeys = 32;

// Asked runs a program that answers each line by one line; it is killed when an answer does not
// come.
Lines Asked(const std::string& program, const Lines& requests,
            std::chrono::milliseconds patience = kPatience) {
  const std::string path = testing::TempDir() + "gstmikey" + std::to_string(getpid());
  std::ofstream file(path);
  for (const std::string& request : requests) file << request << "\n";
  file.close();
  const int in = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  auto process = demo::Process::Start({program}, path + ".log", in);
  close(in);
  Lines answers;
  while (process && process->fd() >= 0 && answers.size() < requests.size()) {
    pollfd ready{process->fd(), POLLIN, 0};
    if (poll(&ready, 1, static_cast<int>(patience.count())) == 0) break;
    for (std::string& line : process->TakeLines()) answers.push_back(std::move(line));
  }
  if (process) process->Stop(SIGKILL, Duration(0));
  for (const std::string& name : {path, path + ".log"}) std::remove(name.c_str());
  return answers;
}

// AnswersTo asks gstmikey. Fewer answers than requests are a failure.
Lines AnswersTo(const Lines& requests) {
  Lines answers = Asked(KEYMAST_GSTMIKEY_PROBE, requests);
  if (answers.size() < requests.size()) {
    ADD_FAILURE() << "gstmikey died or gave no answer in " << kPatience.count() << " ms to request "
                  << answers.size() << " of " << requests.size() << ": "
                  << requests[answers.size()];
    answers.resize(requests.size());
  }
  return answers;
}

// IsWhole is false for a key that gstmikey would lose a part of.
bool IsWhole(const KeyDataPayload& key) {
  const KeyValidity& kv = key.kv;
  const bool has_salt = !HasSalt(key.type) || !key.salt.empty();
  const bool has_kv =
      kv.type == KvType::kNull || !kv.spi.empty() || (!kv.from.empty() && !kv.to.empty());
  return key.type <= KeyDataType::kTekSalt && !key.key.empty() && has_salt && has_kv;
}

bool IsTaken(const TPayload& t) { return t.ts_type <= TsType::kCounter; }
bool IsTaken(const RandPayload& rand) { return !rand.rand.empty(); }
bool IsTaken(const SpPayload&) { return true; }
bool IsTaken(const KemacPayload& kemac) {
  std::array<KeyDataPayload, kMaxKeys> keys;
  const auto count = ParseKeyData(kemac.encr_data, keys);
  return kemac.encr_alg == EncrAlg::kNull && kemac.mac_alg == MacAlg::kNull && count &&
         std::all_of(keys.begin(), keys.begin() + static_cast<ptrdiff_t>(*count), IsWhole);
}
template <class P>
bool IsTaken(const P&) {
  return false;
}

// MayBeGiven is false for all that gstmikey cannot take.
bool MayBeGiven(const Bytes& octets) {
  Message message;
  if (!ParseMessage(octets, message)) return false;
  const Header& header = message.header;
  return header.data_type == DataType::kPskInit && header.map_type == CsIdMapType::kSrtpId &&
         std::all_of(message.chain().begin(), message.chain().end(), [](const Payload& payload) {
           return std::visit([](const auto& p) { return IsTaken(p); }, payload);
         });
}

// Fields spells a message for the probe's `make`.
class Fields {
 public:
  explicit Fields(const Message& message) {
    const Header& header = message.header;
    Put("hdr", header.data_type, header.v_flag, header.prf, header.csb_id);
    Reader reader(header.map);
    ReadIo io(reader);
    while (io.ok() && !reader.empty()) {
      SrtpIdEntry entry;
      SrtpIdEntry::Describe(io, entry);
      Put("cs", entry.policy, entry.ssrc, entry.roc);
    }
    for (const Payload& payload : message.chain()) {
      std::visit([this](const auto& p) { Spell(p); }, payload);
    }
  }
  std::string text() const { return "make" + text_.str(); }

 private:
  template <class... Values>
  void Put(const char* name, const Values&... values) {
    text_ << " " << name;
    (PutOne(values), ...);
  }
  template <class T>
  void PutOne(const T& value) {
    if constexpr (std::is_same_v<T, ByteView>) {
      text_ << ":" << ToHex(value);
    } else {
      text_ << ":" << static_cast<uint64_t>(value);
    }
  }

  void Spell(const TPayload& t) { Put("t", t.ts_type, t.value); }
  void Spell(const RandPayload& rand) { Put("rand", rand.rand); }
  void Spell(const SpPayload& sp) {
    Put("sp", sp.policy, sp.prot_type);
    Reader reader(sp.params);
    while (const auto param = NextParam(reader)) Put("param", param->type, param->value);
  }
  void Spell(const KemacPayload& kemac) {
    Put("kemac", kemac.encr_alg, kemac.mac_alg);
    std::array<KeyDataPayload, kMaxKeys> keys;
    const size_t count = ParseKeyData(kemac.encr_data, keys).value_or(0);
    for (size_t i = 0; i < count; ++i) Spell(keys[i]);
  }
  void Spell(const KeyDataPayload& key) {
    // Its type is TGK or TEK; a salt makes it the one with salt.
    const auto type = key.type < KeyDataType::kTek ? KeyDataType::kTgk : KeyDataType::kTek;
    Put("key", type, key.key, key.salt);
    if (key.kv.type == KvType::kSpi) Put("spi", key.kv.spi);
    if (key.kv.type == KvType::kInterval) Put("interval", key.kv.from, key.kv.to);
  }
  template <class P>
  void Spell(const P&) {
    ADD_FAILURE() << "gstmikey is given a payload that it cannot take";
  }

  std::ostringstream text_;
};

std::string FieldsOf(const Bytes& octets) {
  Message message;
  EXPECT_TRUE(ParseMessage(octets, message)) << ToHex(octets);
  return Fields(message).text();
}

// Random is a message with all that gstmikey can take, of a few payloads.
Bytes Random(std::mt19937_64& random) {
  std::deque<Bytes> arena;
  Header header;
  header.csb_id = static_cast<uint32_t>(random());
  header.v_flag = random() % 2 == 0;
  header.map_type = CsIdMapType::kSrtpId;
  header.cs_count = random() % 4;
  Bytes map(kSrtpIdEntry * header.cs_count);
  for (uint8_t& octet : map) octet = static_cast<uint8_t>(random());
  header.map = map;
  std::vector<KeyDataPayload> keys(random() % 5);
  for (KeyDataPayload& key : keys) key = Sample<KeyDataPayload>(random, arena);
  Bytes plain(3000);
  plain.resize(*WriteKeyData(keys, plain));
  Bytes out(8000);
  ChainWriter chain(out, header);
  chain.Add(Sample<TPayload>(random, arena));
  for (size_t i = random() % 3; i > 0; --i) chain.Add(Sample<SpPayload>(random, arena));
  chain.Add(Sample<RandPayload>(random, arena));
  chain.Add(KemacPayload{EncrAlg::kNull, plain, MacAlg::kNull, {}});
  EXPECT_TRUE(chain.ok());
  out.resize(chain.size());
  return out;
}

std::vector<Bytes> MessagesForGstreamer() {
  std::vector<Bytes> messages;
  for (SampleMessage& sample : SampleMessages()) {
    if (MayBeGiven(sample.octets)) messages.push_back(std::move(sample.octets));
  }
  EXPECT_GT(messages.size(), 15u);
  std::mt19937_64 random(7);
  for (size_t wanted = messages.size() + 200; messages.size() < wanted;) {
    Bytes octets = Random(random);
    if (MayBeGiven(octets)) messages.push_back(std::move(octets));
  }
  return messages;
}

TEST(Gstmikey, WritesBackWhatItReadOfOurs) {
  const std::vector<Bytes> messages = MessagesForGstreamer();
  Lines requests;
  for (const Bytes& message : messages) requests.push_back("read " + ToHex(message));
  const Lines answers = AnswersTo(requests);
  for (size_t i = 0; i < messages.size(); ++i) {
    EXPECT_EQ(answers[i], ToHex(messages[i])) << FieldsOf(messages[i]);
  }
}

// What it makes afresh from our values has our octets, and we read our values in it.
TEST(Gstmikey, MakesTheSameMessages) {
  const std::vector<Bytes> messages = MessagesForGstreamer();
  Lines requests;
  for (const Bytes& message : messages) requests.push_back(FieldsOf(message));
  const Lines answers = AnswersTo(requests);
  for (size_t i = 0; i < messages.size(); ++i) {
    EXPECT_EQ(answers[i], ToHex(messages[i])) << requests[i];
    const Bytes made = Hex(answers[i]);
    EXPECT_EQ(FieldsOf(made), requests[i]);
  }
}

struct Known {
  const char* what;
  std::string sent;
  std::string answer;
};

// What it does not give back as it was, or not at all; a better one would show here.
TEST(Gstmikey, LosesWhatWeKnowThatItLoses) {
  const std::string hdr = "0100050089abcdef0000";
  const std::string t = "00eeaf134c04e043a2";
  const std::string key = "001000112233445566778899aabbccddeeff";
  const std::string to_kemac = hdr + "01" + t + "000000";  // then the length of Encr data
  const Known known[] = {
      {"a key without octets is complained of", to_kemac + "040000000000",
       to_kemac + "040000000000 complained"},
      {"and makes a TEK a TGK", to_kemac + "040020000000", to_kemac + "040000000000 complained"},
      {"a salt without octets makes TEK+SALT a TEK", to_kemac + "160030" + key + "000000",
       to_kemac + "140020" + key + "00"},
      {"an SPI without octets makes KV Null", to_kemac + "150021" + key + "0000",
       to_kemac + "140020" + key + "00 complained"},
      {"octets behind the last payload", hdr + "00" + t + "0000", hdr + "00" + t},
      {"an empty map is kept", "0100050089abcdef0001" + std::string("00") + t,
       "0100050089abcdef0001" + std::string("00") + t},
      {"but not with a crypto session", "0100050089abcdef0101" + std::string("00") + t,
       "refused complained"},
      {"another version", "0200050089abcdef0000" + std::string("00") + t, "refused"},
      {"a prefix", hdr + "00" + t.substr(0, 8), "refused"},
  };
  Lines requests;
  for (const Known& one : known) requests.push_back("read " + one.sent);
  const Lines answers = AnswersTo(requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(answers[i], known[i].answer) << known[i].what;
  }
}

// It forgets the MAC that it read, and writes what its memory holds in its place.
TEST(Gstmikey, ForgetsAMac) {
  const KeyDataPayload key{KeyDataType::kTek, kMtk, {}, {}};
  Bytes plain(100);
  plain.resize(*WriteKeyData({&key, 1}, plain));
  Bytes out(200);
  ChainWriter chain(out, {});
  chain.Add(TPayload{TsType::kCounter, Hex("00000007")});
  chain.Add(KemacPayload{EncrAlg::kNull, plain, MacAlg::kHmacSha1_160, Bytes(20, 0x22)});
  out.resize(chain.size());
  EXPECT_FALSE(MayBeGiven(out));
  const std::string answer = AnswersTo({"read " + ToHex(out)})[0];
  ASSERT_EQ(answer.size(), 2 * out.size());
  EXPECT_EQ(answer.substr(0, answer.size() - 40), ToHex(out).substr(0, answer.size() - 40));
}

TEST(Gstmikey, IsKilledWhenItDoesNotAnswer) {
  EXPECT_EQ(Asked("cat", {"a", "b"}), (Lines{"a", "b"}));
  EXPECT_EQ(Asked("true", {"a"}), Lines());  // it dies
  EXPECT_EQ(Asked("sh", {"exec sleep 60"}, std::chrono::milliseconds(50)), Lines());
}

TEST(Gstmikey, IsNotGivenWhatItCannotTake) {
  const std::vector<SampleMessage> samples = SampleMessages();
  EXPECT_GT(std::count_if(samples.begin(), samples.end(),
                          [](const SampleMessage& sample) { return !MayBeGiven(sample.octets); }),
            100);
  EXPECT_FALSE(MayBeGiven(MskOctets()));
  EXPECT_FALSE(MayBeGiven(MtkOctets()));
}

}  // namespace
}  // namespace keymast::mikey
