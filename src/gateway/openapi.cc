#include "gateway/openapi.h"

#include "openapi_text.h"  // made by CMake from docs/openapi.json

namespace rhizome::gateway {

std::string_view OpenApiDocument() { return kOpenApiText; }

}  // namespace rhizome::gateway
