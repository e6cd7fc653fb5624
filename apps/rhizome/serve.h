// `rhizome serve`: one process with everything in it.
#pragma once

#include "base/status.h"
#include "config.h"

namespace rhizome::app {

// Runs until SIGINT or SIGTERM, then drains and closes cleanly. The error says why it could not start.
Status Serve(const Config& config);

}  // namespace rhizome::app
