// StaticModel: one vector for each piece of a vocabulary, distilled from a transformer once (pipeline/distill.h), and
// its bytes (docs/formats/static_model.md). A text's vector is the sum of its pieces' vectors, scaled to length 1: a
// thousandth of a transformer's work.
//
// A value; decoding believes nothing before it is checked. Thread-safe when constant.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "io/disk.h"

namespace rhizome::pipeline {

struct StaticModel {
  // "static-<dimension>-<eight hex digits of its content>": what vectors of different names say cannot be compared.
  std::string name;
  std::string vocabulary;  // as WordPiece::Parse takes it
  uint32_t dimension = 0;
  std::vector<int16_t> codes;  // row by row, one of `dimension` for each piece; the common factor is of no consequence

  std::span<const int16_t> row(size_t piece) const { return std::span(codes).subspan(piece * dimension, dimension); }
};

// Its name in the folder of the weights that it was distilled from.
constexpr std::string_view kStaticModelFile = "static.model";
constexpr uint32_t kStaticDimensionMax = 4096;
constexpr uint32_t kStaticPiecesMax = 1 << 20;

// The name that a model of this content has.
std::string StaticModelName(const StaticModel& model);
std::string EncodeStaticModel(const StaticModel& model);
// Corruption: not such a file, one cut short, changed, or of a later format.
Result<StaticModel> DecodeStaticModel(std::string_view bytes);
// Errors: NotFound, IoError, Corruption, each naming the file.
Result<StaticModel> ReadStaticModel(io::Disk& disk, const std::string& path);

}  // namespace rhizome::pipeline
