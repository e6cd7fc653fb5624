// RowBatch: what a batch of operations puts and deletes in the database, given to it in the order of keys and each key
// once: half of what writing costs there is finding where a key belongs, and neighbours are found together.
//
// Not thread-safe.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kv/store.h"

namespace rhizome::graph {

class RowBatch {
 public:
  void Put(std::string key, std::string value) { rows_.push_back({std::move(key), std::move(value)}); }
  void Delete(std::string key) { rows_.push_back({std::move(key), std::nullopt}); }

  // Of a key that came several times the last counts. The batch is done with.
  kv::WriteBatch Take() {
    std::vector<uint32_t> order(rows_.size());
    for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) {
      const int by_key = rows_[a].key.compare(rows_[b].key);
      return by_key != 0 ? by_key < 0 : a < b;
    });
    kv::WriteBatch batch;
    for (size_t i = 0; i < order.size(); ++i) {
      Row& row = rows_[order[i]];
      if (i + 1 < order.size() && rows_[order[i + 1]].key == row.key) continue;
      batch.Adopt(kv::Family::kGraph, std::move(row.key), std::move(row.value));
    }
    rows_.clear();
    return batch;
  }

 private:
  struct Row {
    std::string key;
    std::optional<std::string> value;  // none: deleted
  };
  std::vector<Row> rows_;
};

}  // namespace rhizome::graph
