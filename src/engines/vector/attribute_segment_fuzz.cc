// Bytes → segment file, with a right checksum put under them → every way of reading one: no access outside.
#include <boost/json.hpp>
#include <cstring>
#include <vector>

#include "base/hash.h"
#include "engines/vector/payload_index_segment.h"
#include "engines/vector/text_index_search.h"
#include "engines/vector/text_index_segment.h"

namespace {

using namespace rhizome;
using namespace rhizome::vector;

constexpr size_t kUnchecked = 16;

void Payload(std::string_view bytes) {
  auto file = SegmentFile::FromBytes(bytes, SegmentKind::kPayload);
  if (!file.ok()) return;
  auto segment = PayloadSegment::FromFile(std::move(*file), "fuzz");
  if (!segment.ok() || (*segment)->end_slot() - (*segment)->first_slot() > 1 << 20) return;
  static const Filter filter = *ParseFilter(boost::json::parse(
      R"({"or": [{"field": "a", "range": {"gte": 0}}, {"not": {"field": "b", "nested": {"field": "c", "in": [4, "x"]}}}]})"));
  (void)EvaluateFilter(**segment, filter);
  (void)EstimateFilter(**segment, filter);
}

void Text(std::string_view bytes) {
  auto file = SegmentFile::FromBytes(bytes, SegmentKind::kText);
  if (!file.ok()) return;
  auto segment = TextSegment::FromFile(std::move(*file), "fuzz");
  if (!segment.ok()) return;
  TopSlots top(10);
  const TermScorer scorer{1, 1, 0.1};
  SearchPart(**segment, {{"every", scorer}, {"w3", scorer}}, nullptr, SlotSet(1 << 12, true), top);
  (void)top.Take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint64_t> words(size / 8 + 1);
  std::memcpy(words.data(), data, size);
  char* const bytes = reinterpret_cast<char*>(words.data());
  if (size > kUnchecked && size < size_t{1} << 20) {
    const uint64_t checksum = Checksum({bytes, size - kUnchecked}, 0);
    std::memcpy(bytes + size - kUnchecked, &checksum, sizeof(checksum));
  }
  Payload({bytes, size});
  Text({bytes, size});
  return 0;
}
