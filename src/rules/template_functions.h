// The functions that templates of alerts call, in the words of Prometheus: numbers with their units, texts in capitals.
// Pure; errors are InvalidArgument (no field).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/status.h"

namespace rhizome::rules {

using TemplateValue = std::variant<std::string, double>;

// As a template prints it: a number in its shortest form, "1e+06".
std::string TextOf(const TemplateValue& value);

using TemplateFunction = Result<TemplateValue> (*)(std::span<const TemplateValue> arguments);
// Null when there is none of this name.
TemplateFunction FindTemplateFunction(std::string_view name);

}  // namespace rhizome::rules
