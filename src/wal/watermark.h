// WatermarkFile: the durable watermark's two slots, written alternately so that one is always whole. What the
// watermark promises stands in wal/log.h. Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "format/log_record.h"
#include "io/disk.h"

namespace rhizome::wal {

inline constexpr char kWatermarkName[] = "watermark";

// The newest valid slot; nothing when the file is absent or has none. Errors are the device's.
Result<std::optional<format::LogWatermark>> ReadWatermark(io::Disk& disk, const std::string& directory);

class WatermarkFile {
 public:
  // Creates the file with `first` in both slots, replacing a file without valid slots; returns when the content is
  // durable. The caller syncs the directory.
  static Result<std::unique_ptr<WatermarkFile>> Create(io::Disk& disk, const std::string& directory,
                                                       format::LogWatermark first);
  // Opens the file whose newest slot is `newest`.
  static Result<std::unique_ptr<WatermarkFile>> Open(io::Disk& disk, const std::string& directory,
                                                     const format::LogWatermark& newest);

  // Replaces the older slot; returns when it is durable. The sequence is set here.
  Status Write(format::LogWatermark next);
  const format::LogWatermark& current() const { return current_; }

 private:
  WatermarkFile(std::unique_ptr<io::File> file, const format::LogWatermark& current)
      : file_(std::move(file)), current_(current) {}

  std::unique_ptr<io::File> file_;
  format::LogWatermark current_;
};

}  // namespace rhizome::wal
