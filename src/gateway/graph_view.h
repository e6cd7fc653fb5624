// The page that draws a knowledge graph (src/gateway/graph_view/), compiled in so that it needs no files. Constant.
#pragma once

#include <string_view>

namespace rhizome::gateway {

std::string_view GraphViewPage();
std::string_view GraphViewStyle();
std::string_view GraphViewScript();

}  // namespace rhizome::gateway
