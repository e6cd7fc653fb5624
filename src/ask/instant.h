// Instants of valid and transaction time as people and programs write them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rhizome::ask {

// Milliseconds since 1970 of "1998", "1998-07", "1998-07-12", "1998-07-12T20:45:00Z" or with ".250" and "+02:00": a
// year, a month or a day is its first moment, UTC. nullopt: none of these, or a day that there is not.
std::optional<int64_t> ParseInstantMs(std::string_view text);

}  // namespace rhizome::ask
