// SeriesNumber: what an engine calls a series in memory: dense, from 0, and of no meaning outside of the process.
#pragma once

#include <cstdint>

namespace rhizome::series {

using SeriesNumber = uint32_t;

}  // namespace rhizome::series
