#include "engines/series/exchange.h"

#include <algorithm>
#include <bit>

#include "base/hash.h"
#include "engines/series/series_records.h"
#include "format/coding.h"

namespace rhizome::series {

using format::Leaf;
using format::RangeDigest;

namespace {

constexpr int64_t kMinMs = INT64_MIN;

uint32_t SliceOf(format::LabelsView labels) {
  return static_cast<uint32_t>(labels.Fingerprint().first >> 60);  // kSlices are its highest four bits
}

// Windows follow each other, so that those that are written to now have leaves of their own.
uint32_t LeafOfCell(int64_t window, uint32_t slice, uint32_t bits) {
  const uint64_t leaves = uint64_t{1} << bits;
  if (leaves == 1) return 0;
  const uint64_t cell = static_cast<uint64_t>(window) * kSlices + slice;
  return static_cast<uint32_t>(1 + cell % (leaves - 1));
}

Partition TimesOf(int64_t window) {
  int64_t first_ms = 0;
  if (__builtin_mul_overflow(window, SeriesEngine::kWindowMs, &first_ms)) first_ms = kMinMs;
  return PartitionOf(first_ms, SeriesEngine::kWindowMs);
}

int64_t FirstMs(int64_t window) { return TimesOf(window).first_ms; }
int64_t LastMs(int64_t window) { return TimesOf(window).last_ms; }
// The last time that counts.
int64_t LastMs(int64_t window, std::optional<int64_t> before_ms) {
  return before_ms ? std::min(LastMs(window), *before_ms - 1) : LastMs(window);
}

bool Counts(const SeriesEngine& engine, int64_t window, std::optional<int64_t> before_ms) {
  if (before_ms && FirstMs(window) >= *before_ms) return false;
  const int64_t horizon_ms = engine.horizon_ms();
  return horizon_ms == kMinMs || FirstMs(window) >= horizon_ms + SeriesEngine::kWindowMs;
}

void PutSample(std::string& out, int64_t time_ms, double value) {
  format::PutI64(out, time_ms);
  format::PutU64(out, std::bit_cast<uint64_t>(value));
}

// Of one series within one window.
uint64_t HashOf(format::LabelsView labels, const StoredSamples& samples, std::string& room) {
  room.clear();
  const auto fingerprint = labels.Fingerprint();
  format::PutU64(room, fingerprint.first);
  format::PutU64(room, fingerprint.second);
  format::PutU64(room, samples.prompt.size());
  for (size_t i = 0; i < samples.prompt.size(); ++i) {
    PutSample(room, samples.prompt.times[i], samples.prompt.values[i]);
  }
  for (const StampedSample& sample : samples.stamped) {
    PutSample(room, sample.time_ms, sample.value);
    format::PutU64(room, sample.stamp);
  }
  return Checksum(room);
}

bool Before(const Deletion& deletion, std::optional<int64_t> before_ms) {
  return !before_ms || StampMs(deletion.stamp) < *before_ms;
}

// A place in a scan: a window, how many pages came before in it, and the labels that were the last. Pages make the
// places of one window ascend, which labels alone would not: their order is not that of their bytes.
struct Place {
  int64_t window = INT64_MIN;
  uint32_t page = 0;
  std::string labels;  // "": none of the window yet
};

void PutBigEndian(std::string& out, uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t GetBigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

constexpr uint64_t kSign = uint64_t{1} << 63;
constexpr size_t kPlaceBytes = 12;

std::string EncodePlace(const Place& place) {
  std::string out;
  PutBigEndian(out, static_cast<uint64_t>(place.window) ^ kSign, 8);
  PutBigEndian(out, place.page, 4);
  return out + place.labels;
}

Result<Place> DecodePlace(std::string_view bytes) {
  if (bytes.empty()) return Place{};
  if (bytes.size() < kPlaceBytes) return Status::InvalidArgument("after", "is no place in a scan");
  Place place;
  place.window = static_cast<int64_t>(GetBigEndian(bytes.substr(0, 8)) ^ kSign);
  place.page = static_cast<uint32_t>(GetBigEndian(bytes.substr(8, 4)));
  place.labels = bytes.substr(kPlaceBytes);
  if (!place.labels.empty()) RETURN_IF_ERROR(format::LabelsView::Check(place.labels).status());
  return place;
}

// One page of a scan under way.
class Scanner {
 public:
  Scanner(const SeriesEngine& engine, const LeafScan& scan)
      : engine_(engine), scan_(scan), builder_(RecordBuilder::For::kApply) {}

  Result<LeafPage> Run() {
    ASSIGN_OR_RETURN(place_, DecodePlace(scan_.after));
    if (scan_.after.empty() && Has(0)) AddDeletions();
    for (const SeriesEngine::WindowChange& window : engine_.Windows()) {
      if (window.window < place_.window || !Counts(engine_, window.window, scan_.before_ms)) continue;
      if (window.window > place_.window) place_ = {window.window, 0, ""};
      ASSIGN_OR_RETURN(const bool full, ScanWindow());
      if (!full) continue;
      ++place_.page;
      page_.next = EncodePlace(place_);
      break;
    }
    page_.samples = builder_.samples();
    for (std::string& record : builder_.Take()) page_.records.push_back(std::move(record));
    return std::move(page_);
  }

 private:
  bool Has(uint32_t leaf) const { return std::binary_search(scan_.leaves.begin(), scan_.leaves.end(), leaf); }

  void AddDeletions() {
    for (const DeletionSet::Member& member : engine_.deletions()->members()) {
      if (Before(member.deletion, scan_.before_ms)) page_.records.push_back(EncodeDeletion(member.deletion));
    }
  }

  // True: the page is full, and place_ says where.
  Result<bool> ScanWindow() {
    std::array<bool, kSlices> wanted{};
    for (uint32_t slice = 0; slice < kSlices; ++slice) {
      wanted[slice] = Has(LeafOfCell(place_.window, slice, scan_.bits));
    }
    if (std::find(wanted.begin(), wanted.end(), true) == wanted.end()) return false;
    const int64_t last_ms = LastMs(place_.window, scan_.before_ms);
    const auto selection = engine_.Select({}, FirstMs(place_.window), last_ms);
    if (!place_.labels.empty()) selection->SkipTo(format::LabelsView::Trusted(place_.labels));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, selection->Next());
      if (!more) return false;
      if (!wanted[SliceOf(selection->labels())]) continue;
      builder_.Add(selection->labels(), selection->stored());
      if (builder_.samples() < scan_.samples_max && ++since_look_ < kLookEvery) continue;
      since_look_ = 0;
      if (builder_.samples() < scan_.samples_max && builder_.bytes_max() < scan_.bytes_max) continue;
      place_.labels = selection->labels().bytes();
      return true;
    }
  }

