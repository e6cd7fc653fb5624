// The bytes of a filter, as part of a question to other members (docs/formats/vector_query.md).
//
// A peer is not trusted: decoding holds a filter to the same limits as parsing does (engines/vector/filter.h) and to
// the invariants that evaluation relies on. Thread-safe: functions of their arguments.
#pragma once

#include <string>

#include "engines/vector/filter.h"
#include "format/coding.h"

namespace rhizome::cluster {

void PutFilter(std::string& out, const vector::Filter& filter);
// False for what no parsed filter encodes to.
[[nodiscard]] bool GetFilter(format::Decoder& in, vector::Filter& filter);

}  // namespace rhizome::cluster
