// SPDX-License-Identifier: Apache-2.0
// The code points of MIKEY, each described once: enumerator, number, name as IANA has it, source.
// Enumerations and tables of names both come from these lists. A field may hold a number that no
// list has: it is kept as it came.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace keymast::mikey {

// CodePoint is one line of a registry.
struct CodePoint {
  uint8_t value;
  std::string_view name;
  std::string_view source;
};

// CodePointsOf lists the registry of an enumeration; empty for a type that has none.
template <class E>
constexpr std::span<const CodePoint> CodePointsOf() {
  return {};
}

// IsOfVersion1 is true for what RFC 3830 and its extensions registered. The numbers of version 2
// (docs/mikeyv2.md) come from private ranges and, where there is none, from unassigned ones.
constexpr bool IsOfVersion1(const CodePoint& point) { return !point.source.starts_with("MIKEYv2"); }

// FindCodePoint is null for an unassigned number.
constexpr const CodePoint* FindCodePoint(std::span<const CodePoint> registry, uint64_t value) {
  for (const CodePoint& point : registry) {
    if (point.value == value) return &point;
  }
  return nullptr;
}

// NameOf is empty for an unassigned number.
template <class E>
constexpr std::string_view NameOf(E value) {
  const CodePoint* point = FindCodePoint(CodePointsOf<E>(), static_cast<uint64_t>(value));
  return point == nullptr ? std::string_view{} : point->name;
}

#define KEYMAST_CODE_POINT_ENUMERATOR(id, value, name, source) id = value,
#define KEYMAST_CODE_POINT_LINE(id, value, name, source) {value, name, source},
#define KEYMAST_CODE_POINTS(Enum, LIST)                                             \
  enum class Enum : uint8_t { LIST(KEYMAST_CODE_POINT_ENUMERATOR) };                \
  inline constexpr CodePoint k##Enum##Registry[] = {LIST(KEYMAST_CODE_POINT_LINE)}; \
  template <>                                                                       \
  constexpr std::span<const CodePoint> CodePointsOf<Enum>() {                       \
    return k##Enum##Registry;                                                       \
  }

