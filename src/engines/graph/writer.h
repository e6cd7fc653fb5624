// GraphEngine::Writer: one batch of operations on its way into the database. It decides what of it counts, keeps the
// history, and derives the index rows, seeing what the batch has written so far.
//
// Not thread-safe: it lives under the engine's apply lock. The store, the book and the options outlive it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engines/graph/engine.h"
#include "engines/graph/row_batch.h"
#include "engines/graph/rows.h"
#include "engines/graph/statistics_book.h"
#include "format/graph.h"
#include "format/graph_key.h"
#include "kv/store.h"

namespace rhizome::graph {

class GraphEngine::Writer {
 public:
  Writer(const kv::Store& store, const std::string& prefix, uint32_t history_max, StateRow state, StatisticsBook& book);

  // Whatever the order of operations, and of batches, the rows end the same.
  Status Add(std::span<const format::GraphOperation> operations);
  // Drops of the register's history what was replaced at or before the state's horizon.
  Status Trim(const std::string& key);
  StateRow& state() { return state_; }
  // All rows; the writer is done with.
  Result<kv::WriteBatch> Take();

 private:
  struct Draft {  // of one entity's posting
    EntityId id;
    std::optional<float> weight_max;
    uint64_t mentions = 0;
    std::vector<PostedFact> facts;
  };

  Status Prefetch(std::span<const format::GraphOperation> operations);
  Status Put(const format::GraphOperation& operation);
  Status Count(const format::CountAccess& body);
  Status Delete(const std::string& key, Version version);

  // A register takes or loses its place as the one that is, indices included.
  Status Install(const std::string& key, const StoredRegister& stored, const format::GraphBody& body);
  Status Uninstall(const std::string& key, const StoredRegister& stored);
  Status Index(const format::GraphBody& body, bool add);
  Status IndexOrigin(const format::PutDerivation& body, bool add);
  void IndexAlias(std::string_view alias, const EntityId& entity, std::string_view owner, bool add);
  void Draw(const format::Derivation& derivation);
  static std::string PlaceOf(const Draft& draft, std::string_view origin_key);
  std::string PostingOf(const format::Derivation& derivation, size_t entity) const;
  void PostReplaced(const std::string& origin_key, const format::Derivation& derivation, Version version, bool add);

  Status Keep(const std::string& key, Version version, const std::string& value);
  Status Forget(const std::string& key, Version version);
  // Everything of the history at or below `version`, the mark of what is erased included.
  Status ForgetUpTo(const std::string& key, Version version);
  Status Trim(const std::string& key, Version current);
  void MarkErased(const std::string& key, Version before, Version now);
  Status EraseClosures(const format::GraphOrigin& origin, Version version);

  Result<std::optional<StoredRegister>> Load(Table table, const std::string& key_in_table);
  // Versions of replaced values, ascending.
  Result<std::vector<Version>*> HistoryOf(const std::string& key);
  void PutRow(Table table, const std::string& key_in_table, std::string value);
  void DeleteRow(Table table, const std::string& key_in_table);

  const kv::Store& store_;
  const std::string& prefix_;
  const uint32_t history_max_;
  StateRow state_;
  StatisticsBook& book_;
  RowBatch rows_;
  std::unordered_map<std::string, std::optional<std::string>> seen_;  // registers and history, as of this batch
  std::unordered_map<std::string, std::vector<Version>> histories_;
  std::vector<Draft> drafts_;
};

}  // namespace rhizome::graph
