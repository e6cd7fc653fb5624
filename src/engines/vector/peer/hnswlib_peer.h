// hnswlib beside our index, for the benchmark only: the same data, the same queries, one process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace rhizome::vector {

class HnswlibPeer {
 public:
  virtual ~HnswlibPeer() = default;
  virtual void Add(const float* vector, size_t label) = 0;
  virtual std::vector<uint32_t> Search(const float* query, size_t k, size_t ef) = 0;
};

// Inner product over unit vectors (its cosine), or L2. Null where hnswlib was not installed at build time.
std::unique_ptr<HnswlibPeer> NewHnswlibPeer(size_t dimension, size_t capacity, bool l2);

}  // namespace rhizome::vector
