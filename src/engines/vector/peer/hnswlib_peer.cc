#include "engines/vector/peer/hnswlib_peer.h"

#if __has_include(<hnswlib/hnswlib.h>)

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include <hnswlib/hnswlib.h>
#pragma clang diagnostic pop

namespace rhizome::vector {
namespace {

class Peer final : public HnswlibPeer {
 public:
  Peer(std::unique_ptr<hnswlib::SpaceInterface<float>> space, size_t capacity)
      : space_(std::move(space)), graph_(space_.get(), capacity, /*M=*/16, /*ef_construction=*/200) {}

  void Add(const float* vector, size_t label) override { graph_.addPoint(vector, label); }

  std::vector<uint32_t> Search(const float* query, size_t k, size_t ef) override {
    graph_.setEf(ef);
    auto heap = graph_.searchKnn(query, k);
    std::vector<uint32_t> labels;
    for (; !heap.empty(); heap.pop()) labels.push_back(static_cast<uint32_t>(heap.top().second));
    return labels;
  }

 private:
  std::unique_ptr<hnswlib::SpaceInterface<float>> space_;
  hnswlib::HierarchicalNSW<float> graph_;
};

}  // namespace

std::unique_ptr<HnswlibPeer> NewHnswlibPeer(size_t dimension, size_t capacity, bool l2) {
  std::unique_ptr<hnswlib::SpaceInterface<float>> space;
  if (l2) {
    space = std::make_unique<hnswlib::L2Space>(dimension);
  } else {
    space = std::make_unique<hnswlib::InnerProductSpace>(dimension);
  }
  return std::make_unique<Peer>(std::move(space), capacity);
}

}  // namespace rhizome::vector

#else

namespace rhizome::vector {
std::unique_ptr<HnswlibPeer> NewHnswlibPeer(size_t, size_t, bool) { return nullptr; }
}  // namespace rhizome::vector

#endif
