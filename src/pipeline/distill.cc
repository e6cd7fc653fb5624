#include "pipeline/distill.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

namespace rhizome::pipeline {
namespace {

constexpr size_t kPiecesPerCall = 1024;
// Zipf and Mandelbrot: the piece at place r is as frequent as 1/(r + 2.7).
constexpr double kZipfShift = 2.7;

using Matrix = Eigen::MatrixXf;

Status Check(const DistillOptions& options, size_t pieces, size_t width) {
  if (pieces < 2) return Status::InvalidArgument("vocabulary", "has fewer than two pieces");
  if (options.dimension < 1 || options.dimension > width) {
    return Status::InvalidArgument("dimension", "must be 1 to " + std::to_string(width));
  }
  if (!(options.flattening >= 0 && options.flattening <= 0.5)) {
    return Status::InvalidArgument("flattening", "must be 0 to 0.5");
  }
  if (!(options.frequency > 0)) return Status::InvalidArgument("frequency", "must be above 0");
  return Status::Ok();
}

// The first components as columns, each divided by its variance to the power `flattening` and turned so that its
// greatest entry is positive: an eigenvector's sign is chance.
Matrix ComponentsOf(const Matrix& centred, const DistillOptions& options) {
  const Eigen::MatrixXd rows = centred.cast<double>();
  const Eigen::MatrixXd covariance = rows.transpose() * rows / static_cast<double>(rows.rows());
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(covariance);  // ascending
  const Eigen::Index width = covariance.rows();
  Eigen::MatrixXd components(width, options.dimension);
  for (Eigen::Index i = 0; i < components.cols(); ++i) {
    Eigen::VectorXd component = solved.eigenvectors().col(width - 1 - i);
    Eigen::Index greatest = 0;
    component.cwiseAbs().maxCoeff(&greatest);
    if (component[greatest] < 0) component = -component;
    const double variance = std::max(solved.eigenvalues()[width - 1 - i], 1e-9);
    components.col(i) = component / std::pow(variance, options.flattening);
  }
  return components.cast<float>();
}

Eigen::VectorXf WeightsOf(size_t pieces, double frequency) {
  double total = 0;
  for (size_t i = 0; i < pieces; ++i) total += 1 / (static_cast<double>(i) + kZipfShift);
  Eigen::VectorXf weights(static_cast<Eigen::Index>(pieces));
  for (size_t i = 0; i < pieces; ++i) {
    const double p = 1 / ((static_cast<double>(i) + kZipfShift) * total);
    weights[static_cast<Eigen::Index>(i)] = static_cast<float>(frequency / (frequency + p));
  }
  return weights;
}

}  // namespace

Result<StaticModel> ReduceToStatic(const std::vector<std::vector<float>>& vectors, std::string vocabulary,
                                   const DistillOptions& options) {
  const size_t width = vectors.empty() ? 0 : vectors[0].size();
  RETURN_IF_ERROR(Check(options, vectors.size(), width));
  Matrix rows(vectors.size(), width);
  for (size_t i = 0; i < vectors.size(); ++i) {
    if (vectors[i].size() != width) return Status::InvalidArgument("vectors", "are not all of one length");
    rows.row(static_cast<Eigen::Index>(i)) =
        Eigen::Map<const Eigen::RowVectorXf>(vectors[i].data(), static_cast<Eigen::Index>(width));
  }
  rows.rowwise() -= rows.colwise().mean().eval();
  Matrix reduced = rows * ComponentsOf(rows, options);
  reduced = WeightsOf(vectors.size(), options.frequency).asDiagonal() * reduced;
  const float greatest = reduced.cwiseAbs().maxCoeff();
  if (!(greatest > 0)) return Status::InvalidArgument("vectors", "are all alike");

  StaticModel model;
  model.vocabulary = std::move(vocabulary);
  model.dimension = options.dimension;
  model.codes.reserve(vectors.size() * options.dimension);
  for (Eigen::Index i = 0; i < reduced.rows(); ++i) {
    for (Eigen::Index j = 0; j < reduced.cols(); ++j) {
      model.codes.push_back(static_cast<int16_t>(std::lround(reduced(i, j) / greatest * INT16_MAX)));
    }
  }
  model.name = StaticModelName(model);
  return model;
}

Result<StaticModel> Distill(MiniLm& teacher, const DistillOptions& options,
                            const std::function<void(size_t, size_t)>& progress) {
  const WordPiece& tokenizer = teacher.tokenizer();
  RETURN_IF_ERROR(Check(options, tokenizer.size(), teacher.dimension()));
  const std::vector<int32_t> frame = tokenizer.Encode("", 2);
  std::vector<std::vector<float>> vectors;
  vectors.reserve(tokenizer.size());
  while (vectors.size() < tokenizer.size()) {
    std::vector<std::vector<int32_t>> texts;
    for (size_t piece = vectors.size(); piece < tokenizer.size() && texts.size() < kPiecesPerCall; ++piece) {
      texts.push_back({frame.front(), static_cast<int32_t>(piece), frame.back()});
    }
    ASSIGN_OR_RETURN(std::vector<std::vector<float>> some, teacher.EmbedTokens(std::move(texts)));
    std::move(some.begin(), some.end(), std::back_inserter(vectors));
    progress(vectors.size(), tokenizer.size());
  }
  return ReduceToStatic(vectors, tokenizer.vocabulary(), options);
}

}  // namespace rhizome::pipeline
