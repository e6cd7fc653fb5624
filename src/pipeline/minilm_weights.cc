#include "pipeline/minilm_weights.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstring>

namespace rhizome::pipeline {
namespace {

namespace json = boost::json;

constexpr size_t kLengthBytes = 8;
constexpr size_t kHeaderBytesMax = 1 << 20;

Status Damaged(std::string_view what) {
  return Status::Corruption("not a whole safetensors file: " + std::string(what));
}

struct Range {
  size_t begin;
  size_t end;
};

Result<TensorShape> ReadShape(const json::object& tensor) {
  const json::value* shape = tensor.if_contains("shape");
  if (shape == nullptr || !shape->is_array()) return Damaged("a tensor has no shape");
  TensorShape sizes;
  for (const json::value& size : shape->get_array()) {
    if (!size.is_int64() || size.get_int64() < 0 || size.get_int64() > INT32_MAX) return Damaged("bad shape");
    sizes.push_back(static_cast<size_t>(size.get_int64()));
  }
  return sizes;
}

Result<Range> ReadRange(const json::object& tensor, size_t limit) {
  const json::value* offsets = tensor.if_contains("data_offsets");
  if (offsets == nullptr || !offsets->is_array() || offsets->get_array().size() != 2) return Damaged("no offsets");
  const json::value& begin = offsets->get_array()[0];
  const json::value& end = offsets->get_array()[1];
  if (!begin.is_int64() || !end.is_int64() || begin.get_int64() < 0 || end.get_int64() < begin.get_int64() ||
      static_cast<uint64_t>(end.get_int64()) > limit) {
    return Damaged("a tensor lies outside the file");
  }
  return Range{static_cast<size_t>(begin.get_int64()), static_cast<size_t>(end.get_int64())};
}

bool BytesMatch(const TensorShape& shape, const Range& range) {
  size_t bytes = sizeof(float);
  for (const size_t size : shape) {
    if (__builtin_mul_overflow(bytes, size, &bytes)) return false;
  }
  return bytes == range.end - range.begin;
}

}  // namespace

Result<std::shared_ptr<MiniLmWeights>> MiniLmWeights::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return Status::NotFound("no model weights at " + path);
  if (fd < 0) return Status::IoError("opening " + path + ": " + std::strerror(errno));
  struct stat info {};
  const bool sized = fstat(fd, &info) == 0;
  const auto size = sized ? static_cast<size_t>(info.st_size) : 0;
  if (size < kLengthBytes) {
    close(fd);
    return Damaged(path + " is too short");
  }
  void* bytes = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (bytes == MAP_FAILED) return Status::IoError("mapping " + path + ": " + std::strerror(errno));
  std::shared_ptr<MiniLmWeights> weights(new MiniLmWeights(static_cast<const char*>(bytes), size));
  if (Status read = weights->ReadHeader(); !read.ok()) return read.Annotate(path);
  return weights;
}

MiniLmWeights::~MiniLmWeights() { munmap(const_cast<char*>(bytes_), size_); }

Status MiniLmWeights::ReadHeader() {
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes_, kLengthBytes);  // little-endian, as are the machines we run on
  if (header_bytes > kHeaderBytesMax || header_bytes > size_ - kLengthBytes) return Damaged("the header is cut off");
  boost::system::error_code error;
  const json::value header = json::parse({bytes_ + kLengthBytes, header_bytes}, error);
  if (error || !header.is_object()) return Damaged("the header is not a JSON object");
  const size_t data_from = kLengthBytes + header_bytes;
  for (const auto& [name, value] : header.get_object()) {
    if (name == "__metadata__") continue;
    if (!value.is_object()) return Damaged("a tensor is not described");
    const json::object& tensor = value.get_object();
    const json::value* type = tensor.if_contains("dtype");
    if (type == nullptr || !type->is_string()) return Damaged("a tensor has no type");
    if (type->get_string() != "F32") continue;  // position numbers; the graph makes its own
    ASSIGN_OR_RETURN(TensorShape shape, ReadShape(tensor));
    ASSIGN_OR_RETURN(const Range range, ReadRange(tensor, size_ - data_from));
    if (!BytesMatch(shape, range)) return Damaged("a tensor's size is not its shape's");
    if ((data_from + range.begin) % sizeof(float) != 0) return Damaged("a tensor is not aligned");
    entries_.emplace(std::string(name), Entry{std::move(shape), data_from + range.begin});
  }
  return Status::Ok();
}

Result<const float*> MiniLmWeights::Find(std::string_view name, const TensorShape& shape) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return Status::Corruption("the model lacks the tensor " + std::string(name));
  if (found->second.shape != shape) {
    return Status::Corruption("the tensor " + std::string(name) + " has another shape than this model's");
  }
  return reinterpret_cast<const float*>(bytes_ + found->second.offset);
}

}  // namespace rhizome::pipeline
