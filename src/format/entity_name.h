// EntityName: the one normal form by which names of entities are compared, stored as keys and looked up.
//
// 1. Unicode NFKC_Casefold: compatibility forms, letter case and invisible characters make no difference.
// 2. Typographic apostrophes become ' and dashes -.
// 3. Runs of white space and control characters become one space; none at the ends.
// 4. Punctuation around the name goes (quotes, brackets, commas, full stops …), but for # % & @ /, which belong to
// names
//    ("C#"). A name of nothing but punctuation stays as it is.
// 5. Cut at kEntityNameBytesMax, between characters.
//
// Idempotent. Bytes that are no UTF-8 become U+FFFD. Pure, thread-safe. Names are persisted by what they become here: a
// change is a new version of every format that holds them.
#pragma once

#include <string>
#include <string_view>

namespace rhizome::format {

inline constexpr size_t kEntityNameBytesMax = 512;

// Empty only for a name of nothing but white space and invisible characters.
std::string EntityName(std::string_view surface);

}  // namespace rhizome::format
