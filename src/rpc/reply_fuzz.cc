// Any bytes as a peer's reply and as an address: no crash, and a failure that decodes encodes to the same bytes,
// however the reply was cut into pieces.
#include <cstdint>
#include <cstdlib>

#include "rpc/address.h"
#include "rpc/reply.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome;
  const std::string_view reply(reinterpret_cast<const char*>(data), size);
  const size_t cut = size == 0 ? 0 : data[size - 1] % size;
  const std::string_view pieces[] = {reply.substr(0, cut), reply.substr(cut)};
  const Result<std::string> decoded = rpc::DecodeReply(pieces);
  const Result<std::string> whole = rpc::DecodeReply(std::span(&reply, 1));
  if (decoded.ok() != whole.ok() || (decoded.ok() && *decoded != *whole)) std::abort();
  if (decoded.status().ToString() != whole.status().ToString()) std::abort();
  if (decoded.ok() && std::string(rpc::ReplyHeader()) + *decoded != reply) std::abort();
  const bool ours = !decoded.ok() && size > 1 && data[1] < 15 && decoded.status().code() != Code::kCorruption;
  if (ours && rpc::EncodeFailure(decoded.status()) != reply) std::abort();
  if (const auto address = rpc::ParseAddress(reply); address.ok()) {
    const auto again = rpc::ParseAddress(address->ToString());
    if (!again.ok() || again->Target() != address->Target()) std::abort();
  }
  return 0;
}
