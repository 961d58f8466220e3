// SPDX-License-Identifier: Apache-2.0
#include "crypto/pkcs11.h"

#include <array>

#include "crypto/pkcs11_session.h"

namespace keymast::crypto {
namespace {

// The first octet of what is wrapped.
enum class Method : uint8_t { kGcm = 1, kKeyWrapPad = 2, kKeyWrap = 3 };

constexpr size_t kKey = 32;
constexpr size_t kIv = 12;
constexpr size_t kTag = 16;
constexpr size_t kGcmSize = 1 + kIv + kKey + kTag;
constexpr size_t kMaxWrapped = 512;
constexpr std::string_view kAad = "keymast meta key";

CK_MECHANISM_TYPE MechanismOf(Method method) {
  if (method == Method::kGcm) return CKM_AES_GCM;
  return method == Method::kKeyWrapPad ? CKM_AES_KEY_WRAP_PAD : CKM_AES_KEY_WRAP;
}

// ErrorOfOpening tells what is damaged, or another key's, from a token in trouble. Some tokens say
// CKR_GENERAL_ERROR of an authentication that fails.
Error ErrorOfOpening(CK_RV value) {
  switch (value) {
    case CKR_ENCRYPTED_DATA_INVALID:
    case CKR_ENCRYPTED_DATA_LEN_RANGE:
    case CKR_WRAPPED_KEY_INVALID:
    case CKR_WRAPPED_KEY_LEN_RANGE:
    case CKR_GENERAL_ERROR:
      return Error::kDecryptionFailed;
    default:
      return Error::kIo;
  }
}

CK_ATTRIBUTE AttributeOf(CK_ATTRIBUTE_TYPE type, MutableBytes value) {
  return {type, value.data(), value.size()};
}
template <class T>
CK_ATTRIBUTE AttributeOf(CK_ATTRIBUTE_TYPE type, T& value) {
  return {type, &value, sizeof(value)};
}

class TokenKey final : public MasterKey {
 public:
  TokenKey(std::unique_ptr<Session> session, CK_OBJECT_HANDLE object, Method method, std::string id)
      : session_(std::move(session)), object_(object), method_(method), id_(std::move(id)) {}

  const std::string& id() const override { return id_; }
  tl::expected<Bytes, Failure> Wrap(const SecretKey<32>& key, Rng& rng) const override {
    return method_ == Method::kGcm ? Encrypt(key, rng) : WrapObject(key);
  }
  tl::expected<SecretKey<32>, Failure> Unwrap(ByteView wrapped) const override {
    const auto method = wrapped.empty() ? Method{} : Method{wrapped[0]};
    if (method == Method::kGcm) return Decrypt(wrapped);
    if (method == Method::kKeyWrapPad || method == Method::kKeyWrap) {
      return UnwrapObject(method, wrapped.subspan(1));
    }
    return Fail(Error::kDecryptionFailed, "master key " + id_ + ": has not wrapped this");
  }

 private:
  tl::expected<Bytes, Failure> Encrypt(const SecretKey<32>& key, Rng& rng) const;
  tl::expected<SecretKey<32>, Failure> Decrypt(ByteView wrapped) const;
  tl::expected<Bytes, Failure> WrapObject(const SecretKey<32>& key) const;
  tl::expected<SecretKey<32>, Failure> UnwrapObject(Method method, ByteView wrapped) const;

  CK_FUNCTION_LIST& functions() const { return session_->functions(); }

