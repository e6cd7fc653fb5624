// XorChunk: samples in the chunk encoding of Prometheus, which remote read streams: delta of deltas of times in classes
// of bits, values as the bits that differ from the last one (Pelkonen et al., "Gorilla", VLDB 2015, with Prometheus'
// widths). Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace rhizome::metrics_api {

// As many as Prometheus puts into one.
inline constexpr size_t kXorChunkSamples = 120;

// At most 65,535 samples, ascending in time; appends the chunk.
void AppendXorChunk(std::span<const int64_t> times_ms, std::span<const double> values, std::string& out);

}  // namespace rhizome::metrics_api
