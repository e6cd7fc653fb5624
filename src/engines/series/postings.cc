#include "engines/series/postings.h"

#include <algorithm>

#include "base/check.h"

namespace rhizome::series {
namespace {

constexpr size_t kRecentMin = 64;

bool ByText(const std::pair<const std::string, Postings>* a, const std::pair<const std::string, Postings>* b) {
  return a->first < b->first;
}

// Keeps the largest of what it is offered.
class Largest {
 public:
  explicit Largest(size_t top) : top_(top) {}
  // `name` is called for what may be among them.
  template <typename Name>
  void Offer(uint64_t count, Name name) {
    if (top_ == 0 || (kept_.size() == top_ && count < kept_.front().count)) return;
    kept_.push_back({name(), count});
    std::push_heap(kept_.begin(), kept_.end(), IsLarger);
    if (kept_.size() <= top_) return;
    std::pop_heap(kept_.begin(), kept_.end(), IsLarger);
    kept_.pop_back();
  }
  std::vector<NamedCount> Take() {
    std::sort(kept_.begin(), kept_.end(), IsLarger);
    return std::move(kept_);
  }

 private:
  static bool IsLarger(const NamedCount& a, const NamedCount& b) {
    return a.count != b.count ? a.count > b.count : a.name < b.name;
  }

