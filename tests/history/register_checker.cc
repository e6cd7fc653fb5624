#include "history/register_checker.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>

namespace rhizome::history {

namespace {

using Kind = Observation::Kind;

// What the search needs: certain operations, and the unknown writes that somebody may have seen. An unknown write that
// nobody read can always be put at the end of time; an unknown delete only if nobody read absence after its call.
History Relevant(const History& history) {
  std::map<uint64_t, int64_t> last_read_ns;  // content -> the latest return of a read of it
  for (const Observation& seen : history) {
    if (seen.kind != Kind::kRead || seen.outcome != Outcome::kOk) continue;
    int64_t& last = last_read_ns[seen.content];
    last = std::max(last, seen.returned_ns);
  }
  History relevant;
  for (const Observation& seen : history) {
    if (seen.outcome == Outcome::kOk) relevant.push_back(seen);
    if (seen.outcome != Outcome::kUnknown || seen.kind == Kind::kRead) continue;
    const auto read = last_read_ns.find(seen.content);
    if (read == last_read_ns.end() || read->second < seen.called_ns) continue;
    relevant.push_back(seen);
    relevant.back().returned_ns = kNever;
  }
  std::sort(relevant.begin(), relevant.end(), [](const Observation& a, const Observation& b) {
    return a.called_ns != b.called_ns ? a.called_ns < b.called_ns : a.returned_ns < b.returned_ns;
  });
  return relevant;
}

// Depth-first search over (operations done, content). `done` is kept as the set of operations; all before `first` are.
class Search {
 public:
  Search(const History& history, uint64_t configurations_max)
      : history_(history), done_(history.size(), false), configurations_max_(configurations_max) {}

  Verdict Run() {
    const bool found = Explore(0);
    Verdict verdict;
    verdict.configurations = configurations_;
    if (found) return verdict;
    verdict.kind = configurations_ > configurations_max_ ? Verdict::Kind::kUndecided : Verdict::Kind::kViolated;
    verdict.reason = "no order of the operations explains what was read; the furthest explanation ends at: ";
    if (furthest_ < history_.size()) verdict.reason += history_[furthest_].ToString();
    return verdict;
  }

 private:
  bool AllCertainDone() const {
    for (size_t i = first_; i < history_.size(); ++i) {
      if (!done_[i] && history_[i].returned_ns != kNever) return false;
    }
    return true;
  }

  // The earliest return among what is not done: whatever was called later cannot come first.
  int64_t EarliestReturn() const {
    int64_t earliest = kNever;
    for (size_t i = first_; i < history_.size() && history_[i].called_ns <= earliest; ++i) {
      if (!done_[i]) earliest = std::min(earliest, history_[i].returned_ns);
    }
    return earliest;
  }

  std::vector<size_t> Candidates() {
    while (first_ < history_.size() && done_[first_]) ++first_;
    furthest_ = std::max(furthest_, first_);
    const int64_t earliest = EarliestReturn();
    std::vector<size_t> candidates;
    for (size_t i = first_; i < history_.size() && history_[i].called_ns <= earliest; ++i) {
      if (!done_[i]) candidates.push_back(i);
    }
    return candidates;
  }

  std::string Configuration(uint64_t content) const {
    std::string key(reinterpret_cast<const char*>(&content), sizeof content);
    key.append(reinterpret_cast<const char*>(&first_), sizeof first_);
    size_t last = history_.size();
    while (last > first_ && !done_[last - 1]) --last;
    for (size_t i = first_; i < last; ++i) key.push_back(done_[i] ? '1' : '0');
    return key;
  }

  bool Explore(uint64_t content) {
    const size_t first_before = first_;
    std::vector<size_t> absorbed;
    const bool found = ExploreFrom(content, absorbed);
    for (const size_t i : absorbed) done_[i] = false;
    first_ = first_before;
    return found;
  }

  bool ExploreFrom(uint64_t content, std::vector<size_t>& absorbed) {
    // A read that fits changes nothing, so taking it at once loses no explanation.
    std::vector<size_t> candidates;
    for (bool progress = true; progress;) {
      progress = false;
      candidates = Candidates();
      for (const size_t i : candidates) {
        if (history_[i].kind != Kind::kRead || history_[i].content != content) continue;
        done_[i] = true;
        absorbed.push_back(i);
        progress = true;
      }
    }
    if (AllCertainDone()) return true;
    if (!visited_.insert(Configuration(content)).second) return false;
    if (++configurations_ > configurations_max_) return false;
    for (const size_t i : candidates) {
      if (history_[i].kind == Kind::kRead) continue;
      done_[i] = true;
      const bool found = Explore(history_[i].content);
      done_[i] = false;
      if (found) return true;
      if (configurations_ > configurations_max_) return false;
    }
    return false;
  }

  const History& history_;
  std::vector<bool> done_;
  const uint64_t configurations_max_;
  uint64_t configurations_ = 0;
  size_t first_ = 0;
  size_t furthest_ = 0;
  std::unordered_set<std::string> visited_;
};

}  // namespace

Verdict CheckRegister(const History& history, uint64_t configurations_max) {
  const History relevant = Relevant(history);
  return Search(relevant, configurations_max).Run();
}

std::string CheckVersionOrder(const History& history) {
  std::map<Version, const Observation*> contents;
  std::vector<const Observation*> by_call;
  for (const Observation& seen : history) {
    if (seen.outcome != Outcome::kOk || !seen.version) continue;
    by_call.push_back(&seen);
    if (*seen.version == Version{}) continue;  // never written
    const auto [known, fresh] = contents.emplace(*seen.version, &seen);
    if (!fresh && known->second->content != seen.content) {
      return "one version has two contents: " + known->second->ToString() + "; " + seen.ToString();
    }
  }
  std::vector<const Observation*> by_return = by_call;
  std::sort(by_call.begin(), by_call.end(), [](auto* a, auto* b) { return a->called_ns < b->called_ns; });
  std::sort(by_return.begin(), by_return.end(), [](auto* a, auto* b) { return a->returned_ns < b->returned_ns; });
  // A delete that is everywhere is forgotten in the end, also one whose client never heard of it.
  const bool forgotten = std::any_of(history.begin(), history.end(), [](const Observation& seen) {
    return seen.kind == Kind::kWrite && seen.content == 0 && seen.outcome == Outcome::kUnknown;
  });
  const Observation* highest = nullptr;
  size_t returned = 0;
  for (const Observation* seen : by_call) {
    for (; returned < by_return.size() && by_return[returned]->returned_ns < seen->called_ns; ++returned) {
      if (highest == nullptr || *by_return[returned]->version > *highest->version) highest = by_return[returned];
    }
    if (highest == nullptr) continue;
    if (*seen->version == Version{} && (forgotten || highest->content == 0)) continue;
    const bool below =
        seen->kind == Kind::kWrite ? *seen->version <= *highest->version : *seen->version < *highest->version;
    if (below) return "goes back in time: " + highest->ToString() + "; then " + seen->ToString();
  }
  return "";
}

}  // namespace rhizome::history