#define KEYMAST_DATA_TYPES(X)                                   \
  X(kPskInit, 0, "Pre-shared", "RFC 3830 §6.1")                 \
  X(kPskVerification, 1, "PSK ver msg", "RFC 3830 §6.1")        \
  X(kPkInit, 2, "Public key", "RFC 3830 §6.1")                  \
  X(kPkVerification, 3, "PK ver msg", "RFC 3830 §6.1")          \
  X(kDhInit, 4, "D-H init", "RFC 3830 §6.1")                    \
  X(kDhResp, 5, "D-H resp", "RFC 3830 §6.1")                    \
  X(kError, 6, "Error", "RFC 3830 §6.1")                        \
  X(kDhhmacInit, 7, "DHHMAC init", "RFC 4650 §4.1")             \
  X(kDhhmacResp, 8, "DHHMAC resp", "RFC 4650 §4.1")             \
  X(kRsarInit, 9, "RSA-R I_MSG", "RFC 4738 §3.9.1")             \
  X(kRsarResp, 10, "RSA-R R_MSG", "RFC 4738 §3.9.1")            \
  X(kRequestInitPsk, 11, "REQUEST_INIT_PSK", "RFC 6043 §6.1")   \
  X(kRequestInitPk, 12, "REQUEST_INIT_PK", "RFC 6043 §6.1")     \
  X(kRequestResp, 13, "REQUEST_RESP", "RFC 6043 §6.1")          \
  X(kTransferInit, 14, "TRANSFER_INIT", "RFC 6043 §6.1")        \
  X(kTransferResp, 15, "TRANSFER_RESP", "RFC 6043 §6.1")        \
  X(kResolveInitPsk, 16, "RESOLVE_INIT_PSK", "RFC 6043 §6.1")   \
  X(kResolveInitPk, 17, "RESOLVE_INIT_PK", "RFC 6043 §6.1")     \
  X(kResolveResp, 18, "RESOLVE_RESP", "RFC 6043 §6.1")          \
  X(kRequestKeyInitPsk, 19, "REQUEST_KEY_PSK", "RFC 6267 §6.1") \
  X(kRequestKeyInitPk, 20, "REQUEST_KEY_PKE", "RFC 6267 §6.1")  \
  X(kRequestKeyResp, 21, "REQUEST_KEY_RESP", "RFC 6267 §6.1")   \
  X(kIbakeI1, 22, "IBAKE I_MSG_1", "RFC 6267 §6.1")             \
  X(kIbakeR1, 23, "IBAKE R_MSG_1", "RFC 6267 §6.1")             \
  X(kIbakeI2, 24, "IBAKE I_MSG_2", "RFC 6267 §6.1")             \
  X(kIbakeR2, 25, "IBAKE R_MSG_2", "RFC 6267 §6.1")             \
  X(kSakke, 26, "SAKKE msg", "RFC 6509 §4.1")                   \
  X(kCap, 241, "CAP", "MIKEYv2 §3.1")                           \
  X(kPskResp, 242, "PSK_RESP", "MIKEYv2 §3.1")                  \
  X(kPskFin, 243, "PSK_FIN", "MIKEYv2 §3.1")                    \
  X(kRsaResp, 244, "RSA_RESP", "MIKEYv2 §3.1")                  \
  X(kRsaFin, 245, "RSA_FIN", "MIKEYv2 §3.1")                    \
  X(kDhRespV2, 246, "DH_RESP", "MIKEYv2 §3.1")                  \
  X(kDhFin, 247, "DH_FIN", "MIKEYv2 §3.1")                      \
  X(kDhhmacRespV2, 248, "DHHMAC_RESP", "MIKEYv2 §3.1")          \
  X(kDhhmacFin, 249, "DHHMAC_FIN", "MIKEYv2 §3.1")              \
  X(kRetry, 250, "RETRY", "MIKEYv2 §3.1")                       \
  X(kFragment, 251, "FRAGMENT", "MIKEYv2 §3.1")                 \
  X(kKeys, 252, "KEYS", "MIKEYv2 §3.1")                         \
  X(kGroupRekey, 253, "GROUP_REKEY", "MIKEYv2 §3.1")            \
  X(kReport, 254, "REPORT", "MIKEYv2 §3.1")
KEYMAST_CODE_POINTS(DataType, KEYMAST_DATA_TYPES)

// PayloadType is the value of `next payload`.
#define KEYMAST_PAYLOAD_TYPES(X)                \
  X(kLast, 0, "Last payload", "RFC 3830 §6.1")  \
  X(kKemac, 1, "KEMAC", "RFC 3830 §6.2")        \
  X(kPke, 2, "PKE", "RFC 3830 §6.3")            \
  X(kDh, 3, "DH", "RFC 3830 §6.4")              \
  X(kSign, 4, "SIGN", "RFC 3830 §6.5")          \
  X(kT, 5, "T", "RFC 3830 §6.6")                \
  X(kId, 6, "ID", "RFC 3830 §6.7")              \
  X(kCert, 7, "CERT", "RFC 3830 §6.7")          \
  X(kChash, 8, "CHASH", "RFC 3830 §6.8")        \
  X(kV, 9, "V", "RFC 3830 §6.9")                \
  X(kSp, 10, "SP", "RFC 3830 §6.10")            \
  X(kRand, 11, "RAND", "RFC 3830 §6.11")        \
  X(kErr, 12, "ERR", "RFC 3830 §6.12")          \
  X(kTr, 13, "TR", "RFC 6043 §6.4")             \
  X(kIdr, 14, "IDR", "RFC 6043 §6.6")           \
  X(kRandr, 15, "RANDR", "RFC 6043 §6.8")       \
  X(kTp, 16, "TP", "RFC 6043 §6.10")            \
  X(kTicket, 17, "TICKET", "RFC 6043 §6.10")    \
  X(kKeyData, 20, "Key data", "RFC 3830 §6.13") \
  X(kExt, 21, "General Ext", "RFC 3830 §6.15")  \
  X(kIbake, 22, "IBAKE", "RFC 6267 §6")         \
  X(kEsk, 23, "ESK", "RFC 6267 §6")             \
  X(kSk, 24, "SK", "RFC 6267 §6")               \
  X(kEccpt, 25, "ECCPT", "RFC 6267 §6")         \
  X(kSakke, 26, "SAKKE", "RFC 6509 §4.2")       \
  X(kCap, 241, "CAP", "MIKEYv2 §3.3")           \
  X(kPadding, 242, "PADDING", "MIKEYv2 §3.2")   \
  X(kFragment, 243, "FRAGMENT", "MIKEYv2 §3.6")
