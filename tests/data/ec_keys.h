// SPDX-License-Identifier: Apache-2.0
// Test keys over P-256 and of Ed25519. TEST KEYS ONLY: everybody has them, they protect nothing.
#pragma once

#include <string_view>

namespace keymast::testdata {

inline constexpr std::string_view kP256Key = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgLUe/ijOnkFbtS2ll
vNa9zv5vJpbbIauF/6TK1xmYnz6hRANCAASwa2AsZvUM9yHuVmdw7uPRNKs6tb+W
Pm8WKVpQddVzDhPfoqgXoM9yX0pQBpLlg0/wsd3LJD8m8l/1oCymAn4+
-----END PRIVATE KEY-----
)";

// The same key in SEC 1.
inline constexpr std::string_view kP256KeySec1 = R"(-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIC1Hv4ozp5BW7UtpZbzWvc7+byaW2yGrhf+kytcZmJ8+oAoGCCqGSM49
AwEHoUQDQgAEsGtgLGb1DPch7lZncO7j0TSrOrW/lj5vFilaUHXVcw4T36KoF6DP
cl9KUAaS5YNP8LHdyyQ/JvJf9aAspgJ+Pg==
-----END EC PRIVATE KEY-----
)";

inline constexpr std::string_view kOtherP256Key = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTUjM6/LCcN+gOAgd
Jdgf6sZa5hjuTx2R+dIs60O+rlehRANCAARU8h6gp+Ta6A0Nl190OM+0w3SL8EVd
WRPTp43ZWmz3MZLFtJhNIPBcsS+FrXtnnymRAvT4+Wqqi1VIBY5vlC9O
-----END PRIVATE KEY-----
)";

inline constexpr std::string_view kEd25519Key = R"(-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAf1/jxvAPn9IbR5tuObfuACf8//HjsemVp9nN+RjMlo
-----END PRIVATE KEY-----
)";

inline constexpr std::string_view kOtherEd25519Key = R"(-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIMbap6+GDFw2pVftk2WHZYhqjsMaMwkjYVe4Asv+mQQR
-----END PRIVATE KEY-----
)";

}  // namespace keymast::testdata