  const std::unique_ptr<Session> session_;
  const CK_OBJECT_HANDLE object_;
  const Method method_;
  const std::string id_;
};

// GcmParameters point to `iv`, which must stay.
CK_GCM_PARAMS GcmParameters(MutableBytes iv, MutableBytes aad) {
  return {iv.data(), iv.size(), 8 * iv.size(), aad.data(), aad.size(), 8 * kTag};
}

tl::expected<Bytes, Failure> TokenKey::Encrypt(const SecretKey<32>& key, Rng& rng) const {
  Bytes wrapped(kGcmSize);
  wrapped[0] = static_cast<uint8_t>(Method::kGcm);
  const MutableBytes iv = MutableBytes(wrapped).subspan(1, kIv);
  rng.Fill(iv);
  Bytes aad(kAad.begin(), kAad.end());
  CK_GCM_PARAMS parameters = GcmParameters(iv, aad);
  CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof(parameters)};
  CK_RV done = functions().C_EncryptInit(session_->handle(), &mechanism, object_);
  if (done != CKR_OK) return session_->Failed(Error::kIo, "C_EncryptInit", done);
  SecretKey<32> plain = key;
  CK_ULONG size = kKey + kTag;
  done = functions().C_Encrypt(session_->handle(), plain.mutable_view().data(), kKey,
                               wrapped.data() + 1 + kIv, &size);
  if (done != CKR_OK) return session_->Failed(Error::kIo, "C_Encrypt", done);
  KEYMAST_CHECK(size == kKey + kTag);
  return wrapped;
}

tl::expected<SecretKey<32>, Failure> TokenKey::Decrypt(ByteView wrapped) const {
  if (wrapped.size() != kGcmSize) {
    return Fail(Error::kDecryptionFailed, "master key " + id_ + ": has not wrapped this");
  }
  Bytes copy(wrapped.begin(), wrapped.end());
  Bytes aad(kAad.begin(), kAad.end());
  CK_GCM_PARAMS parameters = GcmParameters(MutableBytes(copy).subspan(1, kIv), aad);
  CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof(parameters)};
  CK_RV done = functions().C_DecryptInit(session_->handle(), &mechanism, object_);
  if (done != CKR_OK) return session_->Failed(Error::kIo, "C_DecryptInit", done);
  // Some tokens want room for the tag as well.
  auto plain = SecretKey<kKey + kTag>::OfSize(kKey + kTag);
  CK_ULONG size = plain.size();
  done = functions().C_Decrypt(session_->handle(), copy.data() + 1 + kIv, kKey + kTag,
                               plain.mutable_view().data(), &size);
  if (done == CKR_OK && size == kKey) return SecretKey<32>(plain.view().first(kKey));
  if (done != CKR_OK) return session_->Failed(ErrorOfOpening(done), "C_Decrypt", done);
  return Fail(Error::kDecryptionFailed, "master key " + id_ + ": wraps no key of 32 octets here");
}

tl::expected<Bytes, Failure> TokenKey::WrapObject(const SecretKey<32>& key) const {
  CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
  CK_KEY_TYPE type = CKK_GENERIC_SECRET;
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  SecretKey<32> value = key;
  std::array attributes = {AttributeOf(CKA_CLASS, object_class), AttributeOf(CKA_KEY_TYPE, type),
                           AttributeOf(CKA_TOKEN, no), AttributeOf(CKA_EXTRACTABLE, yes),
                           AttributeOf(CKA_VALUE, value.mutable_view())};
  CK_OBJECT_HANDLE made = 0;
  CK_RV done =
      functions().C_CreateObject(session_->handle(), attributes.data(), attributes.size(), &made);
  if (done != CKR_OK) return session_->Failed(Error::kIo, "C_CreateObject", done);
  CK_MECHANISM mechanism{MechanismOf(method_), nullptr, 0};
  Bytes wrapped(kMaxWrapped);
  wrapped[0] = static_cast<uint8_t>(method_);
  CK_ULONG size = wrapped.size() - 1;
  done = functions().C_WrapKey(session_->handle(), &mechanism, object_, made, wrapped.data() + 1,
                               &size);
  functions().C_DestroyObject(session_->handle(), made);
  if (done != CKR_OK) return session_->Failed(Error::kIo, "C_WrapKey", done);
  wrapped.resize(1 + size);
  return wrapped;
}

tl::expected<SecretKey<32>, Failure> TokenKey::UnwrapObject(Method method, ByteView wrapped) const {
  CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
  CK_KEY_TYPE type = CKK_GENERIC_SECRET;
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  std::array attributes = {AttributeOf(CKA_CLASS, object_class), AttributeOf(CKA_KEY_TYPE, type),
                           AttributeOf(CKA_TOKEN, no), AttributeOf(CKA_EXTRACTABLE, yes),
                           AttributeOf(CKA_SENSITIVE, no)};
  CK_MECHANISM mechanism{MechanismOf(method), nullptr, 0};
  Bytes copy(wrapped.begin(), wrapped.end());
  CK_OBJECT_HANDLE made = 0;
  CK_RV done = functions().C_UnwrapKey(session_->handle(), &mechanism, object_, copy.data(),
                                       copy.size(), attributes.data(), attributes.size(), &made);
  if (done != CKR_OK) return session_->Failed(ErrorOfOpening(done), "C_UnwrapKey", done);
  auto key = SecretKey<32>::OfSize(kKey);
  CK_ATTRIBUTE value = AttributeOf(CKA_VALUE, key.mutable_view());
  done = functions().C_GetAttributeValue(session_->handle(), made, &value, 1);
  functions().C_DestroyObject(session_->handle(), made);
  if (done == CKR_OK && value.ulValueLen == kKey) return key;
  return session_->Failed(Error::kIo, "C_GetAttributeValue", done);
}

