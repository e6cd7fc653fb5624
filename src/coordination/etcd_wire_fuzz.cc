// Any bytes as an answer of etcd's: no crash, and what is accepted keeps the promises of a listing.
#include <cstdlib>

#include "coordination/etcd_wire.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::coordination;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  (void)etcd::DecodeCommitted(body).ok();
  (void)etcd::DecodeGrant(body).ok();
  (void)etcd::DecodeKeepAlive(body).ok();
  (void)etcd::DecodeWatch(body).ok();
  (void)etcd::DecodeToken(body).ok();
  (void)etcd::DecodeRefusal(body);
  const etcd::PageRequest request{.prefix = "a", .from = "a", .limit = 30};
  const auto page = etcd::DecodePage(body, request, "r/");
  if (!page.ok()) return 0;
  std::string last;
  for (const KeyValue& entry : page->listing.entries) {
    if (!entry.key.starts_with("a") || entry.key <= last || entry.create_revision < 1) std::abort();
    last = entry.key;
  }
  return 0;
}
