#include "extract/resolve.h"

#include <algorithm>
#include <array>

#include "extract/similarity.h"
#include "format/entity_name.h"

namespace rhizome::extract {
namespace {

constexpr size_t kBandRows = 2;
constexpr size_t kSlipLettersMin = 6;
constexpr size_t kLoneSlipLettersMin = 8;
constexpr double kSlipMin = 0.93;

constexpr std::array<std::string_view, 16> kLegalForms{
    "inc",  "ltd", "llc", "corp", "corporation", "company", "co",  "plc",
    "gmbh", "ag",  "sa",  "the",  "limited",     "group",   "&co", "incorporated"};
constexpr std::array<std::string_view, 14> kRoman{"ii", "iii", "iv", "v",   "vi",   "vii", "viii",
                                                  "ix", "x",   "xi", "xii", "xiii", "xiv", "xv"};

std::string_view Bare(std::string_view word) {
  while (!word.empty() && (word.back() == '.' || word.back() == ',')) word.remove_suffix(1);
  return word;
}

bool IsNumberWord(std::string_view word) {
  if (std::ranges::find(kRoman, word) != kRoman.end()) return true;
  return std::ranges::any_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

bool IsInitial(std::string_view word) { return word.size() == 1 && word[0] >= 'a' && word[0] <= 'z'; }

struct Parts {
  std::vector<std::string_view> words;  // without brackets, legal forms and numbers
  std::vector<std::string_view> numbers;
  std::string_view bracket;
  bool legal = false;  // a legal form was left out
};

// "j.k. rowling" has the words j, k and rowling.
void AddWords(std::string_view word, Parts& parts) {
  word = Bare(word);
  if (word.size() >= 3 && word.size() <= 8 && word[1] == '.' && IsInitial(word.substr(0, 1))) {
    bool initials = true;
    for (size_t i = 0; i < word.size(); ++i)
      initials = initials && (i % 2 == 0 ? IsInitial(word.substr(i, 1)) : word[i] == '.');
    if (initials) {
      for (size_t i = 0; i < word.size(); i += 2) parts.words.push_back(word.substr(i, 1));
      return;
    }
  }
  if (word.empty()) return;
  if (IsNumberWord(word)) {
    parts.numbers.push_back(word);
  } else if (std::ranges::find(kLegalForms, word) != kLegalForms.end()) {
    parts.legal = true;
  } else {
    parts.words.push_back(word);
  }
}

Parts PartsOf(std::string_view key) {
  Parts parts;
  // Surrounding punctuation is gone from a normal form: the closing bracket too.
  if (const size_t open = key.rfind(" ("); open != std::string_view::npos && open > 0) {
    parts.bracket = key.substr(open + 2);
    if (parts.bracket.ends_with(')')) parts.bracket.remove_suffix(1);
    key = key.substr(0, open);
  }
  for (const std::string_view word : NameWords(key)) AddWords(word, parts);
  return parts;
}

bool IsSlip(std::string_view a, std::string_view b, size_t letters_min) {
  if (std::min(a.size(), b.size()) < letters_min || a[0] != b[0]) return false;
  // A plural or another ending is another word more often than a slip.
  const size_t shorter = std::min(a.size(), b.size());
  if (a.substr(0, shorter) == b.substr(0, shorter)) return false;
  return JaroWinkler(a, b) >= kSlipMin;
}

// Words one by one: equal, an initial of one another, or a slip. The score, or nothing.
std::optional<NameVerdict> CompareAligned(const std::vector<std::string_view>& a,
                                          const std::vector<std::string_view>& b) {
  size_t initials = 0, slips = 0, equal = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) {
      equal += IsInitial(a[i]) ? 0 : 1;
    } else if ((IsInitial(a[i]) || IsInitial(b[i])) && a[i][0] == b[i][0] && i + 1 < a.size()) {
      ++initials;
    } else if (IsSlip(a[i], b[i], a.size() == 1 ? kLoneSlipLettersMin : kSlipLettersMin)) {
      ++slips;
    } else {
      return std::nullopt;
    }
  }
  if (slips + (initials > 0 ? 1 : 0) > 1) return std::nullopt;
  if (initials > 0) return equal > 0 ? std::optional<NameVerdict>({.88, MergeReason::kInitials}) : std::nullopt;
  if (slips > 0) return NameVerdict{a.size() == 1 ? .86 : .9, MergeReason::kSpelling};
  return NameVerdict{.97, MergeReason::kWords};
}

// The values that are there most often, of equally frequent ones the smaller.
std::vector<uint32_t> MostOften(std::vector<uint32_t> values, size_t count_max) {
  std::ranges::sort(values);
  std::vector<std::pair<uint32_t, uint32_t>> counted;  // times, value
  for (const uint32_t value : values) {
    if (counted.empty() || counted.back().second != value) counted.emplace_back(0, value);
    ++counted.back().first;
  }
  const auto more = [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  };
  const size_t count = std::min(count_max, counted.size());
  std::partial_sort(counted.begin(), counted.begin() + static_cast<std::ptrdiff_t>(count), counted.end(), more);
  std::vector<uint32_t> best;
  for (size_t i = 0; i < count; ++i) best.push_back(counted[i].second);
  return best;
}

// "John A. Smith" and "John Smith": initials in the middle that only one has.
std::vector<std::string_view> WithoutMiddleInitials(const std::vector<std::string_view>& words) {
  std::vector<std::string_view> kept;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i == 0 || i + 1 == words.size() || !IsInitial(words[i])) kept.push_back(words[i]);
  }
  return kept;
}

