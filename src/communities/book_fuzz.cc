// Any bytes as a book of communities: no crash, and what decodes encodes back. The checksum is made right, or nothing
// behind it would be reached.
#include <cstdint>
#include <cstdlib>

#include "base/hash.h"
#include "communities/book.h"
#include "format/coding.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  (void)communities::DecodeBook(bytes);
  format::PutU64(bytes, Checksum(bytes));
  const auto book = communities::DecodeBook(bytes);
  if (!book.ok()) return 0;
  if (communities::EncodeBook(*book) != bytes) std::abort();
  for (uint32_t level = 0; level < book->levels.size(); ++level) {
    for (uint32_t c = 0; c < book->levels[level].count(); ++c) {
      if (book->Find(book->IdOf(level, c)) != communities::Book::Place{level, c}) std::abort();
      (void)book->HomeOf({level, c});
    }
  }
  return 0;
}
