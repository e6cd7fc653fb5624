#include "communities/sentences.h"

#include <algorithm>

namespace rhizome::communities {
namespace {

bool IsWordByte(char byte) {
  const auto c = static_cast<unsigned char>(byte);
  return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

std::vector<Range> SentencesOf(std::string_view text, extract::Tokenizer& tokenizer) {
  std::vector<Range> ranges;
  tokenizer.Run(text);
  const auto& tokens = tokenizer.tokens();
  for (const extract::Sentence& sentence : tokenizer.sentences()) {
    if (sentence.first >= sentence.last) continue;
    const uint32_t begin = tokens[sentence.first].begin;
    const uint32_t length = tokens[sentence.last - 1].end - begin;
    if (length >= kSentenceBytesMin && length <= kSentenceBytesMax) ranges.push_back({begin, length});
  }
  if (!ranges.empty() || tokens.empty()) return ranges;
  const uint32_t begin = tokens.front().begin;
  size_t end = std::min<size_t>(tokens.back().end, begin + kSentenceBytesMax);
  while (end > begin && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  if (end > begin) ranges.push_back({begin, static_cast<uint32_t>(end - begin)});
  return ranges;
}

bool Speaks(std::string_view text, std::string_view name) {
  if (name.empty()) return false;
  const bool begins_anywhere = static_cast<unsigned char>(name.front()) >= 0x80;
  const bool ends_anywhere = static_cast<unsigned char>(name.back()) >= 0x80;
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    size_t end = at + name.size();
    if (!begins_anywhere && at > 0 && IsWordByte(text[at - 1])) continue;
    if (end < text.size() && text[end] == 's') ++end;
    if (ends_anywhere || end >= text.size() || !IsWordByte(text[end])) return true;
  }
  return false;
}

std::vector<size_t> PickCovering(std::span<const Candidate> candidates, std::span<const double> weights, size_t most) {
  std::vector<double> left(weights.begin(), weights.end());
  std::vector<size_t> picked;
  while (picked.size() < most) {
    size_t best = candidates.size();
    double best_gain = 0;
    for (size_t i = 0; i < candidates.size(); ++i) {
      double gain = 0;
      for (const uint32_t name : candidates[i].names) gain += left[name];
      if (gain > best_gain) best = i, best_gain = gain;
    }
    if (best == candidates.size()) break;
    for (const uint32_t name : candidates[best].names) left[name] = 0;
    picked.push_back(best);
  }
  return picked;
}

}  // namespace rhizome::communities