KEYMAST_CODE_POINTS(PayloadType, KEYMAST_PAYLOAD_TYPES)

#define KEYMAST_PRF_FUNCS(X)                  \
  X(kMikey1, 0, "MIKEY-1", "RFC 3830 §4.1.2") \
  X(kHmacSha256, 1, "PRF-HMAC-SHA-256", "RFC 6043 §6.1")
KEYMAST_CODE_POINTS(PrfFunc, KEYMAST_PRF_FUNCS)

#define KEYMAST_CS_ID_MAP_TYPES(X)            \
  X(kSrtpId, 0, "SRTP-ID", "RFC 3830 §6.1.1") \
  X(kEmpty, 1, "Empty map", "RFC 4563 §5")    \
  X(kGenericId, 2, "GENERIC-ID", "RFC 6043 §6.1.1")
KEYMAST_CODE_POINTS(CsIdMapType, KEYMAST_CS_ID_MAP_TYPES)

// AES-KW-128 has a number and no padding rule that would fit key data: named, never used.
#define KEYMAST_ENCR_ALGS(X)                       \
  X(kNull, 0, "NULL", "RFC 3830 §4.2.3")           \
  X(kAesCm128, 1, "AES-CM-128", "RFC 3830 §4.2.3") \
  X(kAesKw128, 2, "AES-KW-128", "RFC 3830 §4.2.3") \
  X(kAesCm256, 3, "AES-CM-256", "RFC 6043 §6.2")   \
  X(kAesKwp256, 241, "AES-KWP-256", "MIKEYv2 §3.3")
KEYMAST_CODE_POINTS(EncrAlg, KEYMAST_ENCR_ALGS)

#define KEYMAST_MAC_ALGS(X)                                \
  X(kNull, 0, "NULL", "RFC 3830 §4.2.4")                   \
  X(kHmacSha1_160, 1, "HMAC-SHA-1-160", "RFC 3830 §4.2.4") \
  X(kHmacSha256_256, 2, "HMAC-SHA-256-256", "RFC 6043 §6.2")
KEYMAST_CODE_POINTS(MacAlg, KEYMAST_MAC_ALGS)

#define KEYMAST_CACHES(X)                  \
  X(kNone, 0, "No cache", "RFC 3830 §6.3") \
  X(kCache, 1, "Cache", "RFC 3830 §6.3")   \
  X(kForCsb, 2, "Cache for CSB", "RFC 3830 §6.3")
KEYMAST_CODE_POINTS(Cache, KEYMAST_CACHES)

#define KEYMAST_DH_GROUPS(X)                      \
  X(kOakley5, 0, "OAKLEY 5", "RFC 3830 §6.4")     \
  X(kOakley1, 1, "OAKLEY 1", "RFC 3830 §6.4")     \
  X(kOakley2, 2, "OAKLEY 2", "RFC 3830 §6.4")     \
  X(kSecp256r1, 241, "secp256r1", "MIKEYv2 §3.3") \
  X(kX25519, 242, "x25519", "MIKEYv2 §3.3")
KEYMAST_CODE_POINTS(DhGroup, KEYMAST_DH_GROUPS)

