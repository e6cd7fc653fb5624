#include <algorithm>
#include <bit>
#include <string>

#include "engines/vector/payload_index_part.h"

namespace rhizome::vector {
namespace {

// What the fields of a filter start from: the payload's root, or the elements of one absolute path.
struct Context {
  std::string prefix;               // empty at the root, else the path and a dot
  std::optional<uint32_t> element;  // number of that path; none at the root

  bool root() const { return !element.has_value(); }
};

// The list keys of a leaf condition, as closed intervals on one path.
struct Leaf {
  uint32_t path;
  ListKind list;
};

std::optional<Leaf> FindLeaf(const PayloadPart& part, const Filter& filter, const Context& context) {
  const auto path = part.FindPath(context.prefix + filter.field);
  if (!path) return std::nullopt;
  const bool exists = filter.kind == Filter::Kind::kExists;
  if (context.root()) return Leaf{*path, exists ? ListKind::kSlotExists : ListKind::kSlotValue};
  return Leaf{*path, exists ? ListKind::kElementExists : ListKind::kElementValue};
}

// Calls `visit` with the bounds of every interval of lists the leaf stands for.
template <typename Visit>
void ForEachInterval(const Filter& filter, const Leaf& leaf, const Visit& visit) {
  if (filter.kind == Filter::Kind::kExists)
    return visit(ListKey{leaf.path, leaf.list, {}}, ListKey{leaf.path, leaf.list, {}});
  if (filter.kind == Filter::Kind::kRange) {
    if (filter.low <= filter.high)
      visit(ListKey{leaf.path, leaf.list, filter.low}, ListKey{leaf.path, leaf.list, filter.high});
    return;
  }
  for (const ValueKey& value : filter.values)
    visit(ListKey{leaf.path, leaf.list, value}, ListKey{leaf.path, leaf.list, value});
}

// The object with the wanted path at or above `element`; kNoElement when there is none. Parents have smaller
// numbers, so damaged bytes cannot make this loop.
uint32_t AncestorWithPath(const PayloadPart& part, uint32_t element, uint32_t path) {
  while (element < part.element_count() && part.ElementPath(element) != path) {
    const uint32_t parent = part.ElementParent(element);
    if (parent >= element) return kNoElement;
    element = parent;
  }
  return element < part.element_count() ? element : kNoElement;
}

template <typename Visit>
void ForEachMember(const BitRange& bits, const Visit& visit) {
  for (size_t i = 0; i < bits.words.size(); ++i) {
    for (uint64_t word = bits.words[i]; word != 0; word &= word - 1) {
      visit(bits.base + static_cast<uint32_t>(i * 64) + static_cast<uint32_t>(std::countr_zero(word)));
    }
  }
}

class Evaluator {
 public:
  explicit Evaluator(const PayloadPart& part) : part_(part) {}

  BitRange Evaluate(const Filter& filter, const Context& context) const {
    switch (filter.kind) {
      case Filter::Kind::kAnd: return Combine(filter, context, true);
      case Filter::Kind::kOr: return Combine(filter, context, false);
      case Filter::Kind::kNot: return Complement(Evaluate(filter.children[0], context), context);
      case Filter::Kind::kNested: return Nested(filter, context);
      default: break;
    }
    BitRange found = Leaves(filter, context);
    const bool absent = filter.kind == Filter::Kind::kExists && !filter.exists;
    return absent ? Complement(std::move(found), context) : found;
  }

 private:
  BitRange Empty(const Context& context) const {
    return context.root() ? BitRange(part_.first_slot(), part_.end_slot()) : BitRange(0, part_.element_count());
  }

  BitRange Universe(const Context& context) const {
    BitRange all = Empty(context);
    if (context.root()) {
      std::ranges::fill(all.words, ~uint64_t{0});
    } else {
      const ListKey key{*context.element, ListKind::kElements, {}};
      part_.Collect(key, key, all);
    }
    return all;
  }

  BitRange Complement(BitRange bits, const Context& context) const {
    const BitRange all = Universe(context);
    for (size_t i = 0; i < bits.words.size(); ++i) bits.words[i] = all.words[i] & ~bits.words[i];
    return bits;
  }

  BitRange Combine(const Filter& filter, const Context& context, bool conjunction) const {
    BitRange result = conjunction ? Universe(context) : Empty(context);
    for (const Filter& child : filter.children) {
      const BitRange bits = Evaluate(child, context);
      for (size_t i = 0; i < result.words.size(); ++i) {
        result.words[i] = conjunction ? result.words[i] & bits.words[i] : result.words[i] | bits.words[i];
      }
    }
    return result;
  }

