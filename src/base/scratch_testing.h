// A folder of a test's own.

#ifndef RHIZOME_BASE_SCRATCH_TESTING_H_
#define RHIZOME_BASE_SCRATCH_TESTING_H_

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "base/check.h"

namespace rhizome {

// Empty when made, removed with all that is in it when destroyed. Its name is like no other's: tests run beside each
// other, and beside other checkouts' tests. Under $TEST_TMPDIR, $TMPDIR or /tmp.
class ScratchFolder {
 public:
  ScratchFolder() {
    const char* parent = getenv("TEST_TMPDIR");
    path_ = (parent != nullptr ? std::filesystem::path(parent) : std::filesystem::temp_directory_path()) /
            "rhizome_test_XXXXXX";
    CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ~ScratchFolder() {
    std::error_code ignored;  // best effort: nothing of ours is lost with it
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  // Without a slash at its end.
  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace rhizome

#endif  // RHIZOME_BASE_SCRATCH_TESTING_H_
