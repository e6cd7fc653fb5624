// Any bytes as a remote write body: no crash.
#include "ingest/remote_write.h"
#include "ingest/remote_write_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static rhizome::ingest::RemoteWriteDecoder decoder;
  rhizome::ingest::FuzzRemoteWrite(decoder, data, size);
  return 0;
}