  const size_t top_;
  std::vector<NamedCount> kept_;  // a heap, the least in front
};

}  // namespace

void Postings::Add(SeriesNumber series) {
  CHECK(series != kNone);
  if (many_) {
    many_->add(series);
  } else if (one_ == kNone) {
    one_ = series;
  } else if (one_ != series) {
    many_ = std::make_unique<SeriesSet>();
    many_->add(one_);
    many_->add(series);
    one_ = kNone;
  }
}

void Postings::Remove(SeriesNumber series) {
  if (one_ == series) one_ = kNone;
  if (!many_) return;
  many_->remove(series);
  if (many_->cardinality() > 1) return;
  one_ = many_->isEmpty() ? kNone : many_->minimum();
  many_.reset();
}

bool Postings::Intersects(const SeriesSet& set) const {
  return many_ ? many_->intersect(set) : one_ != kNone && set.contains(one_);
}

void Postings::AddTo(SeriesSet& set) const {
  if (many_) {
    set |= *many_;
  } else if (one_ != kNone) {
    set.add(one_);
  }
}

uint64_t Postings::memory_bytes() const { return many_ ? sizeof(SeriesSet) + many_->getSizeInBytes(false) : 0; }

void PostingsIndex::Add(SeriesNumber series, format::LabelsView labels) {
  all_.add(series);
  for (const auto& [name, value] : labels) {
    auto at = labels_.find(name);
    if (at == labels_.end()) at = labels_.try_emplace(std::string(name)).first;
    Label& label = at->second;
    auto found = label.by_value.find(value);
    if (found == label.by_value.end()) {
      found = label.by_value.try_emplace(std::string(value)).first;
      label.recent.push_back(&*found);
      if (label.recent.size() >= kRecentMin + label.sorted.size() / 8) MergeRecent(label);
      ++label.vacant;
    }
    if (found->second.empty()) {
      --label.vacant;
      ++pairs_;
    }
    found->second.Add(series);
  }
}

void PostingsIndex::Remove(SeriesNumber series, format::LabelsView labels) {
  all_.remove(series);
  for (const auto& [name, value] : labels) {
    const auto at = labels_.find(name);
    CHECK(at != labels_.end());
    Label& label = at->second;
    const auto found = label.by_value.find(value);
    CHECK(found != label.by_value.end() && !found->second.empty());
    found->second.Remove(series);
    if (!found->second.empty()) continue;
    --pairs_;
    if (++label.vacant == label.by_value.size()) {
      labels_.erase(at);
    } else if (label.vacant > kRecentMin + label.by_value.size() / 2) {
      DropVacant(label);
    }
  }
}

void PostingsIndex::MergeRecent(Label& label) {
  std::sort(label.recent.begin(), label.recent.end(), ByText);
  const auto middle = static_cast<ptrdiff_t>(label.sorted.size());
  label.sorted.insert(label.sorted.end(), label.recent.begin(), label.recent.end());
  std::inplace_merge(label.sorted.begin(), label.sorted.begin() + middle, label.sorted.end(), ByText);
  label.recent.clear();
}

void PostingsIndex::DropVacant(Label& label) {
  const auto vacant = [](Entry entry) { return entry->second.empty(); };
  std::erase_if(label.sorted, vacant);
  std::erase_if(label.recent, vacant);
  std::erase_if(label.by_value, [](const auto& entry) { return entry.second.empty(); });
  label.vacant = 0;
}

const PostingsIndex::Label* PostingsIndex::Find(std::string_view name) const {
  const auto found = labels_.find(name);
  return found == labels_.end() ? nullptr : &found->second;
}

void PostingsIndex::VisitRange(const Label& label, const format::Matcher& matcher,
                               const std::function<void(Entry)>& visit) {
  auto from = label.sorted.begin();
  auto to = label.sorted.end();
  if (!matcher.low().empty() || !matcher.high().empty()) {
    from = std::partition_point(from, to, [&](Entry entry) { return entry->first < matcher.low(); });
    to = std::partition_point(from, to, [&](Entry entry) { return entry->first <= matcher.high(); });
  }
  for (; from != to; ++from) visit(*from);
  for (const Entry entry : label.recent) visit(entry);
}

void PostingsIndex::Unite(const Label& label, const format::Matcher& matcher, bool accepted, SeriesSet& set) {
  if (accepted && matcher.is_literal()) {
    for (const std::string& literal : matcher.literals()) {
      if (const auto found = label.by_value.find(literal); found != label.by_value.end()) found->second.AddTo(set);
    }
    return;
  }
  const auto visit = [&](Entry entry) {
    if (matcher.Accepts(entry->first) == accepted) entry->second.AddTo(set);
  };
  if (accepted) return VisitRange(label, matcher, visit);
  for (const auto& entry : label.by_value) visit(&entry);
}

SeriesSet PostingsIndex::Select(std::span<const format::Matcher> matchers) const {
  SeriesSet result;
  bool first = true;
  // A matcher that the empty value does not satisfy selects series that have the label: those narrow the result first.
  for (const format::Matcher& matcher : matchers) {
    if (matcher.Matches("")) continue;
    const Label* const label = Find(matcher.name());
    if (label == nullptr) return {};
    SeriesSet selected;
    Unite(*label, matcher, !matcher.negated(), selected);
    if (first) {
      result = std::move(selected);
    } else {
      result &= selected;
    }
    first = false;
    if (result.isEmpty()) return result;
  }
  if (first) result = all_;
  // The others take away series whose label has a value that does not match.
  for (const format::Matcher& matcher : matchers) {
    const Label* const label = matcher.Matches("") ? Find(matcher.name()) : nullptr;
    if (label == nullptr) continue;
    SeriesSet refused;
    Unite(*label, matcher, matcher.negated(), refused);
    result -= refused;
  }
  return result;
}

uint64_t PostingsIndex::CountWith(std::string_view name, std::string_view value) const {
  const Label* const label = Find(name);
  if (!value.empty()) {
    if (label == nullptr) return 0;
    const auto found = label->by_value.find(value);
    return found == label->by_value.end() ? 0 : found->second.size();
  }
  uint64_t count = all_.cardinality();
  if (label == nullptr) return count;
  for (const auto& entry : label->by_value) count -= entry.second.size();
  return count;
}

std::vector<std::string> PostingsIndex::Names(const SeriesSet* within) const {
  std::vector<std::string> names;
  for (const auto& [name, label] : labels_) {
    const auto& values = label.by_value;
    if (within == nullptr || std::any_of(values.begin(), values.end(),
                                         [&](const auto& entry) { return entry.second.Intersects(*within); })) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> PostingsIndex::Values(std::string_view name, const SeriesSet* within) const {
  std::vector<std::string> values;
  const Label* const label = Find(name);
  if (label == nullptr) return values;
  for (const auto& [value, postings] : label->by_value) {
    if (within == nullptr ? !postings.empty() : postings.Intersects(*within)) values.push_back(value);
  }
  std::sort(values.begin(), values.end());
  return values;
}

Cardinalities PostingsIndex::MeasureCardinalities(size_t top) const {
  Largest metrics(top), values(top), bytes(top), pairs(top);
  for (const auto& [name, label] : labels_) {
    uint64_t value_count = 0, value_bytes = 0;
    for (const auto& [value, postings] : label.by_value) {
      if (postings.empty()) continue;
      const uint64_t series = postings.size();
      ++value_count;
      value_bytes += value.size();
      pairs.Offer(series, [&] { return name + "=" + value; });
      if (name == format::kMetricNameLabel) metrics.Offer(series, [&] { return value; });
    }
    values.Offer(value_count, [&] { return name; });
    bytes.Offer(value_bytes, [&] { return name; });
  }
  return {metrics.Take(), values.Take(), bytes.Take(), pairs.Take()};
}

uint64_t PostingsIndex::memory_bytes() const {
  constexpr uint64_t kNode = 2 * sizeof(void*);  // the map's link and stored hash
  const auto text = [](const std::string& s) { return s.capacity() > 15 ? s.capacity() + 1 : 0; };
  uint64_t bytes = all_.getSizeInBytes(false);
  for (const auto& [name, label] : labels_) {
    bytes += sizeof(std::pair<const std::string, Label>) + kNode + text(name);
    bytes += label.by_value.bucket_count() * sizeof(void*);
    bytes += (label.sorted.capacity() + label.recent.capacity()) * sizeof(Entry);
    for (const auto& [value, postings] : label.by_value) {
      bytes += sizeof(ByValue::value_type) + kNode + text(value) + postings.memory_bytes();
    }
  }
  return bytes;
}

}  // namespace rhizome::series
