// SPDX-License-Identifier: Apache-2.0
// Values in words. What comes from the wire is spelled in printable ASCII only, so that no control
// sequence ever reaches a terminal.
#pragma once

#include <string>
#include <string_view>

#include "mikey/dump.h"

namespace keymast::tools {

// Quoted is a text in quotation marks; anything but printable ASCII becomes \xHH.
std::string Quoted(ByteView octets);

// Harmless is UTF-8 of ours in which texts from outside may be quoted: control characters, those of
// C1 too, become \xHH.
std::string Harmless(std::string_view text);

// SpellTime tells a time: NTP as UTC (RFC 5905 §6; with the top bit clear it is era 1, from 2036
// on), a COUNTER as number. Empty when the octets are not of that type's length.
std::string SpellTime(mikey::TsType type, ByteView value);

// SpellOctets tells octets that are text (an `id` of printable characters, any longer field of
// nothing else) or a number (a parameter's value, the ends of an interval). Otherwise empty.
std::string SpellOctets(std::string_view field, ByteView octets);

// SpellNumber tells a number: what 4 octets hold also in hexadecimal, as identifiers are written.
std::string SpellNumber(const mikey::Field& field);

// SpellPlace tells where a field is: `12-15`, `3 (1 bit)`.
std::string SpellPlace(size_t offset, size_t length, unsigned bits);

}  // namespace keymast::tools
