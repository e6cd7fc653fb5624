// THE read path of the graph index: plan, gather by codes, score exactly.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/clock.h"
#include "engines/vector/graph/graph_state.h"
#include "engines/vector/traversal.h"

namespace rhizome::vector {
namespace {

enum class Plan { kScanFloats, kScanCodes, kWalk, kWalkMasked, kWalkTwoHop };

// From this share of slots that may answer upwards, walking through the others costs less than stepping over them.
constexpr double kPlainShare = 0.35;
// A walk that may lose this few of its candidates afterwards needs no second pool.
constexpr double kCleanShare = 0.98;

// What one search looks at: counts loaded once, so that it sees one state.
struct View {
  Slot linked = 0;
  Slot count = 0;
  bool coded = false;
  size_t matches = 0;  // live slots that may answer, at most
  double share = 1;    // of the linked slots, how many may answer, about
  size_t k = 0;
  size_t ef = 0;
};

size_t DefaultEf(size_t k, Slot linked) {
  // Measured on sentence embeddings: keeps recall@10 above .97 up to a million vectors; grows with depth.
  const auto depth = static_cast<size_t>(std::bit_width(std::max<Slot>(linked, 1024)));
  return std::max<size_t>(k + k / 2 + 4 * depth, 64);
}

Plan Choose(const View& view, const SearchCosts& costs, const GraphSearch& search) {
  if (search.exact || !view.coded) return Plan::kScanFloats;
  const double scan = static_cast<double>(view.matches) * costs.scan_ns_per_slot.load(std::memory_order_relaxed);
  const double walk = static_cast<double>(view.ef) * costs.walk_ns_per_ef.load(std::memory_order_relaxed);
  // A plain walk widens by what may not answer; stepping over costs about as much again as it saves.
  const double masked = view.share >= kPlainShare ? walk / view.share : 4 * walk;
  if (view.linked < kScanRows || scan <= (search.filter == nullptr ? walk : 2 * masked)) return Plan::kScanCodes;
  if (search.filter == nullptr && view.share >= kCleanShare) return Plan::kWalk;
  return view.share >= kPlainShare ? Plan::kWalkMasked : Plan::kWalkTwoHop;
}

// Candidates of the linked slots into scratch.results, which keeps at most view.ef.
void GatherByWalk(const GraphStore& store, SearchScratch& scratch, const View& view, Plan plan,
                  const AnswerMask& mask) {
  if (plan == Plan::kWalk) {
    Descend(store, scratch, view.linked, 0, view.ef);
    Walk(store, scratch, view.linked, 0, view.ef);
    for (size_t i = 0; i < scratch.pool.size(); ++i) {
      const CodedSlot& found = scratch.pool[i];
      if (!store.IsDead(found.slot())) scratch.results.Insert(found.distance, found.slot());
    }
    return;
  }
  const double widening = plan == Plan::kWalkMasked ? 1 / std::max(view.share, 0.1) : 1;
  const auto frontier = static_cast<size_t>(static_cast<double>(view.ef) * widening) + 32;
  Descend(store, scratch, view.linked, 0, frontier);
  WalkMasked(store, scratch, view.linked, mask, {view.ef, frontier, plan == Plan::kWalkTwoHop});
}

// Exact distance as Codec counts it: squared, or minus twice the dot product.
float ExactDistance(const GraphStore& store, Metric metric, const float* query, Slot slot) {
  const float* vector = store.vector(slot);
  return metric == Metric::kDot ? -2 * DotFloat(query, vector, store.dimension)
                                : SquaredDistanceFloat(query, vector, store.dimension);
}

// Scores candidates by their float vectors, nearest code first, leaving out those whose code says that they cannot
// be among the k best (the codec knows how far a code distance may be off). Returns whether the candidates reached
// past that doubt; when they did not, more of them might hold better answers.
bool ScoreCandidates(const GraphStore& store, SearchScratch& scratch, const Codec& codec, Metric metric,
                     const float* query, size_t k) {
  constexpr float kDeviations = 2.0f;
  const CandidatePool& results = scratch.results;
  const auto prefetch = [&](size_t i) {
    if (i >= results.size()) return;
    const char* vector = reinterpret_cast<const char*>(store.vector(results[i].slot()));
    for (size_t byte = 0; byte < store.dimension * sizeof(float); byte += 64) __builtin_prefetch(vector + byte, 0, 0);
  };
  scratch.scored.Reset(k);
  prefetch(0);
  prefetch(1);
  bool doubtful = false;
  for (size_t i = 0; i < results.size(); ++i) {
    const Slot slot = results[i].slot();
    const CodeFacts& facts = store.facts(slot);
    const float distance = results[i].distance + scratch.query.constant;
    const float at_best =
        distance - codec.Surplus(scratch.query, facts) - kDeviations * codec.Deviation(scratch.query, facts, distance);
    doubtful = !scratch.scored.full() || at_best < scratch.scored.Worst();
    if (!doubtful) continue;
    prefetch(i + 2);
    scratch.scored.Insert(ExactDistance(store, metric, query, slot), slot);
  }
  return !doubtful || !results.full();
}

float ScoreOf(Metric metric, float distance) {
  if (metric == Metric::kL2) return -std::sqrt(distance);
  return metric == Metric::kDot ? distance / -2 : 1 - distance / 2;
}

// Matches of a filter; the planner wants the number before any of them is touched.
size_t CountMatches(const SlotSet& filter, Slot count) {
  size_t matches = 0;
  const size_t words = std::min<size_t>(filter.words().size(), (size_t{count} + 63) / 64);
  for (size_t i = 0; i < words; ++i) matches += static_cast<size_t>(std::popcount(filter.words()[i]));
  return matches;
}

// Fills scratch.results with candidates by code and keeps the cost estimates fresh.
void GatherByCode(const GraphStore& store, SearchScratch& scratch, const View& view, Plan plan, const AnswerMask& mask,
                  SearchCosts& costs) {
  const int64_t start_ns = SystemClock().MonotonicNs();
  if (plan == Plan::kScanCodes) {
    ScanRange(store, scratch, mask, 0, view.count);
    if (view.matches < 256) return;
    const int64_t took_ns = SystemClock().MonotonicNs() - start_ns;
    SearchCosts::Observe(costs.scan_ns_per_slot, static_cast<double>(took_ns) / static_cast<double>(view.matches));
    return;
  }
  GatherByWalk(store, scratch, view, plan, mask);
  if (plan == Plan::kWalk) {
    const int64_t took_ns = SystemClock().MonotonicNs() - start_ns;
    SearchCosts::Observe(costs.walk_ns_per_ef, static_cast<double>(took_ns) / static_cast<double>(view.ef));
  }
  // Where nothing near the query may answer, a walk can end early; the scan cannot miss.
  if (scratch.results.size() < std::min(view.k, view.matches)) {
    scratch.results.Reset(view.ef);
    ScanRange(store, scratch, mask, 0, view.linked);
  }
  ScanRange(store, scratch, mask, view.linked, view.count);
}

View Look(const GraphStore& store, bool coded, Slot unrepaired, const GraphSearch& search) {
  View view;
  view.coded = coded;
  view.linked = store.linked.load(std::memory_order_acquire);
  view.count = store.count.load(std::memory_order_acquire);
  view.k = std::min<size_t>(search.k, view.count);
  const Slot dead = std::min(store.dead_count.load(std::memory_order_relaxed), view.count);
  view.matches = search.filter == nullptr ? view.count - dead : CountMatches(*search.filter, view.count);
  view.share = search.filter == nullptr ? 1 : static_cast<double>(view.matches) / (view.count + 1e-9);
  // Removed slots that no row points to any more do not dilute a walk.
  view.share *= 1 - static_cast<double>(std::min(unrepaired, view.count)) / (view.count + 1.0);
  view.ef = search.ef == 0 ? DefaultEf(view.k, view.linked) : std::min<size_t>(search.ef, view.count);
  view.ef = std::max(view.ef, view.k);
  return view;
}

// The query as stored vectors are: unit length under cosine.
std::span<const float> Unit(std::span<const float> query, Metric metric, std::vector<float>& storage) {
  if (metric != Metric::kCosine) return query;
  double norm2 = 0;
  for (const float x : query) norm2 += static_cast<double>(x) * x;
  const auto factor = static_cast<float>(1 / std::sqrt(norm2));
  storage.assign(query.begin(), query.end());
  for (float& x : storage) x *= factor;
  return storage;
}

}  // namespace

Result<std::vector<ScoredSlot>> GraphIndex::Search(std::span<const float> query, const GraphSearch& search) const {
  RETURN_IF_ERROR(Validate(query, "vector"));
  const State& state = *state_;
  const GraphStore& store = state.store;
  const Metric metric = state.options.metric;
  View view = Look(store, state.coded.load(std::memory_order_acquire), unrepaired(), search);
  if (view.k == 0 || view.matches == 0) return std::vector<ScoredSlot>();

  SearchScratch& scratch = ThreadScratch();
  const std::span<const float> unit = Unit(query, metric, scratch.unit);
  const AnswerMask mask{&store, search.filter};
  Plan plan = Choose(view, state.costs, search);
  if (plan == Plan::kScanFloats) {
    scratch.scored.Reset(view.k);
    for (Slot slot = 0; slot < view.count; ++slot) {
      if (mask.Allows(slot)) scratch.scored.Insert(ExactDistance(store, metric, unit.data(), slot), slot);
    }
  } else {
    state.codec->PrepareQuery(unit, scratch.query);
    if (plan == Plan::kScanCodes) view.ef = std::max(view.ef, view.k + view.k / 2 + 8);
    scratch.results.Reset(view.ef);
    GatherByCode(store, scratch, view, plan, mask, state.costs);
    // Codes too coarse for this data (far from the centre, say) are made up for by looking at more candidates as
    // long as that finds better ones, unless the caller fixed how many.
    bool settled = ScoreCandidates(store, scratch, *state.codec, metric, unit.data(), view.k);
    while (!settled && view.ef < view.matches && (search.ef == 0 || plan == Plan::kScanCodes)) {
      const float worst = scratch.scored.full() ? scratch.scored.Worst() : std::numeric_limits<float>::infinity();
      view.ef = std::min<size_t>(view.ef * 4, view.matches);
      plan = Choose(view, state.costs, search);
      scratch.results.Reset(view.ef);
      GatherByCode(store, scratch, view, plan, mask, state.costs);
      settled = ScoreCandidates(store, scratch, *state.codec, metric, unit.data(), view.k) ||
                !(scratch.scored.Worst() < worst);
    }
  }
  std::vector<ScoredSlot> answer(scratch.scored.size());
  for (size_t i = 0; i < answer.size(); ++i) {
    answer[i] = {scratch.scored[i].slot(), ScoreOf(metric, scratch.scored[i].distance)};
  }
  std::sort(answer.begin(), answer.end());
  return answer;
}

}  // namespace rhizome::vector
