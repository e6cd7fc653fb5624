#include "pipeline/minilm_graph.h"

#include <cmath>
#include <openvino/op/ops.hpp>
#include <openvino/openvino.hpp>

namespace rhizome::pipeline {
namespace {

using ov::op::v0::Constant;
using Node = ov::Output<ov::Node>;

constexpr size_t kLayers = 6;
constexpr size_t kHeads = 12;
constexpr size_t kHeadSize = kMiniLmDimension / kHeads;
constexpr size_t kInner = 1536;
constexpr size_t kVocabulary = 30522;
constexpr size_t kPositions = 512;
constexpr double kEpsilon = 1e-12;
constexpr float kMasked = -1e9F;  // drowns a padding token in the softmax; finite, so nothing becomes NaN

Node Numbers(const std::vector<int64_t>& values) {
  return Constant::create(ov::element::i64, ov::Shape{values.size()}, values);
}
Node Scalar(float value) { return Constant::create(ov::element::f32, ov::Shape{}, {value}); }
Node Add(const Node& a, const Node& b) { return std::make_shared<ov::op::v1::Add>(a, b); }
Node Multiply(const Node& a, const Node& b) { return std::make_shared<ov::op::v1::Multiply>(a, b); }

// Builds node by node. The first missing tensor is remembered and stands in as a scalar; Build reports it.
class Builder {
 public:
  explicit Builder(const std::shared_ptr<MiniLmWeights>& weights) : weights_(weights) {}

  Result<std::shared_ptr<ov::Model>> Build();

 private:
  Node Weight(const std::string& name, const TensorShape& shape);
  Node Dense(const Node& x, const std::string& name, size_t inputs, size_t outputs);
  Node LayerNorm(const Node& x, const std::string& name);
  Node Embeddings(const Node& tokens);
  Node Heads(const Node& x, const std::string& name);
  Node Attention(const Node& x, const Node& bias, const std::string& layer);
  Node Encoder(const Node& x, const Node& bias, const std::string& layer);

