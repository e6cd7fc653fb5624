// Similarity of names, in the normal form of format/entity_name.h. Pure, thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rhizome::extract {

// Between 0 and 1, over code points (Winkler, "String Comparator Metrics and Enhanced Decision Rules in the
// Fellegi-Sunter Model of Record Linkage", 1990; prefix of at most four, weight 0.1).
double JaroWinkler(std::string_view a, std::string_view b);

// The words of a name, at white space.
std::vector<std::string_view> NameWords(std::string_view key);

inline constexpr size_t kMinHashes = 16;
// Minima of so many hashes over the name's character trigrams, its ends padded (Broder, "On the resemblance and
// containment of documents", 1997): two names agree in one of them as often as their trigrams overlap (Jaccard).
std::array<uint32_t, kMinHashes> MinHash(std::string_view key);

}  // namespace rhizome::extract