#define KEYMAST_SIGNATURE_TYPES(X)                   \
  X(kRsaPkcs1, 0, "RSA/PKCS#1/1.5", "RFC 3830 §6.5") \
  X(kRsaPss, 1, "RSA/PSS", "RFC 3830 §6.5")          \
  X(kEccsi, 2, "ECCSI", "RFC 6509 §4.3")             \
  X(kEcdsaP256, 14, "ECDSA P-256", "MIKEYv2 §3.3")   \
  X(kEd25519, 15, "Ed25519", "MIKEYv2 §3.3")
KEYMAST_CODE_POINTS(SignatureType, KEYMAST_SIGNATURE_TYPES)

#define KEYMAST_TS_TYPES(X)                  \
  X(kNtpUtc, 0, "NTP-UTC", "RFC 3830 §6.6")  \
  X(kNtp, 1, "NTP", "RFC 3830 §6.6")         \
  X(kCounter, 2, "COUNTER", "RFC 3830 §6.6") \
  X(kNtpUtc32, 3, "NTP-UTC-32", "RFC 6043 §6.3")
KEYMAST_CODE_POINTS(TsType, KEYMAST_TS_TYPES)

#define KEYMAST_ID_TYPES(X)          \
  X(kNai, 0, "NAI", "RFC 3830 §6.7") \
  X(kUri, 1, "URI", "RFC 3830 §6.7") \
  X(kByteString, 2, "Byte string", "RFC 6043 §6.5")
KEYMAST_CODE_POINTS(IdType, KEYMAST_ID_TYPES)

#define KEYMAST_CERT_TYPES(X)                      \
  X(kX509, 0, "X.509v3", "RFC 3830 §6.7")          \
  X(kX509Url, 1, "X.509v3 URL", "RFC 3830 §6.7")   \
  X(kX509Sign, 2, "X.509v3 Sign", "RFC 3830 §6.7") \
  X(kX509Encr, 3, "X.509v3 Encr", "RFC 3830 §6.7")
KEYMAST_CODE_POINTS(CertType, KEYMAST_CERT_TYPES)

#define KEYMAST_HASH_FUNCS(X)           \
  X(kSha1, 0, "SHA-1", "RFC 3830 §6.8") \
  X(kMd5, 1, "MD5", "RFC 3830 §6.8")    \
  X(kSha256, 2, "SHA-256", "RFC 6043 §6.7")
KEYMAST_CODE_POINTS(HashFunc, KEYMAST_HASH_FUNCS)

#define KEYMAST_PROT_TYPES(X)           \
  X(kSrtp, 0, "SRTP", "RFC 3830 §6.10") \
  X(kTesla, 1, "TESLA", "RFC 4442 §4.1")
KEYMAST_CODE_POINTS(ProtType, KEYMAST_PROT_TYPES)

#define KEYMAST_ERROR_NUMBERS(X)                                            \
  X(kAuthFailure, 0, "Auth failure", "RFC 3830 §6.12")                      \
  X(kInvalidTs, 1, "Invalid TS", "RFC 3830 §6.12")                          \
  X(kInvalidPrf, 2, "Invalid PRF", "RFC 3830 §6.12")                        \
  X(kInvalidMac, 3, "Invalid MAC", "RFC 3830 §6.12")                        \
  X(kInvalidEa, 4, "Invalid EA", "RFC 3830 §6.12")                          \
  X(kInvalidHa, 5, "Invalid HA", "RFC 3830 §6.12")                          \
  X(kInvalidDh, 6, "Invalid DH", "RFC 3830 §6.12")                          \
  X(kInvalidId, 7, "Invalid ID", "RFC 3830 §6.12")                          \
  X(kInvalidCert, 8, "Invalid Cert", "RFC 3830 §6.12")                      \
  X(kInvalidSp, 9, "Invalid SP", "RFC 3830 §6.12")                          \
  X(kInvalidSpPar, 10, "Invalid SPpar", "RFC 3830 §6.12")                   \
  X(kInvalidDt, 11, "Invalid DT", "RFC 3830 §6.12")                         \
  X(kUnspecified, 12, "Unspecified error", "RFC 3830 §6.12")                \
  X(kUnsupportedMessage, 13, "Unsupported message type", "RFC 4738 §3.9.2") \
  X(kInvalidTicket, 14, "Invalid TICKET", "RFC 6043 §6.9")                  \
  X(kInvalidTpPar, 15, "Invalid TPpar", "RFC 6043 §6.9")
