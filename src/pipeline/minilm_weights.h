// MiniLmWeights: a model's tensors, read from a safetensors file
// (https://huggingface.co/docs/safetensors: eight bytes of header length, a JSON header, then the raw tensors).
//
// The file is mapped, not copied: tensors point into the mapping, which lives as long as any copy of the shared
// pointer. Nothing in the file is believed before its bounds are checked. Thread-safe once open.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rhizome::pipeline {

using TensorShape = std::vector<size_t>;

class MiniLmWeights {
 public:
  // Errors: NotFound, IoError, Corruption (not a safetensors file, or one cut short).
  static Result<std::shared_ptr<MiniLmWeights>> Open(const std::string& path);
  ~MiniLmWeights();
  MiniLmWeights(const MiniLmWeights&) = delete;
  MiniLmWeights& operator=(const MiniLmWeights&) = delete;

  // The 32-bit floats of one tensor, row by row. Errors: Corruption when it is missing or not of this shape.
  Result<const float*> Find(std::string_view name, const TensorShape& shape) const;

 private:
  struct Entry {
    TensorShape shape;
    size_t offset;  // from the start of the file
  };

  MiniLmWeights(const char* bytes, size_t size) : bytes_(bytes), size_(size) {}
  Status ReadHeader();

  const char* const bytes_;  // the mapping
  const size_t size_;
  std::map<std::string, Entry, std::less<>> entries_;  // constant after Open
};

}  // namespace rhizome::pipeline
