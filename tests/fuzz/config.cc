// SPDX-License-Identifier: Apache-2.0
// A configuration text: read or refused, and every getter answers whatever the text holds.
#include <array>

#include "shell/config.h"
#include "shell/config_fields.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto file =
      keymast::shell::ConfigFile::Parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!file) return 0;
  file->String("identity", "");
  file->Integer("port", 1, 1, 65535);
  file->Boolean("profile.strict_seqs", false);
  file->DurationOf("lead", std::chrono::seconds(1));
  file->Strings("names");
  file->Table("profile");
  for (size_t i = 0; i < file->Tables("rules"); ++i) {
    file->String("rules[" + std::to_string(i) + "].name", "");
  }
  int code = 0;
  bool flag = false;
  keymast::shell::ConfigFields fields(*file);
  fields.OneOf("profile.msk_key_type", code,
               std::array<std::pair<std::string_view, int>, 2>{{{"tgk", 1}, {"tek", 2}}});
  fields.Flag("profile.flag", flag);
  fields.Number("profile.number", code, 1, 6);
  file->Path("record", "", 8);
  file->Refuse("port", "is refused");
  file->Refuse("nothing", "is missing");
  file->Finish().has_value();
  return 0;
}
