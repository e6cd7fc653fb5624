#include "engines/vector/graph_index.h"

#include <cmath>
#include <thread>

#include "engines/vector/graph/graph_state.h"

namespace rhizome::vector {
namespace {

// Squares and sums of squares must stay finite in float.
constexpr double kNormMax = 1e18;
// The first slots are linked one by one: a graph has to exist before many threads can extend it.
constexpr Slot kSerialSlots = 512;
// Slots linked between two rises of `linked`.
constexpr Slot kBatchMax = 4096;

double Norm(std::span<const float> vector) {
  double sum = 0;
  for (const float x : vector) sum += static_cast<double>(x) * x;
  return std::sqrt(sum);
}

// What brings `vector` to length one. One that was brought there before is off by the rounding of this factor and of
// the products, 2^-23 together; it is left as it is.
float UnitFactor(std::span<const float> vector) {
  constexpr double kRounding = 0x1p-22;
  const double norm = Norm(vector);
  return std::abs(norm - 1) <= kRounding ? 1.0f : static_cast<float>(1 / norm);
}

}  // namespace

Status CheckGraphOptions(const GraphOptions& options) {
  if (options.dimension < 1 || options.dimension > 4096) {
    return Status::InvalidArgument("dimension", "must be between 1 and 4096");
  }
  if (options.degree < 4 || options.degree > 64 || options.degree % 4 != 0) {
    return Status::InvalidArgument("degree", "must be a multiple of 4 between 4 and 64");
  }
  if (options.ef_construction < options.degree || options.ef_construction > 4096) {
    return Status::InvalidArgument("ef_construction", "must be between the degree and 4096");
  }
  if (options.capacity < 1 || options.capacity > (Slot{1} << 31) - 1) {
    return Status::InvalidArgument("capacity", "must be between 1 and 2^31 - 1");
  }
  return Status::Ok();
}

GraphIndex::GraphIndex(std::unique_ptr<State> state) : state_(std::move(state)) {}
GraphIndex::~GraphIndex() = default;

Result<std::unique_ptr<GraphIndex>> GraphIndex::Create(const GraphOptions& options) {
  RETURN_IF_ERROR(CheckGraphOptions(options));
  auto state = std::make_unique<State>(options);
  RETURN_IF_ERROR(state->store.Reserve(options.dimension, options.degree, options.capacity));
  return std::unique_ptr<GraphIndex>(new GraphIndex(std::move(state)));
}

void GraphIndex::State::AdoptCentre(std::vector<float> centre) {
  codec = std::make_unique<Codec>(options.metric, std::move(centre));
  linker = std::make_unique<GraphLinker>(store, *codec, options.metric, options.ef_construction);
}

void GraphIndex::State::FixCentre() {
  const Slot count = store.count.load(std::memory_order_relaxed);
  std::vector<double> sums(options.dimension, 0);
  for (Slot slot = 0; slot < count; ++slot) {
    for (size_t i = 0; i < options.dimension; ++i) sums[i] += store.vector(slot)[i];
  }
  std::vector<float> centre(options.dimension);
  for (size_t i = 0; i < options.dimension; ++i) centre[i] = static_cast<float>(sums[i] / count);
  AdoptCentre(std::move(centre));
  for (Slot slot = 0; slot < count; ++slot) {
    store.facts_region.as<CodeFacts>()[slot] = codec->Encode({store.vector(slot), options.dimension}, store.code(slot));
  }
  coded.store(true, std::memory_order_release);
}

Status ValidateVector(std::span<const float> vector, size_t dimension, Metric metric, std::string_view field) {
  if (vector.size() != dimension) {
    return Status::InvalidArgument(
        std::string(field), "has " + std::to_string(vector.size()) + " dimensions, not " + std::to_string(dimension));
  }
  const double norm = Norm(vector);
  if (!std::isfinite(norm)) return Status::InvalidArgument(std::string(field), "has a component that is not finite");
  if (norm > kNormMax) return Status::InvalidArgument(std::string(field), "is longer than 1e18");
  if (metric == Metric::kCosine && norm < 1e-30) {
    return Status::InvalidArgument(std::string(field), "is zero, which has no direction for cosine");
  }
  return Status::Ok();
}

Status GraphIndex::Validate(std::span<const float> vector, std::string_view field) const {
  return ValidateVector(vector, state_->options.dimension, state_->options.metric, field);
}

Result<Slot> GraphIndex::Append(std::span<const float> vector) {
  RETURN_IF_ERROR(Validate(vector, "vector"));
  GraphStore& store = state_->store;
  const Slot slot = store.count.load(std::memory_order_relaxed);
  RETURN_IF_ERROR(store.Commit(slot + 1));
  float* stored = store.vector(slot);
  const float factor = state_->options.metric == Metric::kCosine ? UnitFactor(vector) : 1.0f;
  for (size_t i = 0; i < vector.size(); ++i) stored[i] = vector[i] * factor;
  if (state_->codec != nullptr) {
    store.facts_region.as<CodeFacts>()[slot] = state_->codec->Encode({stored, vector.size()}, store.code(slot));
  }
  store.ClearRows(slot);
  store.count.store(slot + 1, std::memory_order_release);
  if (slot + 1 == kCentreSlots && state_->codec == nullptr) state_->FixCentre();
  return slot;
}

Status GraphIndex::Remove(Slot slot) {
  if (slot >= size()) return Status::InvalidArgument("slot", "was never given out");
  state_->store.MarkDead(slot);
  return Status::Ok();
}

Slot GraphIndex::Absorb(Slot limit, int threads) {
  if (!state_->coded.load(std::memory_order_acquire)) return 0;
  GraphStore& store = state_->store;
  Slot done = 0;
  while (done < limit) {
    const Slot begin = store.linked.load(std::memory_order_relaxed);
    const Slot count = store.count.load(std::memory_order_acquire);
    const Slot batch = begin < kSerialSlots ? 1 : std::min(kBatchMax, std::max<Slot>(64, begin / 8));
    const Slot end = begin + std::min({batch, count - begin, limit - done});
    if (end == begin) break;
    std::atomic<Slot> next{begin};
    const auto work = [&] {
      for (Slot slot = next.fetch_add(1); slot < end; slot = next.fetch_add(1)) {
        // A slot removed before it was linked has nothing to offer, unless an upper level counts on it.
        if (store.IsDead(slot) && LevelOf(slot) == 0) continue;
        state_->linker->Link(slot, begin, end);
      }
    };
    std::vector<std::thread> others;
    const int extra = end - begin >= 64 ? std::min(threads, 256) - 1 : 0;
    for (int i = 0; i < extra; ++i) others.emplace_back(work);
    work();
    for (std::thread& other : others) other.join();
    store.linked.store(end, std::memory_order_release);
    done += end - begin;
  }
  return done;
}

Slot GraphIndex::Repair(Slot limit) {
  State& state = *state_;
  GraphStore& store = state.store;
  if (!state.coded.load(std::memory_order_acquire)) return 0;
  const Slot linked = store.linked.load(std::memory_order_acquire);
  if (state.repair_cursor == 0) {
    state.repair_round_dead = store.dead_count.load(std::memory_order_relaxed);
    if (state.repair_round_dead == state.repaired_dead.load(std::memory_order_relaxed)) return 0;
  }
  Slot looked = 0;
  for (; looked < limit && state.repair_cursor < linked; ++looked) state.linker->Mend(state.repair_cursor++, linked);
  if (state.repair_cursor >= linked) {
    state.repair_cursor = 0;
    state.repaired_dead.store(state.repair_round_dead, std::memory_order_relaxed);
  }
  return std::max<Slot>(looked, 1);
}

float GraphIndex::Score(std::span<const float> query, Slot slot) const {
  const size_t dimension = state_->options.dimension;
  const float* vector = state_->store.vector(slot);
  switch (state_->options.metric) {
    case Metric::kCosine: return DotFloat(query.data(), vector, dimension) / static_cast<float>(Norm(query));
    case Metric::kDot: return DotFloat(query.data(), vector, dimension);
    case Metric::kL2: break;
  }
  return -std::sqrt(SquaredDistanceFloat(query.data(), vector, dimension));
}

std::span<const float> GraphIndex::Vector(Slot slot) const {
  return {state_->store.vector(slot), state_->options.dimension};
}

Slot GraphIndex::size() const { return state_->store.count.load(std::memory_order_acquire); }
Slot GraphIndex::live() const { return size() - state_->store.dead_count.load(std::memory_order_relaxed); }
Slot GraphIndex::linked() const { return state_->store.linked.load(std::memory_order_acquire); }
Slot GraphIndex::pending() const {
  if (!state_->coded.load(std::memory_order_acquire)) return 0;
  const Slot done = linked();
  return size() - done;
}
Slot GraphIndex::unrepaired() const {
  const Slot repaired = state_->repaired_dead.load(std::memory_order_relaxed);
  return state_->store.dead_count.load(std::memory_order_relaxed) - repaired;
}
bool GraphIndex::IsLive(Slot slot) const { return slot < size() && !state_->store.IsDead(slot); }
const GraphOptions& GraphIndex::options() const { return state_->options; }

double GraphIndex::BytesPerVector() const {
  const GraphStore& store = state_->store;
  const double row = static_cast<double>(store.degree) * sizeof(uint32_t);
  double bytes = static_cast<double>(store.dimension * sizeof(float) + store.stride + sizeof(CodeFacts)) + 1.0 / 8;
  for (unsigned level = 0; level < kLevels; ++level) bytes += row / static_cast<double>(size_t{1} << (5 * level));
  return bytes;
}

}  // namespace rhizome::vector