KEYMAST_CODE_POINTS(ErrorNumber, KEYMAST_ERROR_NUMBERS)

#define KEYMAST_KEY_DATA_TYPES(X)                             \
  X(kTgk, 0, "TGK", "RFC 3830 §6.13")                         \
  X(kTgkSalt, 1, "TGK+SALT", "RFC 3830 §6.13")                \
  X(kTek, 2, "TEK", "RFC 3830 §6.13")                         \
  X(kTekSalt, 3, "TEK+SALT", "RFC 3830 §6.13")                \
  X(kGtgk, 4, "GTGK", "RFC 6043 §6.2.1")                      \
  X(kGtgkSalt, 5, "GTGK+SALT", "RFC 6043 §6.2.1")             \
  X(kMpk, 6, "MPK", "RFC 6043 §6.2.1")                        \
  X(kKpr, 7, "K_PR", "RFC 6267 §6.1.3")                       \
  X(kTreeKey, 8, "Tree key", "MIKEYv2 §3.5")                  \
  X(kSdLabel, 9, "SD label", "MIKEYv2 §3.5")                  \
  X(kMtk, 10, "MTK", "MIKEYv2 §3.5")                          \
  X(kVerificationKey, 11, "Verification key", "MIKEYv2 §3.5") \
  X(kTicket, 12, "Ticket", "MIKEYv2 §3.5")
KEYMAST_CODE_POINTS(KeyDataType, KEYMAST_KEY_DATA_TYPES)

#define KEYMAST_KV_TYPES(X)             \
  X(kNull, 0, "Null", "RFC 3830 §6.13") \
  X(kSpi, 1, "SPI", "RFC 3830 §6.13")   \
  X(kInterval, 2, "Interval", "RFC 3830 §6.13")
KEYMAST_CODE_POINTS(KvType, KEYMAST_KV_TYPES)

#define KEYMAST_EXT_TYPES(X)                             \
  X(kVendorId, 0, "Vendor ID", "RFC 3830 §6.15")         \
  X(kSdpIds, 1, "SDP IDs", "RFC 3830 §6.15")             \
  X(kTeslaIKey, 2, "TESLA I-Key", "RFC 4442 §4.4")       \
  X(kKeyIds, 3, "Key ID information", "RFC 4563 §4")     \
  X(kCsbId, 4, "CSB_ID", "RFC 4738 §3.9.3")              \
  X(kOmaBcast, 5, "OMA BCAST", "RFC 5410 §3")            \
  X(kTreeUpdate, 241, "Tree update", "MIKEYv2 §3.6")     \
  X(kMtkSignature, 242, "MTK signature", "MIKEYv2 §3.6") \
  X(kFilterMac, 243, "Filter MAC", "MIKEYv2 §3.6")       \
  X(kKeyRoll, 244, "Key roll", "MIKEYv2 §3.6")           \
  X(kMerklePath, 245, "Merkle path", "MIKEYv2 §3.6")     \
  X(kUpdate, 246, "Update", "MIKEYv2 §3.6")              \
  X(kMskState, 247, "MSK state", "MIKEYv2 §3.6")         \
  X(kMemberState, 248, "Member state", "MIKEYv2 §3.6")   \
  X(kReport, 249, "Report", "MIKEYv2 §3.6")              \
  X(kTicket, 250, "Ticket", "MIKEYv2 §3.6")
KEYMAST_CODE_POINTS(ExtType, KEYMAST_EXT_TYPES)

#define KEYMAST_KEY_ID_TYPES(X)                      \
  X(kDomain, 0, "MBMS Key Domain ID", "RFC 4563 §4") \
  X(kMsk, 1, "MBMS Service Key ID", "RFC 4563 §4")   \
  X(kMtk, 2, "MBMS Traffic Key ID", "RFC 4563 §4")
KEYMAST_CODE_POINTS(KeyIdType, KEYMAST_KEY_ID_TYPES)

