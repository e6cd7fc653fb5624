#include "evolve/walk_registers.h"

#include <string>
#include <vector>

#include "format/graph_key.h"

namespace rhizome::evolve {
namespace {

constexpr uint32_t kRegistersPerPage = 512;

}  // namespace

Status WalkRegisters(const shard::GraphShards& graph,
                     const std::function<Status(const format::GraphOperation&)>& visit) {
  for (size_t i = 0; i < graph.size(); ++i) {
    const graph::GraphEngine& engine = graph.at(i).engine();
    std::string after;
    do {
      ASSIGN_OR_RETURN(const format::InventoryPage page, engine.Inventory({0}, 0, after, kRegistersPerPage));
      after = page.next;
      std::vector<std::string> keys;
      for (const format::RegisterVersion& entry : page.entries) {
        const bool history = entry.key.starts_with(format::kGraphHistoryKind);
        if (history) after.clear();  // behind all registers
        if (!history && !entry.tombstone) keys.push_back(entry.key);
      }
      ASSIGN_OR_RETURN(const auto operations, engine.ReadRegisters(keys));
      for (const auto& operation : operations) {
        if (operation) RETURN_IF_ERROR(visit(*operation));
      }
    } while (!after.empty());
  }
  return Status::Ok();
}

}  // namespace rhizome::evolve
