// SPDX-License-Identifier: Apache-2.0
#include "mikey/error_message.h"

#include "mikey/envelope.h"

namespace keymast::mikey {
namespace {

bool IsSigned(const Exchange& exchange) {
  const Mode mode = exchange.session.mode;
  return !exchange.ByPsk() && (mode == Mode::kDh || mode == Mode::kRsar);
}

// WhichAlgorithm tells what a policy does not take of a message.
ErrorNumber WhichAlgorithm(const V1Policy& policy, const Message& message) {
  Algorithms algorithms;
  algorithms.prf = message.header.prf;
  algorithms.mac = MacAlg::kHmacSha256_256;
  const auto* t = message.Get<TPayload>();
  const bool is_signed = message.Get<SignPayload>() != nullptr;
  if (t != nullptr && t->ts_type == TsType::kCounter && is_signed) return ErrorNumber::kInvalidTs;
  if (!policy.Takes(algorithms)) return ErrorNumber::kInvalidPrf;
  const auto* dh = message.Get<DhPayload>();
  if (dh != nullptr && !policy.Takes(dh->group)) return ErrorNumber::kInvalidDh;
  const auto* chash = message.Get<ChashPayload>();
  if (chash != nullptr && !policy.Takes(chash->hash_func)) return ErrorNumber::kInvalidHa;
  if (const auto* kemac = message.Get<KemacPayload>()) {
    algorithms.mac = kemac->mac_alg;
    return policy.Takes(algorithms) ? ErrorNumber::kInvalidEa : ErrorNumber::kInvalidMac;
  }
  return ErrorNumber::kUnspecified;
}

void AddError(const Exchange& exchange, ErrorNumber number, ChainWriter& chain) {
  chain.Add(exchange.t.Payload());
  chain.Add(ErrPayload{number, 0});
}

}  // namespace

std::optional<ErrorNumber> ErrorNumberOf(Error error, const V1Policy& policy,
                                         const Message& message) {
  switch (error) {
    case Error::kAuthenticationFailed:
    case Error::kDecryptionFailed:
    case Error::kUnknownIdentity:
    case Error::kInvalidArgument:
      return ErrorNumber::kAuthFailure;
    case Error::kOutsideInterval:
      return ErrorNumber::kInvalidTs;
    case Error::kUnsupportedAlgorithm:
      return WhichAlgorithm(policy, message);
    case Error::kUnsupportedPolicy:
    case Error::kPolicyViolation:
      return ErrorNumber::kInvalidSpPar;
    case Error::kCertificateExpired:
    case Error::kCertificateRevoked:
    case Error::kCertificateUntrusted:
      return ErrorNumber::kInvalidCert;
    case Error::kUnknownDataType:
      return ErrorNumber::kInvalidDt;
    case Error::kUnknownPayload:
    case Error::kPayloadMissing:
    case Error::kPayloadUnexpected:
    case Error::kMalformed:
      return ErrorNumber::kUnsupportedMessage;
    case Error::kReplayed:
    case Error::kUnexpected:
    case Error::kWrongCsb:
      return std::nullopt;
    default:
      return ErrorNumber::kUnspecified;
  }
}

Result<size_t> WriteError(const Exchange& exchange, ErrorNumber number, MutableBytes out) {
  ChainWriter chain(out, HeaderOf(exchange, DataType::kError));
  AddError(exchange, number, chain);
  if (!chain.ok()) return Err(Error::kTooLong);
  return chain.size();
}

Result<size_t> WriteProvenError(const Party& party, const Exchange& exchange, ErrorNumber number,
                                MutableBytes out) {
  ChainWriter chain(out, HeaderOf(exchange, DataType::kError));
  AddError(exchange, number, chain);
  if (number == ErrorNumber::kInvalidSpPar) {
    for (const CsbPolicy& policy : party.others.Supported()) chain.Add(policy.Payload());
  }
  const Answered behind = exchange.Transcript();
  if (IsSigned(exchange)) {
    return CloseWithSignature(party, chain, {behind.idi, behind.idr, behind.timestamp});
  }
  return CloseWithV(party.suite, exchange.Context(), chain, behind);
}

Result<PeerError> ReadError(const Party& party, const Received& received,
                            const Exchange& exchange) {
  PeerError error{received.Get<ErrPayload>()->error_no, false};
  const Answered behind = exchange.Transcript();
  Status proof = Err(Error::kUnexpected);
  if (received.Get<VPayload>() != nullptr) {
    proof = CheckV(party.suite, exchange.Context(), received.datagram, received.message, behind);
  } else if (received.Get<SignPayload>() != nullptr) {
    proof = CheckSigned(party, received, exchange.idr.view(),
                        {behind.idi, behind.idr, behind.timestamp});
  } else {
    return error;
  }
  if (!proof) return Err(proof.error());
  error.proven = true;
  return error;
}

}  // namespace keymast::mikey
