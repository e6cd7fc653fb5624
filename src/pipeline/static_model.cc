#include "pipeline/static_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "format/coding.h"

namespace rhizome::pipeline {
namespace {

constexpr std::string_view kMagic = "RZSTATIC";
constexpr uint8_t kFormat = 1;
constexpr size_t kChecksumBytes = 8;

size_t PiecesOf(std::string_view vocabulary) {
  const auto ends = static_cast<size_t>(std::count(vocabulary.begin(), vocabulary.end(), '\n'));
  return ends + (vocabulary.empty() || vocabulary.back() == '\n' ? 0 : 1);
}

std::string_view BytesOf(const std::vector<int16_t>& codes) {
  return {reinterpret_cast<const char*>(codes.data()), codes.size() * sizeof(int16_t)};
}

}  // namespace

std::string StaticModelName(const StaticModel& model) {
  const uint64_t content = Checksum(model.vocabulary, Checksum(BytesOf(model.codes), model.dimension));
  return fmt::format("static-{}-{:08x}", model.dimension, content >> 32);
}

std::string EncodeStaticModel(const StaticModel& model) {
  std::string out(kMagic);
  format::PutU8(out, kFormat);
  format::PutU32(out, model.dimension);
  format::PutU32(out, static_cast<uint32_t>(model.codes.size() / model.dimension));
  format::PutBytes(out, model.vocabulary);
  out.append(BytesOf(model.codes));
  format::PutU64(out, Checksum(out));
  return out;
}

Result<StaticModel> DecodeStaticModel(std::string_view bytes) {
  format::Decoder in(bytes);
  std::string_view magic, codes;
  uint8_t format = 0;
  uint32_t pieces = 0;
  StaticModel model;
  if (!in.Raw(magic, kMagic.size()) || magic != kMagic) return in.Failure("static model: not one");
  if (!in.U8(format) || format != kFormat) return in.Failure("static model: format");
  if (bytes.size() < kChecksumBytes + in.offset() ||
      format::LoadFixed<uint64_t>(bytes.data() + bytes.size() - kChecksumBytes) !=
          Checksum(bytes.substr(0, bytes.size() - kChecksumBytes))) {
    return Status::Corruption("static model: its checksum is wrong");
  }
  if (!in.U32(model.dimension) || model.dimension == 0 || model.dimension > kStaticDimensionMax || !in.U32(pieces) ||
      pieces == 0 || pieces > kStaticPiecesMax || !in.Bytes(model.vocabulary) ||
      !in.Raw(codes, size_t{pieces} * model.dimension * sizeof(int16_t)) || in.remaining() != kChecksumBytes) {
    return in.Failure("static model");
  }
  if (PiecesOf(model.vocabulary) != pieces) return Status::Corruption("static model: pieces and rows differ in number");
  model.codes.resize(size_t{pieces} * model.dimension);
  std::memcpy(model.codes.data(), codes.data(), codes.size());
  model.name = StaticModelName(model);
  return model;
}

Result<StaticModel> ReadStaticModel(io::Disk& disk, const std::string& path) {
  const auto named = [&path](const Status& status) {
    return Status(status.code(), path + ": " + std::string(status.message()));
  };
  const auto bytes = io::ReadWholeFile(disk, path);
  if (!bytes.ok()) return named(bytes.status());
  auto model = DecodeStaticModel(*bytes);
  if (!model.ok()) return named(model.status());
  return model;
}

}  // namespace rhizome::pipeline