  static constexpr size_t kLookEvery = 256;  // series between two looks at how many bytes there are

  const SeriesEngine& engine_;
  const LeafScan& scan_;
  Place place_;
  RecordBuilder builder_;
  LeafPage page_;
  size_t since_look_ = 0;
};

}  // namespace

Result<Digests::Slices> Digests::OfWindow(const SeriesEngine::WindowChange& window, std::optional<int64_t> before_ms) {
  const int64_t last_ms = LastMs(window.window, before_ms);
  const bool whole = last_ms == LastMs(window.window);
  if (whole) {
    const MutexLock lock(mutex_);
    const auto known = known_.find(window.window);
    if (known != known_.end() && known->second.change == window.change) return known->second.slices;
  }
  Slices slices;
  std::string room;
  const auto selection = engine_.Select({}, FirstMs(window.window), last_ms);
  while (true) {
    ASSIGN_OR_RETURN(const bool more, selection->Next());
    if (!more) break;
    Leaf& leaf = slices[SliceOf(selection->labels())];
    leaf.hash += HashOf(selection->labels(), selection->stored(), room);
    leaf.count += selection->stored().prompt.size() + selection->stored().stamped.size();
  }
  if (whole) {
    // What the change was before it was read: later ones make it another.
    const MutexLock lock(mutex_);
    known_[window.window] = {window.change, slices};
  }
  return slices;
}

Result<RangeDigest> Digests::Compute(uint32_t bits, std::optional<int64_t> before_ms) {
  RangeDigest digest(bits);
  const auto deletions = engine_.deletions();
  for (const DeletionSet::Member& member : deletions->members()) {
    if (!Before(member.deletion, before_ms)) continue;
    digest.leaves[0].hash += Checksum(EncodeDeletion(member.deletion));
    ++digest.leaves[0].count;
  }
  for (const SeriesEngine::WindowChange& window : engine_.Windows()) {
    if (!Counts(engine_, window.window, before_ms)) continue;
    ASSIGN_OR_RETURN(const Slices slices, OfWindow(window, before_ms));
    for (uint32_t slice = 0; slice < kSlices; ++slice) {
      Leaf& leaf = digest.leaves[LeafOfCell(window.window, slice, bits)];
      leaf.hash += slices[slice].hash;
      leaf.count += slices[slice].count;
    }
  }
  return digest;
}

Result<LeafPage> ScanLeaves(const SeriesEngine& engine, const LeafScan& scan) { return Scanner(engine, scan).Run(); }

}  // namespace rhizome::series
