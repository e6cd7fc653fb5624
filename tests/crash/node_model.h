// NodeModel: a deterministic sequence of writes to one collection, what each of them was promised, and the check of a
// node against those promises. Step n is the same in every run; each writes a generation of its own, n.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cluster/node.h"

namespace rhizome::crash {

class NodeModel {
 public:
  static constexpr const char* kCollection = "c";
  static constexpr uint64_t kPoints = 16;
  static constexpr uint64_t kDocuments = 6;

  static Status CreateCollection(cluster::Node& node);
  static std::vector<format::Operation> OperationsOf(uint64_t step);

  // The step may be there from now on.
  void Sent(uint64_t step);
  void Acknowledged(uint64_t step);
  // Sent, then the write, then what its answer promises. A definite error takes the step back.
  Status Write(cluster::Node& node, uint64_t step);

  // Every register stands at what was acknowledged or at something sent later, whole, once, and found by searches.
  // `refusals_allowed` reads may answer with an error; then the check begins anew.
  testing::AssertionResult Holds(cluster::Node& node, int refusals_allowed = 0) const;

 private:
  struct Register {
    uint64_t acknowledged = 0;    // the generation; 0: does not exist
    std::set<uint64_t> possible;  // sent later, outcome unknown
  };
  // An error is a read's refusal.
  Result<testing::AssertionResult> HoldsOnce(cluster::Node& node) const;
  testing::AssertionResult Allowed(const std::string& key, uint64_t generation) const;

  std::map<std::string, Register> registers_;  // "p7", "d2"
};

}  // namespace rhizome::crash
