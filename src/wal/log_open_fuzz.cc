// Any bytes as a log's files: Open never crashes, says damage or recovers, and what it recovers stays. The first byte
// chooses what the rest becomes: the first segment as it stands, changes to a good log, or the watermark.
#include <map>

#include "base/check.h"
#include "format/coding.h"
#include "io/sim_disk.h"
#include "wal/log.h"
#include "wal/log_testing.h"
#include "wal/salvage.h"

namespace rhizome::wal {
namespace {

constexpr char kSegment[] = "/log/0000000000000001.log";

// A good log of eight records, cleanly closed, or not.
const io::SimState& GoodLog(bool closed) {
  static const auto build = [](bool close) {
    io::SimDisk disk;
    auto log = Log::Open(disk, "/log", SmallLog()).value();
    for (Lsn lsn = 1; lsn <= 8; ++lsn) CHECK(log->Append(0, PayloadOf(lsn)).ok());
    if (close) CHECK(log->Close().ok());
    io::SimState state = disk.state();
    disk.Crash();
    return state;
  };
  static const io::SimState& open_state = *new io::SimState(build(false));
  static const io::SimState& closed_state = *new io::SimState(build(true));
  return closed ? closed_state : open_state;
}

void Overwrite(io::SimDisk& disk, const std::string& path, std::string_view bytes) {
  auto file = disk.Open(path, io::OpenMode::kReadWrite).value();
  CHECK(file->Truncate(0).ok() && file->Append(bytes).ok() && file->Sync().ok());
}

// Each five bytes overwrite four bytes somewhere, or cut the file.
void Patch(io::SimDisk& disk, std::string_view changes) {
  auto file = disk.Open(kSegment, io::OpenMode::kReadWrite).value();
  format::Decoder decoder(changes);
  uint16_t at = 0;
  uint8_t kind = 0;
  uint16_t value = 0;
  while (decoder.U16(at) && decoder.U8(kind) && decoder.U16(value)) {
    const uint64_t size = file->Size().value();
    if (size == 0) break;
    if (kind % 8 == 0) {
      CHECK(file->Truncate(at % size).ok());
    } else {
      const std::string bytes(reinterpret_cast<const char*>(&value), sizeof value);
      CHECK(file->WriteAt(at % size, bytes).ok());
    }
  }
  CHECK(file->Sync().ok());
}

std::map<Lsn, std::string> CheckOpens(io::SimDisk& disk, bool& damaged) {
  auto log = Log::Open(disk, "/log", SmallLog());
  CHECK(log.ok());
  damaged = !(*log)->damage().empty();
  const Readback read = ReadAll(**log);
  CHECK(read.status.ok() != damaged);
  if (damaged) CHECK((*log)->Append(0, "x").status().code() == Code::kReadOnly);
  return read.records;
}

}  // namespace
}  // namespace rhizome::wal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome;
  using namespace rhizome::wal;
  if (size == 0 || size > 1 << 16) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  io::SimDisk disk(GoodLog((data[0] & 4) != 0), {});
  switch (data[0] & 3) {
    case 0: Overwrite(disk, kSegment, rest); break;
    case 1: Overwrite(disk, "/log/watermark", rest); break;
    default: Patch(disk, rest); break;
  }
  disk.Crash();
  io::SimDisk salvaged(disk.state(), {});
  bool damaged = false;
  const auto first = CheckOpens(disk, damaged);
  if ((data[0] & 3) != 0) {
    // Nothing but what was written ever comes back: a changed record would need a forged checksum.
    Lsn last = 0;
    CHECK(IsPrefix(first, last));
  }
  bool damaged_again = false;
  CHECK(CheckOpens(disk, damaged_again) == first);
  CHECK(damaged_again == damaged);
  CHECK(Salvage(salvaged, "/log", "/fresh").ok());
  CHECK(Log::Open(salvaged, "/fresh", SmallLog()).value()->damage().empty());
  return 0;
}
