// Backend: what the routes work on, and the slot it appears in once recovery is complete.
//
// The HTTP server starts first, so that /health and /ready answer while the node recovers; until Publish every
// other route answers 503. Thread-safe.
#pragma once

#include <string>

#include "base/mutex.h"
#include "base/status.h"
#include "cluster/database.h"
#include "cluster/operations.h"
#include "pipeline/embedders.h"
#include "pipeline/ingest.h"

namespace rhizome::backup {
class Service;
}
namespace rhizome::communities {
class Service;
}
namespace rhizome::memory {
class Service;
}
namespace rhizome::ask {
class Asker;
}

namespace rhizome::gateway {

// Pointers to what outlives the server, or its Stop.
struct Backend {
  cluster::Database* database = nullptr;
  pipeline::Ingestor* ingestor = nullptr;
  pipeline::Embedders embedders;  // none: clients bring their own vectors
  cluster::Operations* operations = nullptr;
  backup::Service* backups = nullptr;           // null: no snapshots are made here
  memory::Service* memory = nullptr;            // null: in a cluster, which keeps no knowledge graphs yet
  communities::Service* communities = nullptr;  // as memory
  ask::Asker* asker = nullptr;
};

class BackendSlot {
 public:
  // Says why nothing is there yet ("recovering").
  explicit BackendSlot(std::string reason) : reason_(std::move(reason)) {}

  void Publish(const Backend& backend) EXCLUDES(mutex_);
  // Replaces the reason while nothing is published ("replaying the log: 40 %").
  void Explain(std::string reason) EXCLUDES(mutex_);
  // Unavailable with the reason until Publish.
  Result<Backend> Get() const EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  Backend backend_ GUARDED_BY(mutex_);
  std::string reason_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::gateway