#define KEYMAST_OMA_SUBTYPES(X)                         \
  X(kLtkm, 1, "LTKM", "RFC 5410 §3")                    \
  X(kStkm, 2, "STKM", "RFC 5410 §3")                    \
  X(kLtkmReporting, 3, "LTKM Reporting", "RFC 5410 §3") \
  X(kParentalControl, 4, "Parental Control", "RFC 5410 §3")
KEYMAST_CODE_POINTS(OmaSubtype, KEYMAST_OMA_SUBTYPES)

#define KEYMAST_TS_ROLES(X)                                       \
  X(kIssue, 1, "Time of issue (TRi)", "RFC 6043 §6.4")            \
  X(kStart, 2, "Start of validity period (TRs)", "RFC 6043 §6.4") \
  X(kEnd, 3, "End of validity period (TRe)", "RFC 6043 §6.4")     \
  X(kRekeying, 4, "Rekeying interval (TRr)", "RFC 6043 §6.4")
KEYMAST_CODE_POINTS(TsRole, KEYMAST_TS_ROLES)

#define KEYMAST_ID_ROLES(X)                                         \
  X(kInitiator, 1, "Initiator (IDRi)", "RFC 6043 §6.6")             \
  X(kResponder, 2, "Responder (IDRr)", "RFC 6043 §6.6")             \
  X(kKms, 3, "KMS (IDRkms)", "RFC 6043 §6.6")                       \
  X(kPsk, 4, "Pre-Shared Key (IDRpsk)", "RFC 6043 §6.6")            \
  X(kApplication, 5, "Application (IDRapp)", "RFC 6043 §6.6")       \
  X(kInitiatorKms, 6, "Initiator's KMS (IDRkmsi)", "RFC 6509 §4.4") \
  X(kResponderKms, 7, "Responder's KMS (IDRkmsr)", "RFC 6509 §4.4")
KEYMAST_CODE_POINTS(IdRole, KEYMAST_ID_ROLES)

#define KEYMAST_RAND_ROLES(X)                             \
  X(kInitiator, 1, "Initiator (RANDRi)", "RFC 6043 §6.8") \
  X(kResponder, 2, "Responder (RANDRr)", "RFC 6043 §6.8") \
  X(kKms, 3, "KMS (RANDRkms)", "RFC 6043 §6.8")
KEYMAST_CODE_POINTS(RandRole, KEYMAST_RAND_ROLES)

#define KEYMAST_SRTP_ENCR_ALGS(X)             \
  X(kNull, 0, "NULL", "RFC 3830 §6.10.1")     \
  X(kAesCm, 1, "AES-CM", "RFC 3830 §6.10.1")  \
  X(kAesF8, 2, "AES-F8", "RFC 3830 §6.10.1")  \
  X(kSeedCtr, 3, "SEED-CTR", "RFC 5748 §6.1") \
  X(kSeedCcm, 4, "SEED-CCM", "RFC 5748 §6.1") \
  X(kSeedGcm, 5, "SEED-GCM", "RFC 5748 §6.1") \
  X(kAesGcm, 6, "AES-GCM", "RFC 7714 §14.3")  \
  X(kAriaCtr, 7, "ARIA-CTR", "RFC 8269 §6.2") \
  X(kAriaGcm, 8, "ARIA-GCM", "RFC 8269 §6.2")
KEYMAST_CODE_POINTS(SrtpEncrAlg, KEYMAST_SRTP_ENCR_ALGS)

#define KEYMAST_SRTP_AUTH_ALGS(X)                   \
  X(kNull, 0, "NULL", "RFC 3830 §6.10.1")           \
  X(kHmacSha1, 1, "HMAC-SHA-1", "RFC 3830 §6.10.1") \
  X(kRccm1, 2, "RCCm1", "RFC 4771 §4")              \
  X(kRccm2, 3, "RCCm2", "RFC 4771 §4")              \
  X(kRccm3, 4, "RCCm3", "RFC 4771 §4")
