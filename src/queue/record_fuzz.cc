// Any bytes as a queue's record: no crash, and what decodes encodes to the same bytes.
#include <cstdint>
#include <cstdlib>

#include "queue/record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::queue;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto control = DecodeControl(bytes); control.ok()) {
    const auto again = DecodeControl(EncodeControl(*control));
    if (!again.ok() || *again != *control) std::abort();
  }
  if (!DecodeRunHeader(bytes).ok()) return 0;
  std::vector<Message> messages;
  uint64_t bytes_left = UINT64_MAX;
  (void)DecodeRun(bytes, 0, 1000, bytes_left, messages).ok();
  for (const Message& message : messages) {
    if (message.headers.size() > kHeadersMax || message.key.size() > kKeyBytesMax) std::abort();
  }
  return 0;
}
