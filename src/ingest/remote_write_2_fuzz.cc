// Any bytes as a remote write 2.0 body: no crash.
#include "ingest/remote_write_2.h"
#include "ingest/remote_write_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static rhizome::ingest::RemoteWrite2Decoder decoder;
  rhizome::ingest::FuzzRemoteWrite(decoder, data, size);
  return 0;
}
