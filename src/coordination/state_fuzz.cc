// Any bytes, with a right checksum put under them: no crash, and a state that decodes encodes back and works.
#include <cstdlib>
#include <string>

#include "base/hash.h"
#include "coordination/state.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome;
  using namespace rhizome::coordination;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  (void)State::Decode(bytes, 0).ok();
  const uint64_t checksum = Checksum(bytes);
  bytes.append(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
  auto state = State::Decode(bytes, 1000);
  if (!state.ok()) return 0;
  if (state->Encode() != bytes) std::abort();
  (void)state->Commit({{}, {{"key", "value", kNoLease}}}).ok();
  (void)state->Expire(1000 + kLeaseTtlMsMax);
  if (state->NextExpiryMs()) std::abort();
  if (!State::Decode(state->Encode(), 0).ok()) std::abort();
  return 0;
}
