// Conflicts: facts that cannot hold at once, because one end of their relation has one other end at a time. What each
// of them is then worth is computed when it is read, from what is there: nothing is written, so replicas need not agree
// on anything, the order in which facts come does not matter, and deleting a fact undoes all that it did
// (docs/decisions/0033-conflicts-are-read.md).
//
// A fact begins when it says; without a beginning when it was recorded, unless it had ended by then. In the order of
// beginnings, of equal ones of priority, the next fact that contradicts one ends it. Priority: a client's before a
// document's, then confidence, then weight, then what was recorded last, then the id. So of two that begin together the
// one with less priority is never valid. A fact without a beginning that contradicts an earlier one begins when it was
// recorded.
//
// No conflict: facts with the same other end; facts of one origin with the same beginning (it names several); a fact
// that ends before it begins (closed at its beginning: taken back) ends none. A fact that somebody has opened by hand
// (format::PutClosure, not closed) stays as it says.
//
// Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engines/graph/types.h"

namespace rhizome::graph {

// Which end of a relation has one other end at a time.
enum class OneOf : uint8_t { kTargetOfSource, kSourceOfTarget, kBoth };

// Which relations are such: "lives_in works_for capital_of:both leads:target"; of a name alone the source has one
// target, ":target" says that a target has one source.
class FunctionalRelations {
 public:
  // lives_in, works_for, subsidiary_of; leads of a target; capital_of both ways.
  static const FunctionalRelations& Default();
  // Words apart by spaces or commas; none: no relation is. InvalidArgument names no field.
  static Result<FunctionalRelations> Parse(std::string_view text);

  // Directions from the end that has one other end at a time: kOut when that is the source.
  std::span<const Direction> SidesOf(std::string_view type) const;
  std::string ToString() const;

 private:
  std::map<std::string, OneOf, std::less<>> relations_;
};

// All facts of one type that have one entity at one end, as they are known at one time, of any valid time. `far` gives
// the other end's class. Puts the intervals right: valid_from, valid_until, and what ended it in superseded_by,
// closed_at and by_conflict.
void ResolveConflicts(std::vector<FoundFact>& facts, const std::function<EntityId(const FoundFact&)>& far);

}  // namespace rhizome::graph