  BitRange Leaves(const Filter& filter, const Context& context) const {
    BitRange found = Empty(context);
    const auto leaf = FindLeaf(part_, filter, context);
    if (!leaf) return found;
    ForEachInterval(filter, *leaf, [&](const ListKey& low, const ListKey& high) { part_.Collect(low, high, found); });
    return context.root() ? found : Lift(found, context);
  }

  // From elements anywhere below to the elements of the context that hold them.
  BitRange Lift(const BitRange& elements, const Context& context) const {
    BitRange lifted = Empty(context);
    ForEachMember(elements, [&](uint32_t element) {
      if (context.root()) {
        if (element < part_.element_count()) lifted.Add(part_.ElementSlot(element));
        return;
      }
      lifted.Add(AncestorWithPath(part_, element, *context.element));
    });
    return lifted;
  }

  BitRange Nested(const Filter& filter, const Context& context) const {
    const auto path = part_.FindPath(context.prefix + filter.field);
    if (!path) return Empty(context);
    const Context inner{context.prefix + filter.field + ".", *path};
    return Lift(Evaluate(filter.children[0], inner), context);
  }

  const PayloadPart& part_;
};

class Estimator {
 public:
  explicit Estimator(const PayloadPart& part) : part_(part) {}

  Cardinality Estimate(const Filter& filter, const Context& context) const {
    const double all = Total(context);
    switch (filter.kind) {
      case Filter::Kind::kAnd: return And(filter, context, all);
      case Filter::Kind::kOr: return Or(filter, context, all);
      case Filter::Kind::kNot: return Flip(Estimate(filter.children[0], context), all);
      case Filter::Kind::kNested: return Nested(filter, context, all);
      default: break;
    }
    const Cardinality found = Leaf(filter, context, all);
    return filter.kind == Filter::Kind::kExists && !filter.exists ? Flip(found, all) : found;
  }

 private:
  double Total(const Context& context) const {
    if (context.root()) return part_.end_slot() - part_.first_slot();
    const ListKey key{*context.element, ListKind::kElements, {}};
    return static_cast<double>(part_.SizesBetween(key, key).total);
  }

  static Cardinality Flip(const Cardinality& of, double all) {
    return {all - of.high, all - of.low, all - of.expected};
  }

  Cardinality And(const Filter& filter, const Context& context, double all) const {
    Cardinality result{all, all, all};
    for (const Filter& child : filter.children) {
      const Cardinality of = Estimate(child, context);
      result.low = std::max(0.0, result.low + of.low - all);
      result.high = std::min(result.high, of.high);
      result.expected *= all > 0 ? of.expected / all : 0;
    }
    result.expected = std::clamp(result.expected, result.low, result.high);
    return result;
  }

  Cardinality Or(const Filter& filter, const Context& context, double all) const {
    Cardinality result;
    double none = all;
    for (const Filter& child : filter.children) {
      const Cardinality of = Estimate(child, context);
      result.low = std::max(result.low, of.low);
      result.high = std::min(all, result.high + of.high);
      none *= all > 0 ? 1 - of.expected / all : 0;
    }
    result.expected = std::clamp(all - none, result.low, result.high);
    return result;
  }

  Cardinality Leaf(const Filter& filter, const Context& context, double all) const {
    Cardinality result;
    const auto leaf = FindLeaf(part_, filter, context);
    if (!leaf) return result;
    double total = 0;
    uint64_t lists = 0;
    ForEachInterval(filter, *leaf, [&](const ListKey& low, const ListKey& high) {
      const ListSizes sizes = part_.SizesBetween(low, high);
      total += static_cast<double>(sizes.total);
      lists += sizes.lists;
      result.low = std::max(result.low, static_cast<double>(sizes.largest));
    });
    if (!context.root())
      result.low = 0;  // the holders may all lie below other objects: {"a.b": {"c": 1}} is not below a
    result.high = std::min(all, total);
    result.low = std::min(result.low, result.high);
    if (lists == 1 && context.root()) result.low = result.high;
    result.expected = result.high;
    return result;
  }

  Cardinality Nested(const Filter& filter, const Context& context, double all) const {
    const auto path = part_.FindPath(context.prefix + filter.field);
    if (!path) return {};
    const Cardinality of = Estimate(filter.children[0], {context.prefix + filter.field + ".", *path});
    const double high = std::min(all, of.high);
    return {std::min(of.low, std::min(1.0, high)), high, std::min(high, of.expected)};
  }

  const PayloadPart& part_;
};

}  // namespace

BitRange EvaluateFilter(const PayloadPart& part, const Filter& filter) { return Evaluator(part).Evaluate(filter, {}); }

Cardinality EstimateFilter(const PayloadPart& part, const Filter& filter) {
  return Estimator(part).Estimate(filter, {});
}

}  // namespace rhizome::vector
