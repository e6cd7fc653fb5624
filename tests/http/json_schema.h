// Holds a JSON value against the part of JSON Schema 2020-12 that docs/openapi.json uses; a keyword it does not know
// is a failure, so that no promise goes unchecked.
#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace rhizome::gateway {

// What is wrong and where ("hits[0].score: must be number"); empty when `value` fits. `$ref`s are looked up in
// `document`.
std::string SchemaViolation(const boost::json::value& value, const boost::json::value& schema,
                            const boost::json::value& document, const std::string& where = "");

}  // namespace rhizome::gateway
