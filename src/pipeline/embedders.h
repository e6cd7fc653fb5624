// Embedders: those a server runs; each collection is bound to one by its name. A value of pointers to what outlives it;
// empty: clients bring their own vectors. Thread-safe when constant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "pipeline/embedder.h"

namespace rhizome::pipeline {

class Embedders {
 public:
  Embedders() = default;
  // Null: none. The first of all is what new collections get.
  Embedders(Embedder* first) { Add(first); }  // NOLINT: an embedder is a set of one
  void Add(Embedder* embedder) {
    if (embedder != nullptr) all_.push_back(embedder);
  }

  const std::vector<Embedder*>& all() const { return all_; }
  Embedder* Default() const { return all_.empty() ? nullptr : all_.front(); }
  // By its whole name, or by the part before the first '-' where only one has it: "static". Null: none.
  Embedder* Find(std::string_view name) const;
  // FailedPrecondition, naming the collection, unless the embedder it was made with is here.
  Result<Embedder*> For(std::string_view collection, std::string_view embedder) const;
  // For messages: "all-MiniLM-L6-v2, static-256-0123abcd"; "none".
  std::string Names() const;

 private:
  std::vector<Embedder*> all_;
};

}  // namespace rhizome::pipeline
