// SPDX-License-Identifier: Apache-2.0
// A module of PKCS#11 (version 2.40), and a session with one of its tokens.
#pragma once

#include <p11-kit/pkcs11.h>

#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace keymast::crypto {

// ReturnValueName is the standard's name of what a function returned, or its number.
std::string ReturnValueName(CK_RV value);

// Module is a shared library in use; one path is loaded once.
class Module {
 public:
  static tl::expected<std::shared_ptr<Module>, Failure> Load(const std::string& path);
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  CK_FUNCTION_LIST& functions() const { return *functions_; }
  // FindToken is kNotFound, naming those that are there.
  tl::expected<CK_SLOT_ID, Failure> FindToken(const std::string& label) const;

 private:
  Module(std::string path, CK_FUNCTION_LIST* functions)
      : path_(std::move(path)), functions_(functions) {}
  std::string path_;
  CK_FUNCTION_LIST* functions_;
};

class Session {
 public:
  // `where` names module and token in failures.
  static tl::expected<std::unique_ptr<Session>, Failure> Open(std::shared_ptr<Module> module,
                                                              CK_SLOT_ID slot, ByteView pin,
                                                              const std::string& where);
  ~Session() { functions().C_CloseSession(handle_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  CK_FUNCTION_LIST& functions() const { return module_->functions(); }
  CK_SESSION_HANDLE handle() const { return handle_; }
  bool Offers(CK_MECHANISM_TYPE mechanism, CK_FLAGS flags) const;
  // Find gives at most two objects.
  tl::expected<std::vector<CK_OBJECT_HANDLE>, Failure> Find(
      std::vector<CK_ATTRIBUTE> attributes) const;
  // Attribute is empty when the object does not tell.
  Bytes Attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;
  bool IsTrue(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;
  // Failed says what a function of the token returned.
  tl::unexpected<Failure> Failed(Error error, const std::string& function, CK_RV value) const;

 private:
  Session(std::shared_ptr<Module> module, CK_SLOT_ID slot, CK_SESSION_HANDLE handle,
          std::string where)
      : module_(std::move(module)), slot_(slot), handle_(handle), where_(std::move(where)) {}

  const std::shared_ptr<Module> module_;
  const CK_SLOT_ID slot_;
  const CK_SESSION_HANDLE handle_;
  const std::string where_;
};

}  // namespace keymast::crypto