// What two names that can be the same always share: numbers, what is in brackets, and the letters that the first and
// the last word begin with, in any order.
uint64_t SignatureOf(const Parts& parts) {
  std::string text(parts.bracket);
  for (const std::string_view number : parts.numbers) text.append("\n").append(number);
  const char first = parts.words.front()[0], last = parts.words.back()[0];
  text += '\n';
  text += std::min(first, last);
  text += std::max(first, last);
  return Checksum(text);
}

std::optional<NameVerdict> CompareParts(std::string_view key_a, const Parts& a, std::string_view key_b) {
  if (key_a.empty() || key_b.empty()) return std::nullopt;
  if (key_a == key_b) return NameVerdict{1, MergeReason::kName};
  const Parts b = PartsOf(key_b);
  if (a.bracket != b.bracket || a.numbers != b.numbers || a.words.empty() || b.words.empty()) return std::nullopt;
  if (a.words.size() == b.words.size()) {
    if (const auto aligned = CompareAligned(a.words, b.words)) {
      // A legal form alone makes "Apple Inc" of an apple.
      if (aligned->reason == MergeReason::kWords && a.words.size() == 1 && a.legal != b.legal)
        return NameVerdict{.85, MergeReason::kWords};
      return aligned;
    }
  } else {
    const auto short_a = WithoutMiddleInitials(a.words), short_b = WithoutMiddleInitials(b.words);
    const bool full = short_a == short_b && short_a.size() >= 2 && !IsInitial(short_a[0]);
    if (full) return NameVerdict{.92, MergeReason::kInitials};
  }
  // "Smith, John" and "John Smith".
  std::vector<std::string_view> sorted_a = a.words, sorted_b = b.words;
  std::ranges::sort(sorted_a);
  std::ranges::sort(sorted_b);
  const bool turned = sorted_a == sorted_b && sorted_a.size() == 2 && (key_a.find(',') != key_b.find(','));
  return turned ? std::optional<NameVerdict>({.93, MergeReason::kWords}) : std::nullopt;
}

}  // namespace

std::string_view MergeReasonName(MergeReason reason) {
  switch (reason) {
    case MergeReason::kName: return "name";
    case MergeReason::kAlias: return "alias";
    case MergeReason::kWords: return "words";
    case MergeReason::kInitials: return "initials";
    case MergeReason::kSpelling: return "spelling";
  }
  return "name";
}

std::optional<NameVerdict> CompareNames(std::string_view key_a, std::string_view key_b) {
  return CompareParts(key_a, PartsOf(key_a), key_b);
}

std::vector<uint64_t> BlocksOf(std::string_view key) {
  const Parts parts = PartsOf(key);
  std::vector<uint64_t> blocks;
  if (parts.words.empty()) return blocks;
  const uint64_t signature = SignatureOf(parts);
  const auto add = [&](uint64_t kind, std::string_view text) { blocks.push_back(Checksum(text, signature + kind)); };
  if (parts.words.size() >= 2) {
    add(0, std::string(parts.words.back()).append(" ").append(parts.words.front().substr(0, 1)));
  }
  std::vector<std::string_view> sorted = parts.words;
  std::ranges::sort(sorted);
  std::string words;
  for (const std::string_view word : sorted) words.append(word).append(" ");
  add(1, words);
  const auto minima = MinHash(words);
  for (size_t band = 0; band < kMinHashes / kBandRows; ++band) {
    const std::string_view rows(reinterpret_cast<const char*>(&minima[band * kBandRows]), kBandRows * sizeof(uint32_t));
    add(band + 2, rows);
  }
  return blocks;
}

