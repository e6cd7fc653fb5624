#include "engines/vector/payload_index_segment.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace rhizome::vector {
namespace {

// Calls `visit(number)` for each 32-bit number of an array list.
template <typename Visit>
void ForEachNumber(std::string_view bytes, const Visit& visit) {
  for (size_t at = 0; at + sizeof(uint32_t) <= bytes.size(); at += sizeof(uint32_t)) {
    uint32_t number;
    std::memcpy(&number, bytes.data() + at, sizeof(number));
    visit(number);
  }
}

// Calls `visit(first number, word)` for each 64 numbers of a bitmap list.
template <typename Visit>
void ForEachWord(std::string_view bytes, const Visit& visit) {
  uint64_t base = 0;
  if (bytes.size() < sizeof(base)) return;
  std::memcpy(&base, bytes.data(), sizeof(base));
  for (size_t at = sizeof(base); at + sizeof(uint64_t) <= bytes.size(); at += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + at, sizeof(word));
    visit(base, word);
    base += 64;
  }
}

}  // namespace

PayloadSegment::PayloadSegment(std::unique_ptr<SegmentFile> file, std::string name)
    : file_(std::move(file)), name_(std::move(name)) {
  if (file_->section_count() != kSectionCount) return;
  lists_ = file_->Items<ListEntry>(kLists);
  path_ends_ = file_->Items<uint32_t>(kPathEnds);
  elements_ = file_->Items<MemoryPayloadPart::Element>(kElementTable);
}

Status PayloadSegment::Check() const {
  if (file_->section_count() != kSectionCount || lists_.empty() || elements_.size() >= kNoElement ||
      elements_.size_bytes() != file_->section(kElementTable).size() ||
      path_ends_.size_bytes() != file_->section(kPathEnds).size()) {
    return Status::Corruption("payload segment " + name_ + ": bad sections");
  }
  return Status::Ok();
}

Result<std::shared_ptr<const PayloadSegment>> PayloadSegment::Open(io::Disk& disk, const std::string& directory,
                                                                   const std::string& name) {
  ASSIGN_OR_RETURN(auto file, SegmentFile::Open(disk, directory + "/" + name, SegmentKind::kPayload));
  return FromFile(std::move(file), name);
}

Result<std::shared_ptr<const PayloadSegment>> PayloadSegment::FromFile(std::unique_ptr<SegmentFile> file,
                                                                       std::string name) {
  std::shared_ptr<const PayloadSegment> segment(new PayloadSegment(std::move(file), std::move(name)));
  RETURN_IF_ERROR(segment->Check());
  return segment;
}

SegmentInfo PayloadSegment::info() const {
  return {name_, first_slot(), end_slot(), file_->summary().documents, file_->bytes()};
}

std::string_view PayloadSegment::Path(size_t number) const {
  const std::string_view bytes = file_->section(kPathBytes);
  const uint32_t start = number == 0 ? 0 : path_ends_[number - 1];
  const uint32_t end = path_ends_[number];
  return start <= end && end <= bytes.size() ? bytes.substr(start, end - start) : std::string_view();
}

std::optional<uint32_t> PayloadSegment::FindPath(std::string_view path) const {
  size_t low = 0;
  size_t high = path_count();
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (Path(middle) < path) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == path_count() || Path(low) != path) return std::nullopt;
  return static_cast<uint32_t>(low);
}

std::pair<size_t, size_t> PayloadSegment::Between(const ListKey& low, const ListKey& high) const {
  const auto lists = lists_.first(list_count());
  const auto first = std::ranges::lower_bound(lists, low, {}, &ListEntry::Key);
  const auto end = std::ranges::upper_bound(lists, high, {}, &ListEntry::Key);
  const auto from = static_cast<size_t>(first - lists.begin());
  return {from, std::max(from, static_cast<size_t>(end - lists.begin()))};
}

std::string_view PayloadSegment::Bytes(size_t list) const {
  const std::string_view postings = file_->section(kPostings);
  const uint64_t start = lists_[list].offset;
  const uint64_t end = lists_[list + 1].offset;
  return start <= end && end <= postings.size() ? postings.substr(start, end - start) : std::string_view();
}

void PayloadSegment::Collect(const ListKey& low, const ListKey& high, BitRange& into) const {
  const auto [first, end] = Between(low, high);
  for (size_t list = first; list < end; ++list) {
    if (lists_[list].form == 0) {
      ForEachNumber(Bytes(list), [&](uint32_t number) { into.Add(number); });
      continue;
    }
    ForEachWord(Bytes(list), [&](uint64_t base, uint64_t word) {
      const uint64_t at = (base - into.base) / 64;
      if (base >= into.base && base % 64 == 0 && at < into.words.size()) into.words[at] |= word;
    });
  }
}

ListSizes PayloadSegment::SizesBetween(const ListKey& low, const ListKey& high) const {
  const auto [first, end] = Between(low, high);
  const uint64_t count = end - first;
  if (count == 0 || lists_[end].start < lists_[first].start) return {};
  const uint64_t total = lists_[end].start - lists_[first].start;
  return {total, (total + count - 1) / count, std::min<uint64_t>(count, 2)};
}

void PayloadSegment::AppendNumbers(size_t list, std::vector<uint32_t>& numbers) const {
  if (lists_[list].form == 0) {
    ForEachNumber(Bytes(list), [&](uint32_t number) { numbers.push_back(number); });
    return;
  }
  ForEachWord(Bytes(list), [&](uint64_t base, uint64_t word) {
    for (; word != 0; word &= word - 1) {
      numbers.push_back(static_cast<uint32_t>(base + static_cast<uint64_t>(std::countr_zero(word))));
    }
  });
}

}  // namespace rhizome::vector
