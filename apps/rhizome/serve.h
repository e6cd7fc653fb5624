// `rhizome serve`, `rhizome node`, `rhizome gateway`: one server in one of its roles.
#pragma once

#include "base/status.h"
#include "config.h"

namespace rhizome::app {

enum class Role {
  kServe,    // everything in one process; with `etcd` set, as part of a cluster
  kNode,     // keeps replicas
  kGateway,  // keeps nothing: takes requests, embeds, asks the nodes
};

// Runs until SIGINT or SIGTERM, then drains and closes cleanly. The error says why it could not start. A member of a
// cluster waits for coordination as long as it takes, and says so at /ready.
Status Serve(const Config& config, Role role);

}  // namespace rhizome::app
