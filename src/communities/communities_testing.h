// A memory to find communities in: a node on a scratch folder, documents, and what they say as it is told.

#ifndef RHIZOME_COMMUNITIES_COMMUNITIES_TESTING_H_
#define RHIZOME_COMMUNITIES_COMMUNITIES_TESTING_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/scratch_testing.h"
#include "cluster/node.h"
#include "communities/summary.h"
#include "format/derivation_builder.h"
#include "format/graph_key.h"
#include "io/disk.h"

namespace rhizome::communities {

class MemoryFixture : public testing::Test {
 protected:
  MemoryFixture() {
    OpenNode();
    MakeMemory("notes");
  }
  ~MemoryFixture() override { node_.reset(); }

  std::string data_dir() const { return folder_.path() + "/data"; }
  void OpenNode() {
    node_.reset();
    cluster::NodeOptions options;
    options.data_dir = data_dir();
    options.index_threads = 1;
    options.memtable_bytes = 4 << 20;
    node_ = cluster::Node::Open(io::RealDisk(), options).value();
  }
  void MakeMemory(const std::string& name) {
    cluster::CollectionSpec spec;
    spec.name = name;
    ASSERT_TRUE(node_->CreateCollection(spec).ok());
    ASSERT_TRUE(node_->MakeGraph(name).ok());
  }
  std::shared_ptr<shard::GraphShards> Graph(const std::string& name = "notes") { return node_->Graph(name).value(); }
  Source SourceOf(const std::string& name = "notes") { return {*node_, name, Graph(name)}; }
  static format::PointId IdOf(const std::string& id) { return format::PointId::FromString(id).value(); }
  static format::EntityId Entity(const std::string& name) { return format::EntityIdOf(name); }

  // A document of one chunk that mentions `names`; "": of a text that says nothing.
  void Put(const std::string& id, const std::string& text, const std::vector<std::string>& names,
           const std::string& collection = "notes") {
    format::PutDocument put;
    put.record.id = IdOf(id);
    put.record.chunk_count = 1;
    put.chunks.push_back({format::PointId::OfChunk(put.record.id, 0), {}, "", text.empty() ? "It is so." : text, ""});
    ASSERT_TRUE(node_->Write(collection, {{{}, std::move(put)}}).ok());
    format::DerivationBuilder builder;
    for (const std::string& name : names) builder.Mention(name, "", 0);
    Derive(id, builder.Build(), collection);
  }
  void Derive(const std::string& id, format::Derivation derivation, const std::string& collection = "notes") {
    const format::GraphOrigin origin{format::GraphOrigin::Kind::kDocument, IdOf(id)};
    ASSERT_TRUE(Graph(collection)->Write({{{}, format::PutDerivation{origin, std::move(derivation)}}}).ok());
  }
  void Delete(const std::string& id) {
    ASSERT_TRUE(node_->Write("notes", {{{}, format::DeleteDocument{IdOf(id)}}}).ok());
    const format::GraphOrigin origin{format::GraphOrigin::Kind::kDocument, IdOf(id)};
    ASSERT_TRUE(Graph()->Write({{{}, format::DeleteRegister{format::GraphKeyOf(origin)}}}).ok());
  }
  void Say(const std::string& source, const std::string& target, float weight = 1, float confidence = 1) {
    format::ClientFact fact{source, "knows", target};
    fact.weight = weight;
    fact.confidence = confidence;
    ASSERT_TRUE(Graph()->Write({{{}, format::PutFactOf(format::DerivedFactId(fact), fact)}}).ok());
  }
  // Two topics that one document connects.
  void PutTwoTopics() {
    Put("ships", "The frigate Aurora and the brig Borealis left Cadiz together.", {"Aurora", "Borealis", "Cadiz"});
    Put("ships2", "Aurora was built in Cadiz for the admiral.", {"Aurora", "Cadiz", "admiral"});
    Put("ships3", "The admiral preferred Borealis to Aurora by far.", {"admiral", "Borealis", "Aurora"});
    Put("bread", "Rye and wheat are milled in Linz by the baker.", {"rye", "wheat", "Linz", "baker"});
    Put("bread2", "The baker adds rye to wheat before noon.", {"baker", "rye", "wheat"});
    Put("bread3", "In Linz the baker sells rye at the market.", {"Linz", "baker", "rye"});
    Put("both", "From Cadiz came the wheat.", {"Cadiz", "wheat"});
  }

  const ScratchFolder folder_;
  std::unique_ptr<cluster::Node> node_;
};

}  // namespace rhizome::communities

#endif  // RHIZOME_COMMUNITIES_COMMUNITIES_TESTING_H_
