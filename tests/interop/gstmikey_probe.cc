// SPDX-License-Identifier: Apache-2.0
// GStreamer's gstmikey as a program of its own, since its parser never returns from some messages.
// One request a line, answered by one line: hexadecimal octets, or why there are none.
//   read HEX       parse a message and write it back
//   make FIELD...  make a message by its API; fields are words, in the order of the message:
//     hdr:TYPE:V:PRF:CSB cs:POLICY:SSRC:ROC t:TYPE:HEX rand:HEX sp:POLICY:PROTOCOL param:TYPE:HEX
//     kemac:ENCR:MAC key:TYPE:HEX:SALT spi:HEX interval:HEX:HEX
// Numbers are decimal. param follows sp; key follows kemac; spi or interval follows its key.
#include <gst/sdp/gstmikey.h>

#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "base/bytes.h"

namespace keymast::interop {
namespace {

size_t complaints = 0;

void CountComplaint(const gchar*, GLogLevelFlags, const gchar*, gpointer) { ++complaints; }

// Message and payload are freed when they leave their scope.
using Message = std::unique_ptr<GstMIKEYMessage, void (*)(GstMIKEYMessage*)>;

// Words are the parts of one field between its colons.
class Words {
 public:
  explicit Words(const std::string& field) {
    std::istringstream text(field);
    for (std::string word; std::getline(text, word, ':');) words_.push_back(word);
    words_.resize(8);
  }
  const std::string& name() const { return words_[0]; }
  unsigned Number(size_t index) const { return static_cast<unsigned>(std::stoul(words_[index])); }
  template <class E>
  E As(size_t index) const {
    return static_cast<E>(Number(index));
  }
  Bytes Octets(size_t index) const {
    Bytes octets;
    octets.reserve(1);  // GStreamer takes no null pointer to no octets
    if (!FromHex(words_[index], octets)) throw std::invalid_argument(words_[index]);
    return octets;
  }

 private:
  std::vector<std::string> words_;
};

// Maker makes one message from its fields.
class Maker {
 public:
  Maker() : message_(gst_mikey_message_new(), gst_mikey_message_unref) {}

  void Add(const Words& field) {
    const std::string& name = field.name();
    if (name == "hdr") return SetInfo(field);
    if (name == "cs") return AddCs(field);
    if (name == "t") return AddT(field);
    if (name == "rand") return AddRand(field);
    if (name == "sp") return AddSp(field);
    if (name == "param") return AddParam(field);
    if (name == "kemac") return AddKemac(field);
    if (name == "key") return AddKey(field);
    if (name == "spi") return SetSpi(field);
    if (name == "interval") return SetInterval(field);
    throw std::invalid_argument(name);
  }
  GstMIKEYMessage* message() { return message_.get(); }

 private:
  static void Check(gboolean done) {
    if (done == 0) throw std::runtime_error("refused");
  }

  void SetInfo(const Words& w) {
    Check(gst_mikey_message_set_info(message(), GST_MIKEY_VERSION, w.As<GstMIKEYType>(1),
                                     w.As<gboolean>(2), w.As<GstMIKEYPRFFunc>(3), w.Number(4),
                                     GST_MIKEY_MAP_TYPE_SRTP));
  }
  void AddCs(const Words& w) {
    Check(gst_mikey_message_add_cs_srtp(message(), w.As<guint8>(1), w.Number(2), w.Number(3)));
  }
  void AddT(const Words& w) {
    Check(gst_mikey_message_add_t(message(), w.As<GstMIKEYTSType>(1), w.Octets(2).data()));
  }
  void AddRand(const Words& w) {
    const Bytes rand = w.Octets(1);
    Check(gst_mikey_message_add_rand(message(), static_cast<guint8>(rand.size()), rand.data()));
  }

