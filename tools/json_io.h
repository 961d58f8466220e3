// SPDX-License-Identifier: Apache-2.0
// The two directions between a payload's fields and JSON, in which its description runs as it does
// for octets (mikey/wire.h): so no second list of fields exists. A number is its name in the
// registry or a number, octets are hexadecimal.
#pragma once

#include <deque>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "mikey/wire.h"

namespace keymast::tools {

using Json = nlohmann::ordered_json;

// ToJsonIo puts each field into an object under its name.
class ToJsonIo {
 public:
  explicit ToJsonIo(Json& object) : object_(object) {}
  template <class T>
  void U8(const char* name, const T& field) {
    Put(name, field);
  }
  template <class T>
  void U16(const char* name, const T& field) {
    Put(name, field);
  }
  template <class T>
  void U32(const char* name, const T& field) {
    Put(name, field);
  }
  template <class High, class Low>
  void Split8(const char* high_name, const High& high, int, const char* low_name, const Low& low) {
    Put(high_name, high);
    Put(low_name, low);
  }
  template <class High>
  void SplitSized16(const char* high_name, const High& high, int, const char* name,
                    const ByteView& field) {
    Put(high_name, high);
    PutOctets(name, field);
  }
  void Octets(const char* name, const ByteView& field, size_t) { PutOctets(name, field); }
  void Sized8(const char* name, const ByteView& field) { PutOctets(name, field); }
  void Sized16(const char* name, const ByteView& field) { PutOctets(name, field); }
  void Rest(const char* name, const ByteView& field) { PutOctets(name, field); }
  void Refuse(Error) {}
  void Require(bool, Error) {}
  bool ok() const { return true; }

 private:
  template <class T>
  void Put(const char* name, const T& field) {
    const auto number = static_cast<uint64_t>(field);
    const mikey::CodePoint* point = mikey::FindCodePoint(mikey::CodePointsOf<T>(), number);
    object_[name] = point == nullptr ? Json(number) : Json(point->name);
  }
  void PutOctets(const char* name, ByteView octets) { object_[name] = ToHex(octets); }
  Json& object_;
};

// ReadNumber reads a number, `0x` and hexadecimal digits, true and false, or a name of `registry`.
std::optional<uint64_t> ReadNumber(const Json& value, std::span<const mikey::CodePoint> registry);

// ReadOctets reads hexadecimal digits, `{"text": …}`, or a number that fills `length` octets.
std::optional<Bytes> ReadOctets(const Json& value, std::optional<size_t> length);

// FromJsonIo fills fields from an object. A number that is not there stays as it is, octets of any
// length are empty then; octets whose length is known must be there, unless they are to be computed
// (`computed`): then they are zeros. Octets live as long as `arena`.
class FromJsonIo {
 public:
  FromJsonIo(const Json& object, std::deque<Bytes>& arena, bool computed = false)
      : object_(object), arena_(arena), computed_(computed) {}

  template <class T>
  void U8(const char* name, T& field) {
    Number(name, field, 0xff);
  }
  template <class T>
  void U16(const char* name, T& field) {
    Number(name, field, 0xffff);
  }
  template <class T>
  void U32(const char* name, T& field) {
    Number(name, field, 0xffffffff);
  }
  template <class High, class Low>
  void Split8(const char* high_name, High& high, int bits, const char* low_name, Low& low) {
    Number(high_name, high, (1u << bits) - 1);
    Number(low_name, low, (1u << (8 - bits)) - 1);
  }
  template <class High>
  void SplitSized16(const char* high_name, High& high, int bits, const char* name,
                    ByteView& field) {
    Number(high_name, high, (1u << bits) - 1);
    Sized(name, field, (1u << (16 - bits)) - 1);
  }
  void Octets(const char* name, ByteView& field, size_t length);
  void Sized8(const char* name, ByteView& field) { Sized(name, field, 0xff); }
  void Sized16(const char* name, ByteView& field) { Sized(name, field, 0xffff); }
  void Rest(const char* name, ByteView& field) { Sized(name, field, mikey::kMaxMessage); }
  void Refuse(Error error) {
    Problem(std::string(ErrorName(error)) + ": only `body` or `patch` puts that there");
  }
  void Require(bool valid, Error error) {
    if (!valid) Refuse(error);
  }
  bool ok() const { return problem_.empty(); }

  // Known names a member that is not a field.
  void Known(const char* name) { known_.insert(name); }
  // Finish says what is wrong: a value, or a member that nothing asked for; empty when all is well.
  std::string Finish() const;

 private:
  template <class T>
  void Number(const char* name, T& field, uint64_t most) {
    known_.insert(name);
    if (!object_.contains(name)) return;
    const auto number = ReadNumber(object_[name], mikey::CodePointsOf<T>());
    if (number && *number <= most) {
      field = static_cast<T>(*number);
    } else {
      Problem(std::string(name) + ": no number of at most " + std::to_string(most) +
              ", and no name of its registry");
    }
  }
  void Sized(const char* name, ByteView& field, size_t most);
  void Problem(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

  const Json& object_;
  std::deque<Bytes>& arena_;
  bool computed_;
  std::set<std::string> known_;
  std::string problem_;
};

}  // namespace keymast::tools
