// CHECK states an invariant of ours and stays on in release; input from disk, network or users never triggers
// it (that is a Status). A failed CHECK prints the place and aborts: a core dump is worth more than bad data.
#pragma once

namespace rhizome {
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);
}  // namespace rhizome

#define CHECK(condition) \
  (__builtin_expect(static_cast<bool>(condition), 1) ? (void)0 : ::rhizome::CheckFailed(__FILE__, __LINE__, #condition))
