// Sandbox: what a subprocess is confined by, prepared in full before the fork so that entering it takes raw system
// calls only.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

#include "base/status.h"

namespace rhizome::io {

struct SandboxLimits {
  uint64_t memory_bytes_max = 0;
  uint64_t cpu_seconds_max = 0;
  uint64_t open_files_max = 0;
};

// The seccomp program: an allow list; everything else fails with EPERM. Built once per process.
const Result<std::vector<sock_filter>>& SandboxFilter();

// A Landlock ruleset that shows only system files, read-only; -1 where the kernel has no Landlock. Close it after use.
int OpenLandlockRules();

// Enters the sandbox. Async-signal-safe; on failure returns which step failed, with errno set, else nullptr.
const char* EnterSandbox(const SandboxLimits& limits, int landlock_rules, const sock_fprog& filter);

}  // namespace rhizome::io
