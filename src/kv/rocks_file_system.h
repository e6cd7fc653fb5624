// RocksDB's files on the Disk port, so that the database runs on a simulated disk too and the rule that makes its own
// log unnecessary (kv/store.h) is tested against crashes.
//
// Promises pass through unchanged: Sync and Fsync are File::Sync, a directory's Fsync is SyncDirectory, and a failed
// sync reaches RocksDB as an IOError, on which it stops writing. Not offered, because RocksDB as used here never asks:
// memory-mapped and random-write files, modification times, link counts. Threads and clocks are the machine's.
#pragma once

#include <rocksdb/env.h>

#include <memory>

#include "io/disk.h"

namespace rhizome::kv {

// An environment whose files live on `disk`, for StoreOptions::env. Must outlive every store opened with it; `disk`
// must outlive the environment. Thread-safe.
std::unique_ptr<rocksdb::Env> NewDiskEnv(io::Disk& disk);

}  // namespace rhizome::kv
