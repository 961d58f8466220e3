// SPDX-License-Identifier: Apache-2.0
#include "crypto/pkcs11_session.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

#include "crypto/secret.h"

namespace keymast::crypto {
namespace {

constexpr size_t kMaxAttribute = 256;

tl::unexpected<Failure> ModuleFailure(const std::string& path, const std::string& what) {
  return Fail(Error::kIo, "PKCS#11 module " + path + ": " + what);
}

// What a module says of itself is padded with spaces.
std::string Unpadded(std::string_view text) {
  const size_t end = text.find_last_not_of(' ');
  return end == std::string_view::npos ? std::string() : std::string(text.substr(0, end + 1));
}

tl::expected<CK_FUNCTION_LIST*, Failure> FunctionsOf(const std::string& path) {
  // Never unloaded: some modules leave threads behind that are still in their code.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return ModuleFailure(path, std::string("cannot be loaded: ") + dlerror());
  const auto get_list = reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
  CK_FUNCTION_LIST* functions = nullptr;
  if (get_list == nullptr || get_list(&functions) != CKR_OK || functions == nullptr) {
    return ModuleFailure(path, "has no functions of PKCS#11");
  }
  return functions;
}

}  // namespace

std::string ReturnValueName(CK_RV value) {
  static const std::map<CK_RV, std::string_view> kNames = {
      {CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR"},
      {CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED"},
      {CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR"},
      {CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED"},
      {CKR_ENCRYPTED_DATA_INVALID, "CKR_ENCRYPTED_DATA_INVALID"},
      {CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED"},
      {CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID"},
      {CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT"},
      {CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE"},
      {CKR_PIN_LOCKED, "CKR_PIN_LOCKED"},
      {CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT"},
      {CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED"},
      {CKR_WRAPPED_KEY_INVALID, "CKR_WRAPPED_KEY_INVALID"},
  };
  const auto name = kNames.find(value);
  return name == kNames.end() ? "return value " + std::to_string(value) : std::string(name->second);
}

tl::expected<std::shared_ptr<Module>, Failure> Module::Load(const std::string& path) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<Module>> loaded;
  const std::lock_guard lock(mutex);
  if (auto module = loaded[path].lock()) return module;
  const auto functions = FunctionsOf(path);
  if (!functions) return tl::unexpected(functions.error());
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  const CK_RV done = (*functions)->C_Initialize(&arguments);
  if (done != CKR_OK) return ModuleFailure(path, "does not start: " + ReturnValueName(done));
  std::shared_ptr<Module> module(new Module(path, *functions));
  loaded[path] = module;
  return module;
}

Module::~Module() { functions_->C_Finalize(nullptr); }

tl::expected<CK_SLOT_ID, Failure> Module::FindToken(const std::string& label) const {
  std::array<CK_SLOT_ID, 256> slots{};
  CK_ULONG count = slots.size();
  const CK_RV listed = functions_->C_GetSlotList(CK_TRUE, slots.data(), &count);
  if (listed != CKR_OK) return ModuleFailure(path_, "lists no slots: " + ReturnValueName(listed));
  std::string there;
  for (const CK_SLOT_ID slot : std::span(slots).first(count)) {
    CK_TOKEN_INFO info{};
    if (functions_->C_GetTokenInfo(slot, &info) != CKR_OK) continue;
    const std::string name = Unpadded(AsText(info.label));
    if (name == label) return slot;
    if (!name.empty()) there += (there.empty() ? "" : ", ") + name;
  }
  return Fail(Error::kNotFound, "PKCS#11 module " + path_ + ": no token `" + label +
                                    "`; there are: " + (there.empty() ? "none" : there));
}

tl::expected<std::unique_ptr<Session>, Failure> Session::Open(std::shared_ptr<Module> module,
                                                              CK_SLOT_ID slot, ByteView pin,
                                                              const std::string& where) {
  CK_FUNCTION_LIST& functions = module->functions();
  CK_SESSION_HANDLE handle = 0;
  const CK_RV opened = functions.C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &handle);
  if (opened != CKR_OK) {
    return Fail(Error::kIo, where + ": no session: " + ReturnValueName(opened));
  }
  std::unique_ptr<Session> session(new Session(std::move(module), slot, handle, where));
  // The standard's own type for a PIN that is only read is not const.
  SecretBytes copy(pin.begin(), pin.end());
  const CK_RV done = functions.C_Login(handle, CKU_USER, copy.data(), copy.size());
  if (done == CKR_OK || done == CKR_USER_ALREADY_LOGGED_IN) return session;
  std::string advice;
  if (done == CKR_PIN_INCORRECT || done == CKR_PIN_LEN_RANGE) {
    advice = "wrong PIN; each further try may lock the token";
  }
  if (done == CKR_PIN_LOCKED) advice = "the PIN is locked; the token's security officer resets it";
  if (done == CKR_USER_PIN_NOT_INITIALIZED) advice = "the token has no user PIN yet";
  if (advice.empty()) return session->Failed(Error::kIo, "C_Login", done);
  return Fail(Error::kUnauthenticated, where + ": " + advice + " (" + ReturnValueName(done) + ")");
}

bool Session::Offers(CK_MECHANISM_TYPE mechanism, CK_FLAGS flags) const {
  CK_MECHANISM_INFO info{};
  return functions().C_GetMechanismInfo(slot_, mechanism, &info) == CKR_OK &&
         (info.flags & flags) == flags;
}

tl::expected<std::vector<CK_OBJECT_HANDLE>, Failure> Session::Find(
    std::vector<CK_ATTRIBUTE> attributes) const {
  CK_RV done = functions().C_FindObjectsInit(handle_, attributes.data(), attributes.size());
  if (done != CKR_OK) return Failed(Error::kIo, "C_FindObjectsInit", done);
  std::vector<CK_OBJECT_HANDLE> objects(2);
  CK_ULONG count = 0;
  done = functions().C_FindObjects(handle_, objects.data(), objects.size(), &count);
  functions().C_FindObjectsFinal(handle_);
  if (done != CKR_OK) return Failed(Error::kIo, "C_FindObjects", done);
  objects.resize(count);
  return objects;
}

Bytes Session::Attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const {
  Bytes value(kMaxAttribute);
  CK_ATTRIBUTE attribute{type, value.data(), value.size()};
  if (functions().C_GetAttributeValue(handle_, object, &attribute, 1) != CKR_OK) return {};
  value.resize(std::min<size_t>(attribute.ulValueLen, kMaxAttribute));
  return value;
}

bool Session::IsTrue(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const {
  const Bytes value = Attribute(object, type);
  return value.size() == 1 && value[0] == CK_TRUE;
}

tl::unexpected<Failure> Session::Failed(Error error, const std::string& function,
                                        CK_RV value) const {
  return Fail(error, where_ + ": " + function + " says " + ReturnValueName(value));
}

}  // namespace keymast::crypto