KEYMAST_CODE_POINTS(SrtpAuthAlg, KEYMAST_SRTP_AUTH_ALGS)

#define KEYMAST_SRTP_PRFS(X)                  \
  X(kAesCm, 0, "AES-CM", "RFC 3830 §6.10.1")  \
  X(kSeedCtr, 1, "SEED-CTR", "RFC 5748 §6.1") \
  X(kAriaCtr, 2, "ARIA-CTR", "RFC 8269 §6.2")
KEYMAST_CODE_POINTS(SrtpPrf, KEYMAST_SRTP_PRFS)

#define KEYMAST_FEC_ORDERS(X) X(kFecThenSrtp, 0, "FEC-SRTP", "RFC 3830 §6.10.1")
KEYMAST_CODE_POINTS(FecOrder, KEYMAST_FEC_ORDERS)

#define KEYMAST_SWITCHES(X)             \
  X(kOff, 0, "off", "RFC 3830 §6.10.1") \
  X(kOn, 1, "on", "RFC 3830 §6.10.1")
KEYMAST_CODE_POINTS(Switch, KEYMAST_SWITCHES)

#define KEYMAST_TESLA_PRFS(X) X(kHmacSha1, 0, "HMAC-SHA1", "RFC 4442 §4.2")
KEYMAST_CODE_POINTS(TeslaPrf, KEYMAST_TESLA_PRFS)

#define KEYMAST_TESLA_MACS(X) X(kHmacSha1, 0, "HMAC-SHA1", "RFC 4442 §4.2")
KEYMAST_CODE_POINTS(TeslaMac, KEYMAST_TESLA_MACS)

#define KEYMAST_TLV_TYPES(X)                      \
  X(kModes, 1, "Modes", "MIKEYv2 §3.3")           \
  X(kPrf, 2, "PRF", "MIKEYv2 §3.3")               \
  X(kEncr, 3, "Encr", "MIKEYv2 §3.3")             \
  X(kMac, 4, "MAC", "MIKEYv2 §3.3")               \
  X(kGroups, 5, "Groups", "MIKEYv2 §3.3")         \
  X(kSignatures, 6, "Signatures", "MIKEYv2 §3.3") \
  X(kProfiles, 7, "Profiles", "MIKEYv2 §3.3")     \
  X(kFeatures, 8, "Features", "MIKEYv2 §3.3")     \
  X(kDatagram, 9, "Datagram", "MIKEYv2 §3.3")     \
  X(kSession, 10, "Session", "MIKEYv2 §3.3")      \
  X(kCookie, 11, "Cookie", "MIKEYv2 §3.3")        \
  X(kFresh, 12, "Fresh", "MIKEYv2 §3.3")          \
  X(kTicket, 13, "Ticket", "MIKEYv2 §3.3")        \
  X(kTicketId, 14, "Ticket id", "MIKEYv2 §3.3")   \
  X(kFragments, 15, "Fragments", "MIKEYv2 §3.3")  \
  X(kStreams, 16, "Streams", "MIKEYv2 §3.3")
KEYMAST_CODE_POINTS(TlvType, KEYMAST_TLV_TYPES)

// How an exchange of version 2 authenticates and agrees; version 1 has a data type for each.
#define KEYMAST_EXCHANGE_MODES(X)          \
  X(kPsk, 1, "PSK", "MIKEYv2 §1")          \
  X(kRsa, 2, "RSA", "MIKEYv2 §1")          \
  X(kDh, 3, "DH", "MIKEYv2 §1")            \
  X(kDhhmac, 4, "DHHMAC", "MIKEYv2 §1")    \
  X(kEarlyDh, 5, "early DH", "MIKEYv2 §1") \
  X(kEarlyDhhmac, 6, "early DHHMAC", "MIKEYv2 §1")
KEYMAST_CODE_POINTS(ExchangeMode, KEYMAST_EXCHANGE_MODES)

#undef KEYMAST_CODE_POINTS
#undef KEYMAST_CODE_POINT_LINE
#undef KEYMAST_CODE_POINT_ENUMERATOR

}  // namespace keymast::mikey