bool Resolver::MayMerge(const Record& a, const Record& b, MergeReason reason) const {
  if (a.id == b.id) return false;
  if (a.type != b.type && a.type != EntityType::kOther && b.type != EntityType::kOther) return false;
  if (a.type == EntityType::kDate || a.type == EntityType::kNumber || b.type == EntityType::kDate ||
      b.type == EntityType::kNumber) {
    return false;
  }
  return reason == MergeReason::kName || std::max(a.degree, b.degree) <= options_.hub_degree_max;
}

void Resolver::AddNames(uint32_t index, const std::vector<std::string>& aliases,
                        std::vector<MergeProposal>& proposals) {
  const auto offer = [&](uint32_t other, double score, MergeReason reason) {
    if (MayMerge(records_[index], records_[other], reason))
      proposals.push_back({records_[other].id, records_[index].id, score, reason});
  };
  const auto meet = [&](const auto& map, const std::string& key, double score, MergeReason reason) {
    const auto found = map.find(key);
    if (found == map.end()) return;
    Postings others = found->second;
    std::erase(others, index);
    if (others.size() == 1 || reason == MergeReason::kName) {
      for (const uint32_t other : others) offer(other, score, reason);
    }
  };
  const auto put = [&](auto& map, const std::string& key) {
    Postings& postings = map[key];
    if (postings.size() < options_.block_max && std::ranges::find(postings, index) == postings.end())
      postings.push_back(index);
  };
  const std::string key = records_[index].key;
  meet(names_, key, 1, MergeReason::kName);
  meet(aliases_, key, .95, MergeReason::kAlias);
  put(names_, key);
  for (const std::string& alias : aliases) {
    const std::string alias_key = format::EntityName(alias);
    if (alias_key.size() < 2 || alias_key == key) continue;
    meet(names_, alias_key, .95, MergeReason::kAlias);
    put(aliases_, alias_key);
  }
}

void Resolver::AddBlocks(uint32_t index, std::vector<MergeProposal>& proposals) {
  std::vector<uint32_t> seen;
  for (const uint64_t block : BlocksOf(records_[index].key)) {
    Postings& postings = blocks_[block];
    if (postings.size() >= options_.block_max) continue;  // too common to say anything
    seen.insert(seen.end(), postings.begin(), postings.end());
    postings.push_back(index);
  }
  const std::vector<uint32_t> candidates = MostOften(std::move(seen), options_.candidates_max);
  const Parts parts = PartsOf(records_[index].key);
  std::vector<MergeProposal> initials;
  for (const uint32_t other : candidates) {
    const auto verdict = CompareParts(records_[index].key, parts, records_[other].key);
    if (!verdict || verdict->reason == MergeReason::kName || verdict->score < options_.score_min) continue;
    if (!MayMerge(records_[index], records_[other], verdict->reason)) continue;
    auto& to = verdict->reason == MergeReason::kInitials ? initials : proposals;
    to.push_back({records_[other].id, records_[index].id, verdict->score, verdict->reason});
  }
  // "J. Smith" that could be John or Jane is neither.
  if (initials.size() == 1) proposals.push_back(initials[0]);
}

std::vector<MergeProposal> Resolver::Add(const EntityRecord& entity) {
  std::vector<MergeProposal> proposals;
  if (entity.key.empty()) return proposals;
  const auto [known, fresh] = by_id_.emplace(entity.id, static_cast<uint32_t>(records_.size()));
  if (fresh) records_.push_back({entity.id, entity.key, entity.type, entity.degree});
  const uint32_t index = known->second;
  Record& record = records_[index];
  record.degree = std::max(record.degree, entity.degree);
  if (record.type == EntityType::kOther) record.type = entity.type;
  if (!fresh && entity.aliases.empty()) return proposals;
  AddNames(index, entity.aliases, proposals);
  if (fresh) AddBlocks(index, proposals);
  std::ranges::sort(proposals, [](const MergeProposal& a, const MergeProposal& b) {
    if (a.keep != b.keep) return a.keep < b.keep;
    return a.score > b.score;
  });
  const auto repeated = std::ranges::unique(proposals, {}, &MergeProposal::keep);
  proposals.erase(repeated.begin(), repeated.end());
  std::ranges::sort(proposals, [](const MergeProposal& a, const MergeProposal& b) {
    return a.score != b.score ? a.score > b.score : a.keep < b.keep;
  });
  return proposals;
}

}  // namespace rhizome::extract
