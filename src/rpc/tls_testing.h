// Certificates for tests: an authority that signs a node's certificate in a millisecond, and a folder to keep them.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <string>

#include "base/scratch_testing.h"
#include "rpc/rpc.h"

namespace rhizome::rpc {

class Authority {
 public:
  explicit Authority(const std::string& name) : key_(EVP_EC_gen("P-256")), name_(name) {
    certificate_.reset(Make(key_.get(), "CN=" + name, ""));
  }

  // Writes ca, certificate and key of a node into the folder, each replaced in one step, and says where. `san` is an
  // X509v3 value ("DNS:node-1"); empty leaves the name to the common name.
  TlsOptions Issue(const ScratchFolder& folder, const std::string& node, const std::string& common_name,
                   const std::string& san) const {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate(Make(key.get(), common_name, san));
    const TlsOptions files{folder.File(node + ".ca"), folder.File(node + ".crt"), folder.File(node + ".key")};
    Write(files.ca_file, [&](FILE* file) { return PEM_write_X509(file, certificate_.get()); });
    Write(files.key_file,
          [&](FILE* file) { return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    Write(files.cert_file, [&](FILE* file) { return PEM_write_X509(file, certificate.get()); });
    return files;
  }
  TlsOptions Issue(const ScratchFolder& folder, const std::string& node) const {
    return Issue(folder, node, "rhizome", "DNS:" + node);
  }

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype([](EVP_PKEY* key) { EVP_PKEY_free(key); })>;
  using Certificate = std::unique_ptr<X509, decltype([](X509* certificate) { X509_free(certificate); })>;

  static void AddExtension(X509* certificate, int kind, const std::string& value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    ASSERT_NE(extension, nullptr) << value;
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  // Signed by this authority; the authority's own, signed by itself, when `subject` says so ("CN=name").
  X509* Make(EVP_PKEY* key, const std::string& subject, const std::string& san) const {
    const bool own = subject == "CN=" + name_;
    X509* const made = X509_new();
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(made), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made), 3600);
    X509_set_pubkey(made, key);
    const std::string common_name = own ? name_ : subject;
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made, own ? X509_get_subject_name(made) : X509_get_subject_name(certificate_.get()));
    AddExtension(made, NID_basic_constraints, own ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!san.empty()) AddExtension(made, NID_subject_alt_name, san);
    X509_sign(made, key_.get(), EVP_sha256());
    return made;
  }

  template <typename Put>
  static void Write(const std::string& path, Put put) {
    FILE* const file = fopen((path + ".part").c_str(), "w");
    ASSERT_NE(file, nullptr) << path;
    EXPECT_EQ(put(file), 1);
    fclose(file);
    std::filesystem::rename(path + ".part", path);
  }

  const Key key_;
  const std::string name_;
  Certificate certificate_;
  mutable long serial_ = 0;
};

}  // namespace rhizome::rpc
