// SPDX-License-Identifier: Apache-2.0
#include "net/record.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "net/replay.h"
#include "tests/unit/net/sockets.h"

namespace keymast::net {
namespace {

using Direction = Recorder::Direction;

struct Told {
  Endpoint from;
  Endpoint to;
  Instant at;
  Bytes octets;
};

Instant AtNano(int64_t nanos) { return FromUnixNanos(1'800'000'000'000'000'000 + nanos); }

const std::vector<Told>& Samples() {
  static const std::vector<Told> samples = {
      {*ParseEndpoint("10.0.0.1:2269"), *ParseEndpoint("10.0.0.2:2271"), AtNano(1), Bytes(61, 7)},
      {*ParseEndpoint("127.0.0.1:40000"), *ParseEndpoint("239.255.42.1:5004"), AtNano(123456789),
       Numbered(0xffff, 1300)},
      {*ParseEndpoint("[2001:db8::1]:2269"), *ParseEndpoint("[2001:db8::2]:65535"), AtNano(999),
       Bytes(1, 0xff)},
      {*ParseEndpoint("[::1]:1"), *ParseEndpoint("[ff15::1]:2"), AtNano(1'000'000'000), {}},
      {*ParseEndpoint("10.0.0.1:1"), *ParseEndpoint("10.0.0.2:2"), AtNano(2), Bytes(9000, 0xa5)}};
  return samples;
}

class Record : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/record-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/file.pcapng";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Recorder> Open() {
    auto recorder = Recorder::Open(path_);
    EXPECT_TRUE(recorder.has_value()) << ErrorName(recorder.error());
    return recorder ? std::move(*recorder) : nullptr;
  }
  void WriteAll(Recorder& recorder, const std::vector<Told>& datagrams) {
    for (const Told& one : datagrams) {
      recorder.Write(Direction::kSent, one.from, one.to, one.octets, one.at);
    }
  }
  void Make(const std::vector<Told>& datagrams) { WriteAll(*Open(), datagrams); }

  Bytes File() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  void Put(ByteView octets) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << AsText(octets);
  }
  // Reads to the end and expects no error.
  std::vector<Told> Read() const {
    const Bytes file = File();
    RecordReader reader(file);
    std::vector<Told> all;
    for (;;) {
      const auto next = reader.Next();
      EXPECT_TRUE(next.has_value()) << ErrorName(next.error());
      if (!next || !*next) return all;
      const RecordedDatagram& one = **next;
      all.push_back({one.from, one.to, one.at, {one.octets.begin(), one.octets.end()}});
    }
  }
  static void ExpectSame(const std::vector<Told>& got, const std::vector<Told>& want) {
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < want.size(); ++i) {
      EXPECT_EQ(got[i].from, want[i].from);
      EXPECT_EQ(got[i].to, want[i].to);
      EXPECT_EQ(got[i].at, want[i].at);
      EXPECT_EQ(got[i].octets, want[i].octets);
    }
  }
  // What a shell command prints; nothing when it fails.
  static std::optional<std::string> Run(const std::string& command) {
    std::FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return std::nullopt;
    std::string text;
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
      text.push_back(static_cast<char>(c));
    }
    const int status = pclose(pipe);
    EXPECT_EQ(status, 0) << command << '\n' << text;
    return status == 0 ? std::optional(text) : std::nullopt;
  }
  static bool Have(const std::string& program) {
    return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
  }

  std::string folder_;
  std::string path_;
};

TEST_F(Record, ReadsBackAsItWasWritten) {
  Make(Samples());
  ExpectSame(Read(), Samples());
}

TEST_F(Record, EachStartAppends) {
  std::vector<Told> all = Samples();
  Make(Samples());
  Make({});
  Make(Samples());
  all.insert(all.end(), Samples().begin(), Samples().end());
  ExpectSame(Read(), all);
}

