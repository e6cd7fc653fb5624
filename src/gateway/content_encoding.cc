#include "gateway/content_encoding.h"

#include <zlib.h>

#include <algorithm>

namespace rhizome::gateway {
namespace {

constexpr size_t kStepBytes = 64 << 10;

class Inflater {
 public:
  Inflater() { ready_ = inflateInit2(&stream_, 15 + 16) == Z_OK; }  // 16: the gzip wrapper and nothing else
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool ready() const { return ready_; }
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

}  // namespace

Result<std::string> InflateGzip(std::string_view compressed, const InflateBounds& bounds) {
  Inflater inflater;
  if (!inflater.ready()) return Status::ResourceExhausted("no memory to inflate the body");
  z_stream& stream = inflater.stream();
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));  // zlib only reads through it
  stream.avail_in = static_cast<uInt>(compressed.size());
  const uint64_t allowed =
      std::min<uint64_t>(bounds.bytes_max, std::max<uint64_t>(kStepBytes, compressed.size() * bounds.ratio_max));
  std::string out;
  while (true) {
    const size_t done = out.size();
    out.resize(done + kStepBytes);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + done);
    stream.avail_out = kStepBytes;
    const int state = inflate(&stream, Z_NO_FLUSH);
    out.resize(done + kStepBytes - stream.avail_out);
    if (out.size() > allowed) {
      return Status::TooLarge("body", "inflates to more than " + std::to_string(allowed) + " bytes");
    }
    if (state == Z_STREAM_END) break;
    if (state != Z_OK) return Status::InvalidArgument("body", "is not valid gzip");
    if (stream.avail_in == 0 && stream.avail_out != 0) return Status::InvalidArgument("body", "is truncated gzip");
  }
  if (stream.avail_in != 0) return Status::InvalidArgument("body", "has bytes after its gzip member");
  return out;
}

}  // namespace rhizome::gateway
