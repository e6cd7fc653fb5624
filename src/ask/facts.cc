#include "ask/facts.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>

#include "extract/dates.h"
#include "format/entity_name.h"

namespace rhizome::ask {
namespace {

namespace chrono = std::chrono;
using graph::EntityId;
using graph::FoundFact;

constexpr uint32_t kFactsRead = 32;  // of one entity in one direction; an entity with more has them strongest first
constexpr size_t kNamesMax = 8;      // of a question, that are looked at

constexpr std::array<std::string_view, 25> kEvents{"born_in",    "died_in",  "founded",   "directed",   "wrote",
                                                   "produced",   "composed", "designed",  "developed",  "created",
                                                   "discovered", "painted",  "published", "starred_in", "portrayed",
                                                   "acquired",   "child_of", "parent_of", "sibling_of", "named_after",
                                                   "won",        "based_on", "joined",    "succeeded",  "educated_at"};

bool IsEvent(const FoundFact& fact) { return std::ranges::find(kEvents, fact.type) != kEvents.end(); }

bool Fits(Wanted wanted, const FoundFact& fact, const std::string& type) {
  switch (wanted) {
    case Wanted::kAnything: return true;
    case Wanted::kPerson: return type.empty() || type == "person" || type == "organisation" || type == "other";
    case Wanted::kPlace: return type.empty() || type == "place" || type == "organisation" || type == "other";
    case Wanted::kTime: return fact.valid_from != format::kAlways;
    case Wanted::kNumber:
    case Wanted::kYesOrNo: return false;
  }
  return false;
}

// A moment as precise as it looks: midnights of a first of January are years.
std::string MomentText(int64_t ms) {
  extract::Moment moment{ms, ms, extract::Precision::kDay};
  const chrono::year_month_day day{
      chrono::floor<chrono::days>(chrono::sys_time<chrono::milliseconds>{chrono::milliseconds{ms}})};
  const bool midnight = ms % 86'400'000 == 0;
  if (midnight && day.day() == chrono::day{1}) {
    moment.precision = day.month() == chrono::January ? extract::Precision::kYear : extract::Precision::kMonth;
  }
  return extract::MomentName(moment);
}

bool InTime(const FoundFact& fact, const graph::Times& times) {
  return !times.as_of_ms || HoldsAt(fact, *times.as_of_ms);
}

// The ids of the names in a question, each with those that are one with it; phrases name nothing.
Result<std::vector<std::vector<EntityId>>> NamesOf(const GraphLinks& links,
                                                   const std::vector<extract::Entity>& entities) {
  std::vector<EntityId> ids;
  for (const extract::Entity& entity : entities) {
    if (entity.is_phrase || ids.size() >= kNamesMax) continue;
    ids.push_back(format::EntityIdOf(entity.key));
    for (const std::string& alias : entity.aliases) ids.push_back(format::EntityIdOf(format::EntityName(alias)));
  }
  return links.MembersOf(ids);
}

struct Candidate {
  FoundFact fact;
  EntityId other;
};

Status AddCandidates(const GraphLinks& links, const EntityId& id, const RelationHint& hint, const graph::Times& times,
                     std::map<graph::FactId, Candidate>& found) {
  graph::FactQuery query{id, hint.direction, {std::string(hint.type)}};
  query.times.known_at_ms = times.known_at_ms;  // events are judged here
  query.limit = kFactsRead;
  query.rows_max = 1024;
  ASSIGN_OR_RETURN(const graph::FactPage page, links.graph().Facts(query));
  for (const FoundFact& fact : page.facts) {
    if (InTime(fact, times)) found.try_emplace(fact.id, fact, fact.source.id == id ? fact.target.id : fact.source.id);
  }
  return Status::Ok();
}

}  // namespace

bool HoldsAt(const FoundFact& fact, int64_t at_ms) {
  if (at_ms < fact.valid_from) return false;
  return at_ms < (IsEvent(fact) && !fact.closed_at ? format::kForever : fact.valid_until);
}

std::string TimeText(const FoundFact& fact) {
  const bool moment = IsEvent(fact) && fact.valid_from != format::kAlways && fact.valid_until == format::kForever;
  return moment ? MomentText(fact.valid_from) : IntervalText(fact.valid_from, fact.valid_until);
}

std::string IntervalText(int64_t from_ms, int64_t until_ms) {
  if (from_ms == format::kAlways && until_ms == format::kForever) return "";
  if (until_ms == format::kForever) return "since " + MomentText(from_ms);
  if (from_ms == format::kAlways) return "until " + MomentText(until_ms);
  const std::string from = MomentText(from_ms);
  // A day, a month or a year is one moment; its end is the beginning of the next.
  const chrono::sys_time<chrono::milliseconds> begin{chrono::milliseconds{from_ms}};
  const chrono::year_month_day day{chrono::floor<chrono::days>(begin)};
  const auto ms = [](chrono::year_month_day at) {
    return chrono::duration_cast<chrono::milliseconds>(chrono::sys_days{at}.time_since_epoch()).count();
  };
  const bool moment = until_ms - from_ms == 86'400'000 || until_ms == ms(day + chrono::months{1}) ||
                      until_ms == ms(day + chrono::years{1});
  return moment ? from : from + " to " + MomentText(until_ms - 1);
}

Result<std::vector<FactAnswer>> FindFacts(const GraphLinks& links, const Shape& shape,
                                          const std::vector<extract::Entity>& entities, const graph::Times& times,
                                          int64_t now_ms) {
  std::map<graph::FactId, Candidate> found;
  if (!shape.relations.empty() && !shape.compound) {
    ASSIGN_OR_RETURN(const auto names, NamesOf(links, entities));
    for (const auto& members : names) {
      for (const EntityId& id : members) {
        for (const RelationHint& hint : shape.relations) {
          RETURN_IF_ERROR(AddCandidates(links, id, hint, times, found));
        }
      }
    }
  }
  std::vector<EntityId> others;
  for (const auto& [id, candidate] : found) others.push_back(candidate.other);
  ASSIGN_OR_RETURN(const auto known, links.graph().Entities(others, times.known_at_ms));
  std::vector<FactAnswer> answers;
  size_t at = 0;
  for (auto& [id, candidate] : found) {
    const std::optional<graph::Entity>& other = known[at++];
    if (!other || !Fits(shape.wanted, candidate.fact, other->statistics.Type())) continue;
    FactAnswer answer{std::move(candidate.fact), other->surface.empty() ? other->statistics.name : other->surface};
    if (shape.wanted == Wanted::kTime) {
      answer.answer = TimeText(answer.fact);
    }
    answers.push_back(std::move(answer));
  }
  std::ranges::sort(answers, [&](const FactAnswer& a, const FactAnswer& b) {
    const auto rank = [&](const FactAnswer& one) {
      return std::tuple(!HoldsAt(one.fact, times.as_of_ms.value_or(now_ms)), -(one.fact.valid_from / 2),
                        -one.fact.weight * one.fact.confidence, one.fact.id);
    };
    return rank(a) < rank(b);
  });
  if (answers.size() > kFactsMax) answers.resize(kFactsMax);
  return answers;
}

}  // namespace rhizome::ask
