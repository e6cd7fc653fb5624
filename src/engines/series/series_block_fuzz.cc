// Any bytes, right checksums put over their sections, as a block: no crash, no access outside; series ascend, and what
// can be read makes a block of the same series and samples.
#include <cstdint>
#include <cstdlib>

#include "base/hash.h"
#include "engines/series/block_format.h"
#include "engines/series/block_testing.h"
#include "format/coding.h"

namespace {

using namespace rhizome;
using namespace rhizome::series;
using format::MatchKind;

// The sections lie as the footer says, if it can say so at all.
std::string Seal(std::string bytes) {
  if (bytes.size() < kBlockFooterBytes) return bytes;
  char* const footer = bytes.data() + bytes.size() - kBlockFooterBytes;
  const uint64_t all = bytes.size() - kBlockFooterBytes;
  uint64_t at = format::LoadFixed<uint64_t>(footer) % (all + 1);
  format::StoreFixed(footer, at);
  for (int section = 0; section < 3; ++section) {
    char* const field = footer + 8 + section * 16;
    const uint64_t length = section == 2 ? all - at : format::LoadFixed<uint64_t>(field) % (all - at + 1);
    format::StoreFixed(field, length);
    format::StoreFixed(field + 8, Checksum(std::string_view(bytes).substr(at, length)));
    at += length;
  }
  format::StoreFixed(footer + 112, kBlockFormat);
  format::StoreFixed(footer + 116, kBlockMagic);
  format::StoreFixed(footer + 120, Checksum({footer, 120}));
  return bytes;
}

void Walk(const Block& block) {
  (void)block.Verify();
  const format::Matcher matchers[] = {MatcherOf("host", MatchKind::kRegex, "a.*"),
                                      MatcherOf("zone", MatchKind::kNotEqual, "x")};
  (void)block.Select(matchers);
  BlockContent content;
  std::string bytes;
  for (uint32_t series = 0; series < block.info().series; ++series) {
    block.LabelsOf(series, bytes);
    const auto labels = format::LabelsView::Check(bytes);
    if (!labels.ok()) std::abort();
    StoredSamples samples;
    if (!block.Read(series, INT64_MIN, INT64_MAX, samples).ok()) return;
    if (block.PresenceOf(series, INT64_MIN, INT64_MAX) != Presence::kSome) std::abort();
    KeepUndominated(samples.stamped);
    if (!content.try_emplace(format::Labels(*labels), std::move(samples)).second) std::abort();
  }
  const std::string again = BytesOf(block.info().partition, content);
  const auto copy = Block::View(again);
  if (!copy.ok() || !(*copy)->Verify().ok() || (*copy)->info().series != block.info().series) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  (void)Block::View(bytes);
  const std::string sealed = Seal(bytes);
  if (const auto block = Block::View(sealed); block.ok()) Walk(**block);
  return 0;
}
