// ApiKeys: who may use the server. Only SHA-256 digests are kept; they are compared in constant time, every key
// each time, so that neither the time nor a memory dump tells a key. Thread-safe.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace rhizome::gateway {

class ApiKeys {
 public:
  explicit ApiKeys(const std::vector<std::string>& keys);
  // No keys: everybody is admitted.
  bool required() const { return !digests_.empty(); }
  bool Admits(std::string_view key) const;

 private:
  using Digest = std::array<unsigned char, 32>;
  std::vector<Digest> digests_;
};

// The key in "Bearer <key>" (any case of the scheme); empty when there is none.
std::string_view BearerToken(std::string_view authorization);

}  // namespace rhizome::gateway