  // New adds a payload to the message, which owns it from then on.
  GstMIKEYPayload* New(GstMIKEYPayloadType type) {
    GstMIKEYPayload* payload = gst_mikey_payload_new(type);
    Check(gst_mikey_message_add_payload(message(), payload));
    return payload;
  }
  void AddSp(const Words& w) {
    payload_ = New(GST_MIKEY_PT_SP);
    Check(gst_mikey_payload_sp_set(payload_, w.Number(1), w.As<GstMIKEYSecProto>(2)));
  }
  void AddParam(const Words& w) {
    const Bytes value = w.Octets(2);
    Check(gst_mikey_payload_sp_add_param(payload_, w.As<guint8>(1),
                                         static_cast<guint8>(value.size()), value.data()));
  }
  void AddKemac(const Words& w) {
    payload_ = New(GST_MIKEY_PT_KEMAC);
    Check(gst_mikey_payload_kemac_set(payload_, w.As<GstMIKEYEncAlg>(1), w.As<GstMIKEYMacAlg>(2)));
  }
  void AddKey(const Words& w) {
    const Bytes key = w.Octets(2);
    const Bytes salt = w.Octets(3);
    key_ = gst_mikey_payload_new(GST_MIKEY_PT_KEY_DATA);
    Check(gst_mikey_payload_key_data_set_key(key_, w.As<GstMIKEYKeyDataType>(1),
                                             static_cast<guint16>(key.size()), key.data()));
    if (!salt.empty()) {
      Check(gst_mikey_payload_key_data_set_salt(key_, static_cast<guint16>(salt.size()),
                                                salt.data()));
    }
    Check(gst_mikey_payload_kemac_add_sub(payload_, key_));
  }
  void SetSpi(const Words& w) {
    const Bytes spi = w.Octets(1);
    Check(gst_mikey_payload_key_data_set_spi(key_, static_cast<guint8>(spi.size()), spi.data()));
  }
  void SetInterval(const Words& w) {
    const Bytes from = w.Octets(1);
    const Bytes to = w.Octets(2);
    Check(gst_mikey_payload_key_data_set_interval(key_, static_cast<guint8>(from.size()),
                                                  from.data(), static_cast<guint8>(to.size()),
                                                  to.data()));
  }

  Message message_;
  GstMIKEYPayload* payload_ = nullptr;  // of the message
  GstMIKEYPayload* key_ = nullptr;      // of the KEMAC
};

std::string Written(GstMIKEYMessage* message) {
  if (message == nullptr) return "refused";
  GBytes* bytes = gst_mikey_message_to_bytes(message, nullptr, nullptr);
  if (bytes == nullptr) return "unwritable";
  gsize size = 0;
  const auto* data = static_cast<const uint8_t*>(g_bytes_get_data(bytes, &size));
  const std::string hex = ToHex({data, size});
  g_bytes_unref(bytes);
  return hex;
}

std::string Read(const std::string& hex) {
  Bytes octets;
  if (!FromHex(hex, octets)) return "no hexadecimal";
  const Message message(
      gst_mikey_message_new_from_data(octets.data(), octets.size(), nullptr, nullptr),
      [](GstMIKEYMessage* m) {
        if (m != nullptr) gst_mikey_message_unref(m);
      });
  return Written(message.get());
}

std::string Make(std::istringstream& fields) {
  Maker maker;
  for (std::string field; fields >> field;) maker.Add(Words(field));
  return Written(maker.message());
}

std::string Answer(const std::string& line) {
  std::istringstream words(line);
  std::string verb;
  std::string hex;
  words >> verb;
  if (verb == "read" && words >> hex) return Read(hex);
  if (verb == "make") return Make(words);
  return "what is " + verb + "?";
}

int Main() {
  g_log_set_default_handler(CountComplaint, nullptr);
  gst_init(nullptr, nullptr);
  for (std::string line; std::getline(std::cin, line);) {
    complaints = 0;
    std::string answer;
    try {
      answer = Answer(line);
    } catch (const std::exception& error) {
      answer = std::string("error ") + error.what();
    }
    std::cout << answer << (complaints == 0 ? "" : " complained") << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace keymast::interop

int main() { return keymast::interop::Main(); }
