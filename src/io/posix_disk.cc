#include "io/posix_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "io/memory_mapping.h"

namespace rhizome::io {

Status ErrnoStatus(int error, std::string_view call, std::string_view path) {
  std::string message(call);
  message.append(" ").append(path).append(": ").append(std::generic_category().message(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR: return Status::NotFound(std::move(message));
    case EEXIST: return Status::AlreadyExists(std::move(message));
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return Status::NoSpace(std::move(message));
    case EROFS: return Status::ReadOnly(std::move(message));
    case ENOTEMPTY: return Status::FailedPrecondition(std::move(message));
    default: return Status::IoError(std::move(message));
  }
}

namespace {

template <typename Call>
auto RetryInterrupted(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  const int fd_;
};

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path, uint64_t end) : fd_(fd), path_(std::move(path)), end_(end) {}

  Status Append(std::string_view bytes) override {
    // A partial failure leaves bytes past end_, which the next Append overwrites.
    RETURN_IF_ERROR(Write(end_, bytes));
    end_ += bytes.size();
    return Status::Ok();
  }

  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    RETURN_IF_ERROR(Write(offset, bytes));
    end_ = std::max(end_, offset + bytes.size());
    return Status::Ok();
  }

  Result<size_t> ReadInto(uint64_t offset, char* to, size_t length) const override {
    size_t done = 0;
    while (done < length) {
      const ssize_t got = RetryInterrupted(
          [&] { return ::pread(fd_.get(), to + done, length - done, static_cast<off_t>(offset + done)); });
      if (got < 0) return ErrnoStatus(errno, "read", path_);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  Status Sync() override {
    // The kernel may have dropped the dirty pages of a failed sync, so that a second one would succeed and lie.
    RETURN_IF_ERROR(sync_failure_);
    if (RetryInterrupted([&] { return ::fdatasync(fd_.get()); }) != 0) {
      sync_failure_ = Status::IoError("fdatasync " + path_ + ": " + std::generic_category().message(errno));
    }
    return sync_failure_;
  }

  Status Truncate(uint64_t length) override {
    if (RetryInterrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(length)); }) != 0) {
      return ErrnoStatus(errno, "truncate", path_);
    }
    end_ = length;
    return Status::Ok();
  }

  Status Preallocate(uint64_t length) override {
    if (length == 0) return Status::Ok();
    const int result =
        RetryInterrupted([&] { return ::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(length)); });
    if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return Status::Ok();
    return ErrnoStatus(errno, "fallocate", path_);
  }

  Result<uint64_t> Size() const override {
    struct stat info {};
    if (::fstat(fd_.get(), &info) != 0) return ErrnoStatus(errno, "stat", path_);
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  Status Write(uint64_t offset, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t put =
          RetryInterrupted([&] { return ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
      if (put < 0) return ErrnoStatus(errno, "write", path_);
      offset += static_cast<uint64_t>(put);
      bytes.remove_prefix(static_cast<size_t>(put));
    }
    return Status::Ok();
  }

  const Descriptor fd_;
  const std::string path_;
  uint64_t end_;  // where Append writes; belongs to the one writer
  Status sync_failure_;
};

int OpenFlags(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead: return O_RDONLY;
    case OpenMode::kReadWrite: return O_RDWR;
    case OpenMode::kCreate: return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::kCreateOrOpen: return O_RDWR | O_CREAT;
  }
  return O_RDONLY;
}

}  // namespace

Result<std::unique_ptr<File>> PosixDisk::Open(const std::string& path, OpenMode mode) {
  const int fd = RetryInterrupted([&] { return ::open(path.c_str(), OpenFlags(mode) | O_CLOEXEC, 0600); });
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  struct stat info {};
  if (::fstat(fd, &info) != 0 || S_ISDIR(info.st_mode)) {
    const int error = S_ISDIR(info.st_mode) ? EISDIR : errno;
    ::close(fd);
    return ErrnoStatus(error, "open", path);
  }
  return std::unique_ptr<File>(new PosixFile(fd, path, static_cast<uint64_t>(info.st_size)));
}

Result<std::unique_ptr<Mapping>> PosixDisk::Map(const std::string& path, void* at) {
  const Descriptor fd(RetryInterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (fd.get() < 0) return ErrnoStatus(errno, "open", path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, "stat", path);
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) return std::unique_ptr<Mapping>(new MemoryMapping(static_cast<char*>(at), 0, at != nullptr));
  void* data = ::mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | (at != nullptr ? MAP_FIXED : 0), fd.get(), 0);
  if (data == MAP_FAILED) return ErrnoStatus(errno, "mmap", path);
  return std::unique_ptr<Mapping>(new MemoryMapping(static_cast<char*>(data), size, at != nullptr));
}

Status PosixDisk::Rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return ErrnoStatus(errno, "rename", from + " to " + to);
  return Status::Ok();
}

Status PosixDisk::Link(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) != 0) return ErrnoStatus(errno, "link", from + " to " + to);
  return Status::Ok();
}

Status PosixDisk::Remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return ErrnoStatus(errno, "remove", path);
  return Status::Ok();
}

Status PosixDisk::CreateDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0) return ErrnoStatus(errno, "mkdir", path);
  return Status::Ok();
}

Status PosixDisk::RemoveDirectory(const std::string& path) {
  if (::rmdir(path.c_str()) != 0) return ErrnoStatus(errno, "rmdir", path);
  return Status::Ok();
}

Result<std::vector<std::string>> PosixDisk::List(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (directory == nullptr) return ErrnoStatus(errno, "opendir", path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return ErrnoStatus(errno, "readdir", path);
  std::sort(names.begin(), names.end());
  return names;
}

Status PosixDisk::SyncDirectory(const std::string& path) {
  const Descriptor fd(RetryInterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (fd.get() < 0) return ErrnoStatus(errno, "open directory", path);
  if (RetryInterrupted([&] { return ::fsync(fd.get()); }) != 0) return ErrnoStatus(errno, "fsync directory", path);
  return Status::Ok();
}

Result<bool> PosixDisk::Exists(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return ErrnoStatus(errno, "stat", path);
}

Result<PathInfo> PosixDisk::Inspect(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return ErrnoStatus(errno, "lstat", path);
  if (S_ISREG(info.st_mode)) return PathInfo{PathKind::kFile, static_cast<uint64_t>(info.st_size)};
  return PathInfo{S_ISDIR(info.st_mode) ? PathKind::kDirectory : PathKind::kOther, 0};
}

Result<uint64_t> PosixDisk::FreeBytes(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return ErrnoStatus(errno, "statvfs", path);
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

Result<std::shared_ptr<void>> PosixDisk::Lock(const std::string& path) {
  const int fd = RetryInterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); });
  if (fd < 0) return ErrnoStatus(errno, "open lock", path);
  auto held = std::make_shared<Descriptor>(fd);
  if (RetryInterrupted([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) != 0) {
    if (errno == EWOULDBLOCK) return Status::FailedPrecondition(path + " is locked by another process");
    return ErrnoStatus(errno, "lock", path);
  }
  return std::shared_ptr<void>(std::move(held));
}

Disk& RealDisk() {
  static PosixDisk& disk = *new PosixDisk;  // never destroyed: threads may outlive main's statics
  return disk;
}

}  // namespace rhizome::io
