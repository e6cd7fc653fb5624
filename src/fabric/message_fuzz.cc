// Whatever a peer sends, as a request or as an answer: decoded or refused, and what is decoded encodes to the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "fabric/message.h"

namespace rhizome::fabric {
namespace {

template <typename R>
void TryReply(std::string_view bytes) {
  typename R::Reply reply;
  if (DecodeReply(bytes, reply).ok()) (void)EncodeReply(reply);
}

}  // namespace
}  // namespace rhizome::fabric

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::fabric;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto request = DecodeRequest(bytes);
  if (request.ok()) CHECK(EncodeRequest(*request) == bytes);
  TryReply<VersionsRequest>(bytes);
  TryReply<ReadRequest>(bytes);
  TryReply<QueryRequest>(bytes);
  TryReply<DigestRequest>(bytes);
  TryReply<InventoryRequest>(bytes);
  TryReply<ProgressRequest>(bytes);
  TryReply<PingRequest>(bytes);
  TryReply<StatusRequest>(bytes);
  TryReply<RepairRequest>(bytes);
  TryReply<RequestsRequest>(bytes);
  TryReply<ScanRequest>(bytes);
  TryReply<DeskRequest>(bytes);
  return 0;
}
