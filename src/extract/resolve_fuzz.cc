// Any lines as names and aliases: no crash, every proposal points at what is known, and comparing has no direction.
#include <cstdlib>

#include "extract/resolve.h"
#include "format/entity_name.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::extract;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  Resolver resolver;
  std::string previous;
  for (uint64_t id = 0; !input.empty(); ++id) {
    const size_t end = std::min(input.find('\n'), input.size());
    const std::string_view line = input.substr(0, end);
    input.remove_prefix(std::min(end + 1, input.size()));
    EntityRecord entity;
    entity.id = id;
    entity.key = rhizome::format::EntityName(line);
    entity.type = static_cast<EntityType>(line.size() % 8);
    if (line.size() % 3 == 0) entity.aliases.push_back(previous);
    const auto one = CompareNames(entity.key, previous), other = CompareNames(previous, entity.key);
    if (one.has_value() != other.has_value()) std::abort();
    if (one && (one->score != other->score || one->reason != other->reason)) std::abort();
    for (const MergeProposal& proposal : resolver.Add(entity)) {
      if (proposal.keep == proposal.merge || proposal.merge != id || proposal.keep >= id) std::abort();
      if (proposal.score <= 0 || proposal.score > 1) std::abort();
    }
    previous = entity.key;
  }
  return 0;
}
