// Series in a file, as the tests that compare with Prometheus write them: lines "S HEX…" (a series: its labels' names
// and values in turn) and, after each, lines "P MS BITS" (a sample: milliseconds, the value's bits in hex).
#pragma once

#include <bit>
#include <cstdint>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "format/labels.h"

namespace rhizome::compat {

inline std::string FromHex(const std::string& hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return out;
}

using SeriesSink =
    std::function<void(const format::Labels&, std::vector<int64_t> times_ms, std::vector<double> values)>;

inline format::Labels LabelsIn(std::istream& words) {
  std::vector<std::string> texts;
  for (std::string word; words >> word;) texts.push_back(FromHex(word));
  std::vector<format::LabelPair> pairs;
  for (size_t i = 0; i + 1 < texts.size(); i += 2) pairs.push_back({texts[i], texts[i + 1]});
  return format::Labels::FromPairs(pairs).value();
}

inline void ReadSeries(const std::string& file, const SeriesSink& sink) {
  std::ifstream in(file);
  format::Labels labels;
  std::vector<int64_t> times_ms;
  std::vector<double> values;
  const auto finish = [&] {
    if (!times_ms.empty()) sink(labels, std::exchange(times_ms, {}), std::exchange(values, {}));
  };
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string kind, bits;
    words >> kind;
    if (kind == "S") {
      finish();
      labels = LabelsIn(words);
    } else {
      int64_t time_ms = 0;
      words >> time_ms >> bits;
      times_ms.push_back(time_ms);
      values.push_back(std::bit_cast<double>(static_cast<uint64_t>(std::stoull(bits, nullptr, 16))));
    }
  }
  finish();
}

}  // namespace rhizome::compat