  const std::shared_ptr<MiniLmWeights>& weights_;
  Status status_;
};

Node Builder::Weight(const std::string& name, const TensorShape& shape) {
  auto found = weights_->Find(name, shape);
  if (!found.ok()) {
    if (status_.ok()) status_ = found.status();
    return Scalar(0);
  }
  return std::make_shared<Constant>(ov::element::f32, ov::Shape(shape), *found, weights_);
}

Node Builder::Dense(const Node& x, const std::string& name, size_t inputs, size_t outputs) {
  const Node product =
      std::make_shared<ov::op::v0::MatMul>(x, Weight(name + ".weight", {outputs, inputs}), false, true);
  return Add(product, Weight(name + ".bias", {outputs}));
}

Node Builder::LayerNorm(const Node& x, const std::string& name) {
  const Node flat =
      std::make_shared<ov::op::v6::MVN>(x, Numbers({-1}), true, kEpsilon, ov::op::MVNEpsMode::INSIDE_SQRT);
  return Add(Multiply(flat, Weight(name + ".weight", {kMiniLmDimension})), Weight(name + ".bias", {kMiniLmDimension}));
}

Node Builder::Embeddings(const Node& tokens) {
  const Node axis = Constant::create(ov::element::i64, ov::Shape{}, {0});
  const Node words = std::make_shared<ov::op::v8::Gather>(
      Weight("embeddings.word_embeddings.weight", {kVocabulary, kMiniLmDimension}), tokens, axis);
  const Node shape = std::make_shared<ov::op::v3::ShapeOf>(tokens);
  const Node length = std::make_shared<ov::op::v8::Gather>(shape, Numbers({1}), axis);
  const Node places = std::make_shared<ov::op::v8::Slice>(
      Weight("embeddings.position_embeddings.weight", {kPositions, kMiniLmDimension}), Numbers({0}), length,
      Numbers({1}), Numbers({0}));
  // Every token is of the first segment: the model is given one text at a time.
  const Node segment = std::make_shared<ov::op::v8::Gather>(
      Weight("embeddings.token_type_embeddings.weight", {2, kMiniLmDimension}), axis, axis);
  return LayerNorm(Add(words, Add(places, segment)), "embeddings.LayerNorm");
}

// [batch, length, 384] to [batch, heads, length, 32].
Node Builder::Heads(const Node& x, const std::string& name) {
  const Node dense = Dense(x, name, kMiniLmDimension, kMiniLmDimension);
  const Node split = std::make_shared<ov::op::v1::Reshape>(dense, Numbers({0, 0, kHeads, kHeadSize}), true);
  return std::make_shared<ov::op::v1::Transpose>(split, Numbers({0, 2, 1, 3}));
}

Node Builder::Attention(const Node& x, const Node& bias, const std::string& layer) {
  const Node query = Heads(x, layer + "attention.self.query");
  const Node key = Heads(x, layer + "attention.self.key");
  const Node value = Heads(x, layer + "attention.self.value");
  const Node scaled = Multiply(query, Scalar(1.0F / std::sqrt(static_cast<float>(kHeadSize))));
  const Node scores = std::make_shared<ov::op::v0::MatMul>(scaled, key, false, true);
  const Node shares = std::make_shared<ov::op::v8::Softmax>(Add(scores, bias), -1);
  const Node mixed = std::make_shared<ov::op::v0::MatMul>(shares, value);
  const Node back = std::make_shared<ov::op::v1::Transpose>(mixed, Numbers({0, 2, 1, 3}));
  return std::make_shared<ov::op::v1::Reshape>(back, Numbers({0, 0, kMiniLmDimension}), true);
}

Node Builder::Encoder(const Node& x, const Node& bias, const std::string& layer) {
  const Node mixed =
      Dense(Attention(x, bias, layer), layer + "attention.output.dense", kMiniLmDimension, kMiniLmDimension);
  const Node middle = LayerNorm(Add(mixed, x), layer + "attention.output.LayerNorm");
  const Node wide = std::make_shared<ov::op::v7::Gelu>(
      Dense(middle, layer + "intermediate.dense", kMiniLmDimension, kInner), ov::op::GeluApproximationMode::ERF);
  const Node narrow = Dense(wide, layer + "output.dense", kInner, kMiniLmDimension);
  return LayerNorm(Add(narrow, middle), layer + "output.LayerNorm");
}

Result<std::shared_ptr<ov::Model>> Builder::Build() {
  const ov::PartialShape any{-1, -1};
  const auto tokens = std::make_shared<ov::op::v0::Parameter>(ov::element::i32, any);
  const auto mask = std::make_shared<ov::op::v0::Parameter>(ov::element::f32, any);
  const Node padding = std::make_shared<ov::op::v1::Subtract>(Scalar(1), mask);
  const Node bias = std::make_shared<ov::op::v0::Unsqueeze>(Multiply(padding, Scalar(kMasked)), Numbers({1, 2}));

  Node x = Embeddings(tokens);
  for (size_t layer = 0; layer < kLayers; ++layer) {
    x = Encoder(x, bias, "encoder.layer." + std::to_string(layer) + ".");
  }
  const Node weight = std::make_shared<ov::op::v0::Unsqueeze>(mask, Numbers({2}));
  const Node sum = std::make_shared<ov::op::v1::ReduceSum>(Multiply(x, weight), Numbers({1}));
  const Node count = std::make_shared<ov::op::v1::ReduceSum>(weight, Numbers({1}));
  const Node mean = std::make_shared<ov::op::v1::Divide>(sum, count);
  RETURN_IF_ERROR(status_);
  return std::make_shared<ov::Model>(ov::OutputVector{mean}, ov::ParameterVector{tokens, mask}, "minilm_l6_v2");
}

}  // namespace

Result<Precision> ParsePrecision(std::string_view name) {
  if (name == "auto") return Precision::kAuto;
  if (name == "f32") return Precision::kF32;
  if (name == "bf16") return Precision::kBf16;
  return Status::InvalidArgument("precision", "must be auto, f32 or bf16");
}

Result<std::shared_ptr<ov::Model>> BuildMiniLm(const std::shared_ptr<MiniLmWeights>& weights) {
  try {
    return Builder(weights).Build();
  } catch (const std::exception& error) {
    return Status::Internal(std::string("building the MiniLM graph: ") + error.what());
  }
}

Result<std::shared_ptr<ov::CompiledModel>> CompileMiniLm(const std::shared_ptr<ov::Model>& graph, Precision precision,
                                                         size_t streams) {
  const auto count = static_cast<int32_t>(streams);
  // Without a hint OpenVINO computes in the processor's own 16-bit type where it has one. Pinning would put the
  // two lanes' threads onto the same cores.
  ov::AnyMap options{ov::num_streams(count), ov::inference_num_threads(count), ov::hint::enable_cpu_pinning(false)};
  if (precision == Precision::kF32) options.insert(ov::hint::inference_precision(ov::element::f32));
  if (precision == Precision::kBf16) options.insert(ov::hint::inference_precision(ov::element::bf16));
  try {
    return std::make_shared<ov::CompiledModel>(ov::Core().compile_model(graph, "CPU", options));
  } catch (const std::exception& error) {
    return Status::Internal(std::string("compiling the embedding model: ") + error.what());
  }
}

}  // namespace rhizome::pipeline
