// Embedder port: text to unit vectors. Two implementations: the local transformer (pipeline/minilm.h) and any
// OpenAI-compatible server (pipeline/http_embedder.h).
//
// Thread-safe: many threads may call Embed at once; an implementation batches across callers where that pays.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rhizome::pipeline {

class Embedder {
 public:
  virtual ~Embedder() = default;
  virtual std::string_view name() const = 0;  // the model's name, stored with a collection
  virtual uint32_t dimension() const = 0;
  // One vector of dimension() floats per text, in order, each of length 1. Text past the model's window is cut.
  // Errors: Unavailable and DeadlineExceeded from a remote server after its retries; Internal from the runtime.
  virtual Result<std::vector<std::vector<float>>> Embed(std::span<const std::string> texts) = 0;
};

}  // namespace rhizome::pipeline
