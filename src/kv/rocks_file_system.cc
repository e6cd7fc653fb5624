#include "kv/rocks_file_system.h"

#include <rocksdb/file_system.h>

#include <array>
#include <cstdio>

#include "base/mutex.h"

namespace rhizome::kv {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus ToIoStatus(const Status& status) {
  const std::string text(status.message());
  switch (status.code()) {
    case Code::kOk: return IOStatus::OK();
    case Code::kNotFound: return IOStatus::PathNotFound(text);
    case Code::kNoSpace: return IOStatus::NoSpace(text);
    case Code::kCorruption: return IOStatus::Corruption(text);
    case Code::kFailedPrecondition: return IOStatus::Busy(text);
    default: return IOStatus::IOError(text);
  }
}

// `result` becomes what was read into `scratch`.
IOStatus ReadTo(const io::File& file, uint64_t offset, size_t length, Slice* result, char* scratch) {
  const auto read = file.ReadInto(offset, scratch, length);
  *result = Slice(scratch, read.ok() ? *read : 0);
  return ToIoStatus(read.status());
}

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  explicit SequentialFile(std::unique_ptr<io::File> file) : file_(std::move(file)) {}
  IOStatus Read(size_t length, const IOOptions&, Slice* result, char* scratch, IODebugContext*) override {
    IOStatus status = ReadTo(*file_, offset_, length, result, scratch);
    offset_ += result->size();
    return status;
  }
  IOStatus Skip(uint64_t length) override {
    offset_ += length;
    return IOStatus::OK();
  }

 private:
  const std::unique_ptr<io::File> file_;
  uint64_t offset_ = 0;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFile {
 public:
  explicit RandomAccessFile(std::unique_ptr<io::File> file) : file_(std::move(file)) {}
  IOStatus Read(uint64_t offset, size_t length, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    return ReadTo(*file_, offset, length, result, scratch);
  }

 private:
  const std::unique_ptr<io::File> file_;
};

class WritableFile final : public rocksdb::FSWritableFile {
 public:
  WritableFile(std::unique_ptr<io::File> file, uint64_t size) : file_(std::move(file)), size_(size) {}

  IOStatus Append(const Slice& bytes, const IOOptions&, IODebugContext*) override {
    if (file_ == nullptr) return Closed();
    const Status status = file_->Append({bytes.data(), bytes.size()});
    if (status.ok()) size_ += bytes.size();
    return ToIoStatus(status);
  }
  // RocksDB has computed a checksum to hand over; the port has no use for it.
  IOStatus Append(const Slice& bytes, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* context) override {
    return Append(bytes, options, context);
  }
  IOStatus Truncate(uint64_t length, const IOOptions&, IODebugContext*) override {
    if (file_ == nullptr) return Closed();
    const Status status = file_->Truncate(length);
    if (status.ok()) size_ = length;
    return ToIoStatus(status);
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override {
    file_.reset();
    return IOStatus::OK();
  }
  // Append leaves nothing behind in this process.
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    return file_ == nullptr ? Closed() : ToIoStatus(file_->Sync());
  }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return size_; }
  IOStatus Allocate(uint64_t offset, uint64_t length, const IOOptions&, IODebugContext*) override {
    return file_ == nullptr ? Closed() : ToIoStatus(file_->Preallocate(offset + length));
  }

 private:
  static IOStatus Closed() { return IOStatus::IOError("the file is closed"); }

  std::unique_ptr<io::File> file_;
  uint64_t size_;
};

class Directory final : public rocksdb::FSDirectory {
 public:
  Directory(io::Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return ToIoStatus(disk_.SyncDirectory(path_)); }

 private:
  io::Disk& disk_;
  const std::string path_;
};

class DiskLock final : public rocksdb::FileLock {
 public:
  explicit DiskLock(std::shared_ptr<void> held) : held_(std::move(held)) {}

 private:
  const std::shared_ptr<void> held_;
};

// RocksDB's diary. RocksDB's own logger aborts the process when its file cannot be written (an assertion that
// Debian's build keeps); a full disk must not, so lines that do not fit are dropped here.
class DiaryLogger final : public rocksdb::Logger {
 public:
  explicit DiaryLogger(std::unique_ptr<io::File> file) : file_(std::move(file)) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    std::array<char, 1024> line{};
    const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
    if (length <= 0) return;
    std::string text(line.data(), std::min(line.size() - 1, static_cast<size_t>(length)));
    if (text.back() != '\n') text += '\n';
    const MutexLock lock(mutex_);
    if (bytes_ + text.size() > kBytesMax) return;
    if (file_->Append(text).ok()) bytes_ += text.size();
  }
  size_t GetLogFileSize() const override {
    const MutexLock lock(mutex_);
    return bytes_;
  }

 private:
  static constexpr size_t kBytesMax = 16u << 20;

  mutable Mutex mutex_;
  const std::unique_ptr<io::File> file_;
  size_t bytes_ GUARDED_BY(mutex_) = 0;
};