// A socket on all addresses does not know at which one a datagram came.
TEST_F(Record, AnEndpointWithoutAddressTakesTheFamilyOfTheOther) {
  const Endpoint ipv4 = *ParseEndpoint("10.0.0.1:5");
  const Endpoint ipv6 = *ParseEndpoint("[2001:db8::1]:5");
  {
    const auto recorder = Open();
    recorder->Write(Direction::kReceived, ipv4, Address("::", 7), Bytes(3), AtNano(0));
    recorder->Write(Direction::kSent, Address("0.0.0.0", 7), ipv6, Bytes(3), AtNano(0));
    EXPECT_EQ(recorder->lost(), 0u);
    EXPECT_FALSE(recorder->TakeFirstLoss());
    recorder->Write(Direction::kSent, ipv4, ipv6, Bytes(3), AtNano(0));
    EXPECT_EQ(recorder->lost(), 1u);
    EXPECT_TRUE(recorder->TakeFirstLoss());
    EXPECT_FALSE(recorder->TakeFirstLoss()) << "once";
  }
  ExpectSame(Read(), {{ipv4, Address("0.0.0.0", 7), AtNano(0), Bytes(3)},
                      {Address("::", 7), ipv6, AtNano(0), Bytes(3)}});
}

TEST_F(Record, WhatWasFlushedSurvivesAKill) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto recorder = Recorder::Open(path_);
    if (!recorder) _exit(1);
    WriteAll(**recorder, Samples());
    (*recorder)->Flush();
    WriteAll(**recorder, Samples());
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ExpectSame(Read(), Samples());
}

TEST_F(Record, ATailIsCutAtOpenWhereverTheKillCame) {
  const std::vector<Told> two(Samples().begin(), Samples().begin() + 1);
  Make(two);
  Make(two);
  const Bytes whole = File();
  for (size_t length = 0; length <= whole.size(); ++length) {
    const ByteView kept = ByteView(whole).first(length);
    Put(kept);
    const Result<size_t> end = RecordReader::WholeBlocks(kept);
    ASSERT_TRUE(end) << length;
    Put(kept.first(*end));
    std::vector<Told> want = Read();
    Put(kept);
    Make(Samples());
    const Bytes after = File();
    ASSERT_TRUE(Equal(ByteView(after).first(*end), kept.first(*end))) << length;
    want.insert(want.end(), Samples().begin(), Samples().end());
    ExpectSame(Read(), want);
  }
}

TEST_F(Record, ZerosThatALossOfPowerLeftAreCut) {
  Make(Samples());
  Bytes file = File();
  file.resize(file.size() + 4096);
  Put(file);
  Make({});
  ExpectSame(Read(), Samples());
}

TEST_F(Record, AnotherFileIsRefusedAndStaysAsItIs) {
  Make(Samples());
  Bytes damaged = File();
  damaged[28 + 4] ^= 0xff;  // the length of the second block
  for (const Bytes& octets : {Bytes{'n'}, Bytes(3, 0), Bytes(5000, 'x'), damaged}) {
    Put(octets);
    const auto recorder = Recorder::Open(path_);
    ASSERT_FALSE(recorder);
    EXPECT_EQ(recorder.error(), Error::kMalformed);
    EXPECT_EQ(File(), octets);
  }
}

TEST_F(Record, AFileHasOneWriter) {
  auto first = Open();
  const auto second = Recorder::Open(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), Error::kInUse);
  first.reset();
  EXPECT_TRUE(Recorder::Open(path_));
}

TEST_F(Record, WhatCannotBeWrittenFailsAtOpen) {
  for (const std::string& path : {folder_ + "/none/file", folder_}) {
    const auto recorder = Recorder::Open(path);
    ASSERT_FALSE(recorder) << path;
    EXPECT_EQ(recorder.error(), Error::kIo);
  }
}

