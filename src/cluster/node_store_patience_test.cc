#include "cluster/node_store.h"

#include <gtest/gtest.h>

#include "base/scratch_testing.h"
#include "cluster/loop_calls.h"
#include "io/disk.h"

namespace rhizome::cluster {
namespace {

class NodeStorePatience : public testing::Test {
 protected:
  NodeStorePatience() {
    NodeOptions options;
    options.data_dir = directory_;
    node_ = Node::Open(io::RealDisk(), options).value();
  }
  Status Probe(NodeStoreOptions options) {
    ThreadLoop loop;
    NodeStore store(loop, *node_, options);
    LoopCalls calls(loop);
    return calls.One<Status>([&store] { return store.Probe(); });
  }

  const ScratchFolder folder_;
  const std::string directory_ = folder_.path();
  std::unique_ptr<Node> node_;
};

TEST_F(NodeStorePatience, AProbeLeavesBytesOnTheDisk) {
  const Status probed = Probe({});
  EXPECT_TRUE(probed.ok()) << probed.ToString();
  EXPECT_TRUE(io::RealDisk().Exists(directory_ + "/PROBE").value());
}

TEST_F(NodeStorePatience, WhatNobodyWaitsForAnyMoreIsNotDone) {
  NodeStoreOptions options;
  options.queue_wait_ms_max = -1;  // whoever asks has gone at once
  EXPECT_EQ(Probe(options).code(), Code::kResourceExhausted);
  EXPECT_FALSE(io::RealDisk().Exists(directory_ + "/PROBE").value());
}

}  // namespace
}  // namespace rhizome::cluster
