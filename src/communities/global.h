// GlobalIndex: which communities a question is about, by the words and, where an embedder is given, the meaning of
// their titles and summaries. In memory, of one book; the texts themselves are not kept, only hashes of their words and
// their vectors.
//
//   score = average of both, each from 0 to 1:
//     words     BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009; k1 1.2,
//               b 0.75), as a share of what a text would get that has each of the question's words often
//     meaning   cosine of the vectors, those below 0 as 0; left out where there is no embedder
//
// Constant once made, so thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status.h"
#include "communities/book.h"
#include "communities/view.h"

namespace rhizome::communities {

// Unit vectors of texts, all of one length, with the embedder of a collection. An empty list: it has none.
using EmbedTexts = std::function<Result<std::vector<std::vector<float>>>(const std::string& collection,
                                                                         const std::vector<std::string>&)>;

struct ScoredPlace {
  Book::Place place;
  double score = 0;
  double words = 0;
  double meaning = 0;
};

class GlobalIndex {
 public:
  static constexpr size_t kCommunitiesMax = 10'000;  // of a memory; the largest
  static constexpr size_t kVectorsMax = 2'000;       // the largest of those

  // Of communities with two entities or more, each where it is at home (Book::HomeOf). What `before` knows of
  // communities that are the same is not read again. Errors are those of reading and embedding.
  static Result<GlobalIndex> Make(const Source& source, const Book& book, const EmbedTexts& embed,
                                  const GlobalIndex* before, const std::function<bool()>& cancelled);

  // Best first, equal scores by place in the index; those with a score above 0. `vector` is the question's, empty where
  // there is none.
  std::vector<ScoredPlace> Search(std::string_view question, const std::vector<float>& vector, size_t limit) const;
  size_t size() const { return entries_.size(); }
  bool has_vectors() const;

 private:
  struct Entry {
    Book::Place place;
    uint64_t mark = 0;                                  // of the community: the same, and its text is the same
    std::vector<std::pair<uint64_t, uint32_t>> counts;  // of its words, ascending
    uint32_t words = 0;
    std::vector<float> vector;
    bool embedded = false;  // or there is no embedder
  };
  void Add(Entry entry);
  // Reads, counts and embeds what `entries` have not; those that are gone are left out.
  static Status Fill(const Source& source, const Book& book, const EmbedTexts& embed, size_t vectors,
                     std::vector<Entry>& entries);

  std::vector<Entry> entries_;
  std::unordered_map<uint64_t, std::vector<std::pair<uint32_t, uint32_t>>> postings_;  // word -> entry, count
  uint64_t words_ = 0;
};

}  // namespace rhizome::communities