// Exit is what `body` ends a process of its own with, in which files may be limited in size.
template <class Body>
int Exit(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    _exit(body());
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool LimitFiles(rlim_t octets) {
  const rlimit limit{octets, RLIM_INFINITY};
  return setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

// A disk that takes part of what is handed over: the part goes, later datagrams stand.
TEST_F(Record, AFullDiskLosesDatagramsAndNothingElse) {
  EXPECT_EQ(0, Exit([&] {
              auto recorder = Recorder::Open(path_);
              if (!recorder) return 1;
              WriteAll(**recorder, Samples());
              (*recorder)->Flush();
              if (!LimitFiles(std::filesystem::file_size(path_) + 150)) return 2;
              WriteAll(**recorder, Samples());
              (*recorder)->Flush();
              WriteAll(**recorder, {Samples()[2]});  // little enough to fit
              (*recorder)->Flush();
              return (*recorder)->lost() == Samples().size() ? 0 : 3;
            }));
  std::vector<Told> want = Samples();
  want.push_back(Samples()[2]);
  ExpectSame(Read(), want);
}

TEST_F(Record, OnADiskThatIsFullAtOpenItBeginsWhenThereIsRoom) {
  Make(Samples());
  EXPECT_EQ(0, Exit([&] {
              if (!LimitFiles(std::filesystem::file_size(path_) + 10)) return 2;
              auto recorder = Recorder::Open(path_);
              if (!recorder) return 1;
              WriteAll(**recorder, {Samples()[3]});
              (*recorder)->Flush();
              if (!LimitFiles(RLIM_INFINITY)) return 2;
              WriteAll(**recorder, {Samples()[2]});
              (*recorder)->Flush();
              return (*recorder)->lost() == 1 ? 0 : 3;
            }));
  std::vector<Told> want = Samples();
  want.push_back(Samples()[2]);
  ExpectSame(Read(), want);

  auto recorder = Recorder::Open("/dev/full");
  ASSERT_TRUE(recorder);
  WriteAll(**recorder, Samples());
  (*recorder)->Flush();
  EXPECT_EQ((*recorder)->lost(), Samples().size());
}

TEST_F(Record, TheIndependentReaderAgrees) {
  if (!Have("python3")) GTEST_SKIP() << "python3 is not installed";
  Make(Samples());
  const auto text =
      Run("PYTHONDONTWRITEBYTECODE=1 PYTHONPATH='" KEYMAST_SOURCE_DIR
          "/tests/tools' python3 -c \"import sys\nfrom reuse import pcapng\n"
          "for d in pcapng.datagrams(open(sys.argv[1], 'rb').read()):\n"
          "  print(d.source[0], d.source[1], d.target[0], d.target[1], d.octets.hex())\" '" +
          path_ + "'");
  std::string want;
  for (const Told& one : Samples()) {
    want += AddressToString(one.from) + ' ' + std::to_string(one.from.port) + ' ' +
            AddressToString(one.to) + ' ' + std::to_string(one.to.port) + ' ' + ToHex(one.octets) +
            '\n';
  }
  EXPECT_EQ(text, want);
}

TEST_F(Record, WiresharkAgreesAndFindsNoFault) {
  if (!Have("tshark") || !Have("capinfos")) GTEST_SKIP() << "tshark is not installed";
  std::vector<Told> dissected;
  // Payloads without a dissector of their own, so that what it says is about our headers.
  for (Told one : Samples()) {
    one.from.port = 40'000;
    one.to.port = 40'001;
    dissected.push_back(one);
  }
  Make(dissected);
  Make({});
  const std::string tshark =
      "HOME='" + folder_ + "' tshark -n -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -r '" +
      path_ + "' ";
  const auto fields =
      Run(tshark +
          "-T fields -e frame.time_epoch -e ip.checksum.status -e udp.checksum.status "
          "-e udp.length -e frame.packet_flags_direction -e udp.payload 2>/dev/null");
  std::string want;
  for (const Told& one : dissected) {
    const int64_t nanos = ToUnixNanos(one.at);
    std::string fraction = std::to_string(nanos % 1'000'000'000);
    fraction.insert(0, 9 - fraction.size(), '0');
    want += std::to_string(nanos / 1'000'000'000) + '.' + fraction + '\t' +
            (one.from.family == Endpoint::Family::kIpv4 ? "1" : "") + "\t1\t" +
            std::to_string(one.octets.size() + 8) + "\t0x00000002\t" + ToHex(one.octets) + '\n';
  }
  EXPECT_EQ(fields, want);
  EXPECT_EQ(Run(tshark + "-Y '_ws.malformed || _ws.expert.severity >= 6291456' 2>/dev/null"), "");
  EXPECT_TRUE(Run("capinfos -c '" + path_ + "'"));
}

}  // namespace
}  // namespace keymast::net
