#include "pipeline/embedders.h"

namespace rhizome::pipeline {

Embedder* Embedders::Find(std::string_view name) const {
  Embedder* by_kind = nullptr;
  size_t of_kind = 0;
  for (Embedder* const embedder : all_) {
    if (embedder->name() == name) return embedder;
    if (embedder->name().substr(0, embedder->name().find('-')) != name) continue;
    by_kind = embedder;
    ++of_kind;
  }
  return of_kind == 1 ? by_kind : nullptr;
}

Result<Embedder*> Embedders::For(std::string_view collection, std::string_view embedder) const {
  for (Embedder* const one : all_) {
    if (one->name() == embedder) return one;
  }
  return Status::FailedPrecondition("collection " + std::string(collection) + " was made with the embedder " +
                                    std::string(embedder) + ", which this server does not run; it has: " + Names());
}

std::string Embedders::Names() const {
  std::string names;
  for (const Embedder* const embedder : all_) {
    names.append(names.empty() ? "" : ", ").append(embedder->name());
  }
  return names.empty() ? "none" : names;
}

}  // namespace rhizome::pipeline