tl::expected<CK_OBJECT_HANDLE, Failure> FindKey(const Session& session, const TokenKeyName& name,
                                                const std::string& where) {
  CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
  const bool by_id = name.key.starts_with("id:");
  Bytes value(name.key.begin(), name.key.end());
  if (by_id && !FromHex(name.key.substr(3), value)) {
    return Fail(Error::kInvalidArgument, where + ": `id:` is followed by hexadecimal digits");
  }
  const auto found = session.Find({AttributeOf(CKA_CLASS, object_class),
                                   AttributeOf(by_id ? CKA_ID : CKA_LABEL, MutableBytes(value))});
  if (!found) return tl::unexpected(found.error());
  if (found->empty()) return Fail(Error::kNotFound, where + ": no secret key `" + name.key + "`");
  if (found->size() > 1) {
    return Fail(Error::kInvalidArgument,
                where + ": several secret keys `" + name.key + "`; name one as id:HEX");
  }
  return found->front();
}

// MethodOf is the first that the token offers and the key allows. A key of 32 octets needs no
// padding, so that key wrap without it (RFC 3394) will do, too.
tl::expected<Method, Failure> MethodOf(const Session& session, CK_OBJECT_HANDLE key,
                                       const std::string& where) {
  bool is_offered = false;
  for (const Method method : {Method::kGcm, Method::kKeyWrapPad, Method::kKeyWrap}) {
    const bool is_gcm = method == Method::kGcm;
    const CK_FLAGS flags = is_gcm ? CKF_ENCRYPT | CKF_DECRYPT : CKF_WRAP | CKF_UNWRAP;
    if (!session.Offers(MechanismOf(method), flags)) continue;
    is_offered = true;
    if (session.IsTrue(key, is_gcm ? CKA_ENCRYPT : CKA_WRAP) &&
        session.IsTrue(key, is_gcm ? CKA_DECRYPT : CKA_UNWRAP)) {
      return method;
    }
  }
  if (is_offered) {
    return Fail(Error::kPermissionDenied,
                where +
                    ": the key may neither encrypt and decrypt (CKA_ENCRYPT, CKA_DECRYPT) nor "
                    "wrap and unwrap (CKA_WRAP, CKA_UNWRAP)");
  }
  return Fail(Error::kUnsupportedAlgorithm,
              where +
                  ": the token offers neither CKM_AES_GCM nor CKM_AES_KEY_WRAP_PAD nor "
                  "CKM_AES_KEY_WRAP");
}

}  // namespace

tl::expected<std::unique_ptr<MasterKey>, Failure> OpenTokenKey(const TokenKeyName& name,
                                                               ByteView pin) {
  auto module = Module::Load(name.module);
  if (!module) return tl::unexpected(module.error());
  const auto slot = (*module)->FindToken(name.token);
  if (!slot) return tl::unexpected(slot.error());
  const std::string token = "PKCS#11 token `" + name.token + "`";
  auto session = Session::Open(*module, *slot, pin, token);
  if (!session) return tl::unexpected(session.error());
  const auto key = FindKey(**session, name, token);
  if (!key) return tl::unexpected(key.error());
  const std::string where = token + ", key `" + name.key + "`";
  const Bytes type = (*session)->Attribute(*key, CKA_KEY_TYPE);
  CK_KEY_TYPE aes = CKK_AES;
  if (type.size() != sizeof(aes) || std::memcmp(type.data(), &aes, sizeof(aes)) != 0) {
    return Fail(Error::kInvalidArgument, where + ": is no AES key");
  }
  // Some tools read a file as text when they import it, and the token takes what is left of it.
  const Bytes value_size = (*session)->Attribute(*key, CKA_VALUE_LEN);
  CK_ULONG size = 32;
  if (value_size.size() == sizeof(size)) std::memcpy(&size, value_size.data(), sizeof(size));
  if (size != 16 && size != 24 && size != 32) {
    return Fail(Error::kInvalidArgument,
                where + ": has " + std::to_string(size) + " octets; an AES key has 16, 24 or 32");
  }
  const std::string id = ToHex((*session)->Attribute(*key, CKA_ID));
  if (id.empty() || id.size() > MasterKey::kMaxId) {
    return Fail(Error::kInvalidArgument,
                where + ": must have an id (CKA_ID) of 1 to 32 octets, by which data name it");
  }
  const auto method = MethodOf(**session, *key, where);
  if (!method) return tl::unexpected(method.error());
  return std::make_unique<TokenKey>(std::move(*session), *key, *method, id);
}

}  // namespace keymast::crypto