class DiskFileSystem final : public rocksdb::FileSystem {
 public:
  explicit DiskFileSystem(io::Disk& disk) : disk_(disk) {}
  const char* Name() const override { return "RhizomeDisk"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result, IODebugContext*) override {
    return OpenAs<SequentialFile>(path, io::OpenMode::kRead, result);
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result, IODebugContext*) override {
    return OpenAs<RandomAccessFile>(path, io::OpenMode::kRead, result);
  }
  IOStatus NewWritableFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext*) override {
    return OpenWritable(path, false, result);
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext*) override {
    return OpenWritable(path, true, result);
  }
  IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* context) override {
    const Status renamed = disk_.Rename(old_path, path);
    return renamed.ok() ? NewWritableFile(path, options, result, context) : ToIoStatus(renamed);
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions&, std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext*) override {
    const Status listed = disk_.List(path).status();
    if (listed.ok()) *result = std::make_unique<Directory>(disk_, path);
    return ToIoStatus(listed);
  }

  IOStatus FileExists(const std::string& path, const IOOptions&, IODebugContext*) override {
    const auto exists = disk_.Exists(path);
    if (!exists.ok()) return ToIoStatus(exists.status());
    return *exists ? IOStatus::OK() : IOStatus::NotFound(path);
  }
  IOStatus GetChildren(const std::string& path, const IOOptions&, std::vector<std::string>* names,
                       IODebugContext*) override {
    auto listed = disk_.List(path);
    if (listed.status().code() == Code::kNotFound) return IOStatus::NotFound(path);
    if (listed.ok()) *names = std::move(*listed);
    return ToIoStatus(listed.status());
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) override {
    return ToIoStatus(disk_.Remove(path));
  }
  IOStatus CreateDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    return ToIoStatus(disk_.CreateDirectory(path));
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions&, IODebugContext*) override {
    const Status status = disk_.CreateDirectory(path);
    // A file of that name is no directory, and is said so.
    return ToIoStatus(status.code() == Code::kAlreadyExists ? disk_.List(path).status() : status);
  }
  IOStatus DeleteDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    return ToIoStatus(disk_.RemoveDirectory(path));
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions&, uint64_t* size, IODebugContext*) override {
    const auto file = disk_.Open(path, io::OpenMode::kRead);
    if (!file.ok()) return ToIoStatus(file.status());
    const auto found = (*file)->Size();
    if (found.ok()) *size = *found;
    return ToIoStatus(found.status());
  }
  IOStatus GetFileModificationTime(const std::string&, const IOOptions&, uint64_t*, IODebugContext*) override {
    return IOStatus::NotSupported("modification times");
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&, IODebugContext*) override {
    return ToIoStatus(disk_.Rename(from, to));
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions&, IODebugContext*) override {
    return ToIoStatus(disk_.Link(from, to));
  }

  IOStatus LockFile(const std::string& path, const IOOptions&, rocksdb::FileLock** lock, IODebugContext*) override {
    auto held = disk_.Lock(path);
    *lock = held.ok() ? new DiskLock(std::move(*held)) : nullptr;  // RocksDB hands it back to UnlockFile
    return ToIoStatus(held.status());
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    delete lock;
    return IOStatus::OK();
  }
  IOStatus GetTestDirectory(const IOOptions&, std::string*, IODebugContext*) override {
    return IOStatus::NotSupported("test directory");
  }
  IOStatus NewLogger(const std::string& path, const IOOptions&, std::shared_ptr<rocksdb::Logger>* result,
                     IODebugContext*) override {
    auto file = disk_.Open(path, io::OpenMode::kCreateOrOpen);
    if (!file.ok()) return ToIoStatus(file.status());
    if (const Status emptied = (*file)->Truncate(0); !emptied.ok()) return ToIoStatus(emptied);
    *result = std::make_shared<DiaryLogger>(std::move(*file));
    return IOStatus::OK();
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* absolute, IODebugContext*) override {
    *absolute = path;  // the port's paths mean the same wherever they are used
    return IOStatus::OK();
  }
  IOStatus GetFreeSpace(const std::string& path, const IOOptions&, uint64_t* free, IODebugContext*) override {
    const auto bytes = disk_.FreeBytes(path);
    if (bytes.ok()) *free = *bytes;
    return ToIoStatus(bytes.status());
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions&, bool* is_directory, IODebugContext*) override {
    const auto exists = disk_.Exists(path);
    if (!exists.ok()) return ToIoStatus(exists.status());
    if (!*exists) return IOStatus::NotFound(path);
    *is_directory = disk_.List(path).ok();
    return IOStatus::OK();
  }

 private:
  template <typename Wrapper, typename Interface>
  IOStatus OpenAs(const std::string& path, io::OpenMode mode, std::unique_ptr<Interface>* result) {
    auto file = disk_.Open(path, mode);
    if (file.ok()) *result = std::make_unique<Wrapper>(std::move(*file));
    return ToIoStatus(file.status());
  }

  IOStatus OpenWritable(const std::string& path, bool keep, std::unique_ptr<rocksdb::FSWritableFile>* result) {
    auto file = disk_.Open(path, io::OpenMode::kCreateOrOpen);
    if (!file.ok()) return ToIoStatus(file.status());
    uint64_t length = 0;
    if (keep) {
      const auto size = (*file)->Size();
      if (!size.ok()) return ToIoStatus(size.status());
      length = *size;
    } else if (const Status emptied = (*file)->Truncate(0); !emptied.ok()) {
      return ToIoStatus(emptied);
    }
    *result = std::make_unique<WritableFile>(std::move(*file), length);
    return IOStatus::OK();
  }

  io::Disk& disk_;
};

}  // namespace

std::unique_ptr<rocksdb::Env> NewDiskEnv(io::Disk& disk) {
  return rocksdb::NewCompositeEnv(std::make_shared<DiskFileSystem>(disk));
}

}  // namespace rhizome::kv
