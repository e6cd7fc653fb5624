#include <algorithm>
#include <bit>
#include <numeric>

#include "engines/vector/payload_index_segment.h"

namespace rhizome::vector {
namespace {

// What the writer reads: a part whose lists come in the order of their path's name, list and value.
class Source {
 public:
  virtual ~Source() = default;
  virtual const PayloadPart& part() const = 0;
  virtual uint64_t documents() const = 0;
  virtual size_t path_count() const = 0;
  virtual std::string_view Path(size_t number) const = 0;
  virtual size_t list_count() const = 0;
  virtual ListKey Key(size_t list) const = 0;
  virtual void AppendNumbers(size_t list, std::vector<uint32_t>& numbers) const = 0;
};

class MemorySource final : public Source {
 public:
  explicit MemorySource(const MemoryPayloadPart& part) : part_(part) {
    std::vector<uint32_t> by_name(part.paths().size());
    std::iota(by_name.begin(), by_name.end(), 0);
    std::ranges::sort(by_name, {}, [&](uint32_t path) -> const std::string& { return part.paths()[path]; });
    std::vector<uint32_t> rank(by_name.size());
    for (uint32_t i = 0; i < by_name.size(); ++i) rank[by_name[i]] = i;
    for (const auto& entry : part.lists()) lists_.push_back(&entry);
    std::ranges::sort(lists_, {}, [&](const auto* entry) {
      ListKey key = entry->first;
      key.path = rank[key.path];
      return key;
    });
  }

  const PayloadPart& part() const override { return part_; }
  uint64_t documents() const override { return part_.documents(); }
  size_t path_count() const override { return part_.paths().size(); }
  std::string_view Path(size_t number) const override { return part_.paths()[number]; }
  size_t list_count() const override { return lists_.size(); }
  ListKey Key(size_t list) const override { return lists_[list]->first; }
  void AppendNumbers(size_t list, std::vector<uint32_t>& numbers) const override {
    numbers.insert(numbers.end(), lists_[list]->second.begin(), lists_[list]->second.end());
  }

 private:
  const MemoryPayloadPart& part_;
  std::vector<const std::pair<const ListKey, std::vector<uint32_t>>*> lists_;
};

class SegmentSource final : public Source {
 public:
  explicit SegmentSource(const PayloadSegment& part) : part_(part) {}

  const PayloadPart& part() const override { return part_; }
  uint64_t documents() const override { return part_.info().documents; }
  size_t path_count() const override { return part_.path_count(); }
  std::string_view Path(size_t number) const override { return part_.Path(number); }
  size_t list_count() const override { return part_.list_count(); }
  ListKey Key(size_t list) const override { return part_.KeyOf(list); }
  void AppendNumbers(size_t list, std::vector<uint32_t>& numbers) const override { part_.AppendNumbers(list, numbers); }

 private:
  const PayloadSegment& part_;
};

class Writer {
 public:
  // `live` may be null: every slot stays.
  Writer(std::vector<std::unique_ptr<Source>> sources, const SlotSet* live) : live_(live) {
    for (auto& source : sources) inputs_.push_back({std::move(source), {}, {}, 0});
  }

  Status Write(const SegmentPlace& place) {
    ASSIGN_OR_RETURN(file_, SegmentFileWriter::Create(place.disk, place.directory, place.name));
    JoinPaths();
    RETURN_IF_ERROR(JoinElements());
    WriteLists();
    file_->EndSection();
    file_->AppendItems(std::span<const PayloadSegment::ListEntry>(entries_));
    file_->EndSection();
    WritePaths();
    file_->AppendItems(std::span<const MemoryPayloadPart::Element>(elements_));
    file_->EndSection();
    SegmentSummary summary{SegmentKind::kPayload, inputs_.front().source->part().first_slot(),
                           inputs_.back().source->part().end_slot(), 0};
    for (const Input& input : inputs_) summary.documents += input.source->documents();
    return file_->Publish(summary);
  }

 private:
  struct Input {
    std::unique_ptr<Source> source;
    std::vector<uint32_t> paths;     // its path numbers to those of the file
    std::vector<uint32_t> elements;  // its elements to those of the file, kNoElement for dropped ones
    size_t next = 0;                 // list to be written next
  };

  bool Kept(Slot slot) const { return live_ == nullptr || slot >= live_->size() || live_->Contains(slot); }

  void JoinPaths() {
    for (const Input& input : inputs_) {
      for (size_t i = 0; i < input.source->path_count(); ++i) paths_.emplace_back(input.source->Path(i));
    }
    std::ranges::sort(paths_);
    const auto repeated = std::ranges::unique(paths_);
    paths_.erase(repeated.begin(), repeated.end());
    for (Input& input : inputs_) {
      for (size_t i = 0; i < input.source->path_count(); ++i) {
        const auto at = std::ranges::lower_bound(paths_, input.source->Path(i));
        input.paths.push_back(static_cast<uint32_t>(at - paths_.begin()));
      }
    }
  }

