#include "wal/watermark.h"

namespace rhizome::wal {

namespace {

// Each slot in a page of its own, so that no device writes both at once.
constexpr uint64_t kSlotDistance = 4096;

uint64_t SlotOffset(uint64_t sequence) { return sequence % 2 * kSlotDistance; }

}  // namespace

Result<std::optional<format::LogWatermark>> ReadWatermark(io::Disk& disk, const std::string& directory) {
  const std::string path = directory + "/" + kWatermarkName;
  ASSIGN_OR_RETURN(const bool exists, disk.Exists(path));
  std::optional<format::LogWatermark> newest;
  if (!exists) return newest;
  ASSIGN_OR_RETURN(const auto file, disk.Open(path, io::OpenMode::kRead));
  for (const uint64_t slot : {0, 1}) {
    ASSIGN_OR_RETURN(const std::string bytes, file->ReadAt(slot * kSlotDistance, format::kLogWatermarkSlotBytes));
    const auto read = format::DecodeLogWatermark(bytes);
    if (read.ok() && (!newest || read->sequence > newest->sequence)) newest = *read;
  }
  return newest;
}

Result<std::unique_ptr<WatermarkFile>> WatermarkFile::Create(io::Disk& disk, const std::string& directory,
                                                             format::LogWatermark first) {
  ASSIGN_OR_RETURN(auto file, disk.Open(directory + "/" + kWatermarkName, io::OpenMode::kCreateOrOpen));
  for (first.sequence = 1; first.sequence <= 2; ++first.sequence) {
    RETURN_IF_ERROR(file->WriteAt(SlotOffset(first.sequence), format::EncodeLogWatermark(first)));
  }
  first.sequence = 2;
  RETURN_IF_ERROR(file->Sync());
  return std::unique_ptr<WatermarkFile>(new WatermarkFile(std::move(file), first));
}

Result<std::unique_ptr<WatermarkFile>> WatermarkFile::Open(io::Disk& disk, const std::string& directory,
                                                           const format::LogWatermark& newest) {
  ASSIGN_OR_RETURN(auto file, disk.Open(directory + "/" + kWatermarkName, io::OpenMode::kReadWrite));
  return std::unique_ptr<WatermarkFile>(new WatermarkFile(std::move(file), newest));
}

Status WatermarkFile::Write(format::LogWatermark next) {
  next.log = current_.log;
  next.sequence = current_.sequence + 1;
  RETURN_IF_ERROR(file_->WriteAt(SlotOffset(next.sequence), format::EncodeLogWatermark(next)));
  RETURN_IF_ERROR(file_->Sync());
  current_ = next;
  return Status::Ok();
}

}  // namespace rhizome::wal
