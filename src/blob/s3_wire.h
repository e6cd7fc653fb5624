// The little of S3's XML that Rhizome reads, and the encoding of what goes into a URL. Pure functions; any bytes are
// safe input: no recursion, no entities but the five of XML and numbers below 128, no document types.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "blob/blob.h"

namespace rhizome::blob {

// RFC 3986 with the unreserved characters left as they are, as Signature Version 4 wants a query's values.
std::string PercentEncode(std::string_view text);
// nullopt for a bad escape.
std::optional<std::string> PercentDecode(std::string_view text);

// One answer to ListObjectsV2 with encoding-type=url.
struct S3Listing {
  std::vector<ObjectInfo> objects;  // keys as they are in the bucket
  bool truncated = false;
};
// Corruption for what is no such answer.
Result<S3Listing> ParseS3Listing(std::string_view xml);

// The <Code> of an error answer, such as "NoSuchKey"; "" when there is none. Letters and digits only.
std::string ParseS3ErrorCode(std::string_view xml);

}  // namespace rhizome::blob
