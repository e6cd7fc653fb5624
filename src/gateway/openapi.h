// docs/openapi.json as it was when the program was built. Lives for ever.
#pragma once

#include <string_view>

namespace rhizome::gateway {

std::string_view OpenApiDocument();

}  // namespace rhizome::gateway