  Status JoinElements() {
    for (Input& input : inputs_) {
      const PayloadPart& part = input.source->part();
      for (uint32_t element = 0; element < part.element_count(); ++element) {
        const uint32_t parent = part.ElementParent(element);
        const uint32_t path = part.ElementPath(element);
        if ((parent != kNoElement && parent >= element) || path >= input.paths.size()) {
          return Status::Corruption("payload segment: an element without a place");
        }
        input.elements.push_back(kNoElement);
        if (!Kept(part.ElementSlot(element))) continue;
        if (elements_.size() >= kNoElement - 1) return Status::ResourceExhausted("too many nested objects to merge");
        input.elements.back() = static_cast<uint32_t>(elements_.size());
        elements_.push_back(
            {parent == kNoElement ? kNoElement : input.elements[parent], input.paths[path], part.ElementSlot(element)});
      }
    }
    return Status::Ok();
  }

  // The key of the input's next list in the file's path numbers; nothing at its end.
  std::optional<ListKey> NextKey(const Input& input) const {
    if (input.next == input.source->list_count()) return std::nullopt;
    ListKey key = input.source->Key(input.next);
    if (key.path < input.paths.size()) key.path = input.paths[key.path];
    return key;
  }

  void WriteLists() {
    std::vector<uint32_t> raw;
    std::vector<uint32_t> numbers;
    while (true) {
      std::optional<ListKey> least;
      for (const Input& input : inputs_) {
        const auto key = NextKey(input);
        if (key && (!least || *key < *least)) least = key;
      }
      if (!least) break;
      numbers.clear();
      for (Input& input : inputs_) {
        if (NextKey(input) != least) continue;
        raw.clear();
        input.source->AppendNumbers(input.next++, raw);
        Translate(input, least->list, raw, numbers);
      }
      if (!numbers.empty()) WriteList(*least, numbers);
    }
    entries_.push_back({0xFFFFFFFF, 0xFF, 0, 0, 0, 0, written_, file_->section_size()});
  }

  void Translate(const Input& input, ListKind list, const std::vector<uint32_t>& raw, std::vector<uint32_t>& numbers) {
    const bool slots = list == ListKind::kSlotExists || list == ListKind::kSlotValue;
    for (const uint32_t number : raw) {
      if (slots) {
        if (Kept(number)) numbers.push_back(number);
      } else if (number < input.elements.size() && input.elements[number] != kNoElement) {
        numbers.push_back(input.elements[number]);
      }
    }
  }

  void WriteList(const ListKey& key, const std::vector<uint32_t>& numbers) {
    const uint32_t base = numbers.front() & ~uint32_t{63};
    const size_t words = (numbers.back() - base) / 64 + 1;
    const bool bitmap = (words + 1) * sizeof(uint64_t) < numbers.size() * sizeof(uint32_t);
    entries_.push_back({key.path, static_cast<uint8_t>(key.list), static_cast<uint8_t>(key.value.kind),
                        static_cast<uint16_t>(bitmap ? 1 : 0), key.value.a, key.value.b, written_,
                        file_->section_size()});
    written_ += numbers.size();
    if (!bitmap) return file_->AppendItems(std::span<const uint32_t>(numbers));
    BitRange bits(base, numbers.back() + 1);
    for (const uint32_t number : numbers) bits.Add(number);
    file_->AppendItem(uint64_t{base});
    file_->AppendItems(std::span<const uint64_t>(bits.words));
  }

  void WritePaths() {
    std::vector<uint32_t> ends;
    uint32_t end = 0;
    for (const std::string& path : paths_) ends.push_back(end += static_cast<uint32_t>(path.size()));
    file_->AppendItems(std::span<const uint32_t>(ends));
    file_->EndSection();
    for (const std::string& path : paths_) file_->Append(path);
    file_->EndSection();
  }

  const SlotSet* const live_;
  std::vector<Input> inputs_;
  std::unique_ptr<SegmentFileWriter> file_;
  std::vector<std::string> paths_;
  std::vector<MemoryPayloadPart::Element> elements_;
  std::vector<PayloadSegment::ListEntry> entries_;
  uint64_t written_ = 0;  // numbers in all lists so far
};

}  // namespace

Status WritePayloadSegment(const SegmentPlace& place, std::span<const std::shared_ptr<const MemoryPayloadPart>> parts) {
  std::vector<std::unique_ptr<Source>> sources;
  for (const auto& part : parts) sources.push_back(std::make_unique<MemorySource>(*part));
  return Writer(std::move(sources), nullptr).Write(place);
}

Status MergePayloadSegments(const SegmentPlace& place, std::span<const std::shared_ptr<const PayloadSegment>> parts,
                            const SlotSet& live) {
  std::vector<std::unique_ptr<Source>> sources;
  for (const auto& part : parts) sources.push_back(std::make_unique<SegmentSource>(*part));
  return Writer(std::move(sources), &live).Write(place);
}

}  // namespace rhizome::vector
