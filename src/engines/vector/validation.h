// Validation: everything for which a write to a vector collection can be refused, as a pure function, so that whoever
// takes the write can say no before any replica has logged it. What passes here every engine accepts.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <span>
#include <string>

#include "base/status.h"
#include "engines/vector/slot.h"
#include "format/point.h"

namespace rhizome::vector {

// Whether every operation can be applied: dimension, finite values, zero vectors under cosine, payloads that are
// JSON objects, distinct keys, no '#' in ids. InvalidArgument names "operations[i].…". Versions are not looked at.
Status ValidateOperations(std::span<const format::Operation> operations, uint32_t dimension, Metric metric);

// A payload's text as JSON; "" is an empty object. InvalidArgument (field "payload") for anything but an object.
Result<boost::json::value> ParsePayload(const std::string& payload);

}  // namespace rhizome::vector
