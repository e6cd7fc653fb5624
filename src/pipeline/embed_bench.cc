// embed_bench: the local embedder against OpenVINO's own asynchronous API, in one run and interleaved.
//
// Both run the same graph, precision, streams and batch limits on the same texts. The reference is given its
// batches ready cut and its tokens ready made, from the whole sample at once; the embedder starts from text.
// Throughput is wall time; the ratio by processor time stands beside it for busy machines.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <openvino/openvino.hpp>
#include <thread>

#include "base/clock.h"
#include "pipeline/minilm.h"
#include "pipeline/minilm_lane.h"

namespace rhizome::pipeline {
namespace {

struct Options {
  std::string input = "build/corpus/packages.jsonl";  // ./dev bench embed makes it
  std::string fvecs;
  std::string model_dir;
  std::string precision = "auto";
  size_t texts = 2000;
  size_t rounds = 5;
  size_t threads = 0;
  BatchLimits batch;
  bool json = false;
};

struct Cost {
  double wall_s = 0;
  double cpu_s = 0;
};

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

template <typename Work>
Cost Measure(const Work& work) {
  const int64_t from = SystemClock().MonotonicNs();
  const double cpu_from = CpuSeconds();
  work();
  return {static_cast<double>(SystemClock().MonotonicNs() - from) / 1e9, CpuSeconds() - cpu_from};
}

double Quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "embed_bench: %s\n", why.c_str());
  std::exit(1);
}

// A line is a text, or a JSON object with one under "text".
std::vector<std::string> ReadTexts(const std::string& path) {
  std::ifstream lines(path);
  if (!lines) Fail("cannot read " + path);
  std::vector<std::string> texts;
  for (std::string line; std::getline(lines, line);) {
    boost::system::error_code error;
    const boost::json::value value = line.starts_with("{") ? boost::json::parse(line, error) : boost::json::value();
    const boost::json::value* text = value.is_object() ? value.get_object().if_contains("text") : nullptr;
    if (text != nullptr && text->is_string()) {
      texts.emplace_back(text->get_string());
    } else if (!line.empty()) {
      texts.push_back(line);
    }
  }
  if (texts.empty()) Fail("no text in " + path);
  return texts;
}

// Spread over the whole input, in its order.
std::vector<std::string> Sample(const std::vector<std::string>& all, size_t count) {
  std::vector<std::string> chosen;
  count = std::min(count, all.size());
  for (size_t i = 0; i < count; ++i) chosen.push_back(all[i * all.size() / count]);
  return chosen;
}

// OpenVINO's asynchronous API as its documentation shows it: one request for each stream, started again from its
// completion, results copied out.
class Reference {
 public:
  Reference(const std::string& folder, Precision precision, size_t streams) {
    auto weights = MiniLmWeights::Open(folder + "/model.safetensors");
    if (!weights.ok()) Fail(weights.status().ToString());
    auto graph = BuildMiniLm(*weights);
    if (!graph.ok()) Fail(graph.status().ToString());
    auto compiled = CompileMiniLm(*graph, precision, streams);
    if (!compiled.ok()) Fail(compiled.status().ToString());
    for (size_t i = 0; i < streams; ++i) requests_.push_back((*compiled)->create_infer_request());
  }

  size_t Prepare(const WordPiece& tokenizer, const std::vector<std::string>& texts, BatchLimits limits) {
    SequenceQueue queue(limits);
    size_t tokens = 0;
    for (const std::string& text : texts) {
      queue.Push({.tokens = tokenizer.Encode(text, kMiniLmTokensMax)});
      tokens += tokenizer.Encode(text, kMiniLmTokensMax).size();
    }
    while (queue.size() > 0) {
      Input& input = inputs_.emplace_back();
      input.shape = FillInputs(queue.TakeBatch(), input.tokens, input.mask);
    }
    // Longest first, as the embedder runs them.
    std::stable_sort(inputs_.begin(), inputs_.end(),
                     [](const Input& a, const Input& b) { return a.shape[1] > b.shape[1]; });
    return tokens;
  }

  void Run() {
    next_ = 0;
    running_ = requests_.size();
    for (ov::InferRequest& request : requests_) {
      request.set_callback([this, &request](const std::exception_ptr& error) {
        if (error) Fail("the reference failed");
        const ov::Tensor output = request.get_output_tensor(0);
        answers_.fetch_add(output.get_shape()[0]);
        std::vector<float> copy(output.data<const float>(), output.data<const float>() + output.get_size());
        StartNext(request);
      });
      StartNext(request);
    }
    MutexLock lock(mutex_);
    while (running_ > 0) done_.Wait(mutex_);
  }

  size_t batches() const { return inputs_.size(); }
  size_t padded_tokens() const {
    size_t padded = 0;
    for (const Input& input : inputs_) padded += input.tokens.size();
    return padded;
  }
  size_t answers() const { return answers_; }

 private:
  struct Input {
    ov::Shape shape;
    std::vector<int32_t> tokens;
    std::vector<float> mask;
  };

  void StartNext(ov::InferRequest& request) {
    const size_t mine = next_.fetch_add(1);
    if (mine >= inputs_.size()) {
      MutexLock lock(mutex_);
      if (--running_ == 0) done_.NotifyAll();
      return;
    }
    Input& input = inputs_[mine];
    request.set_input_tensor(0, ov::Tensor(ov::element::i32, input.shape, input.tokens.data()));
    request.set_input_tensor(1, ov::Tensor(ov::element::f32, input.shape, input.mask.data()));
    request.start_async();
  }

  std::vector<ov::InferRequest> requests_;
  std::vector<Input> inputs_;
  std::atomic<size_t> next_{0};
  std::atomic<size_t> answers_{0};
  Mutex mutex_;
  CondVar done_;
  size_t running_ = 0;
};

void EmbedAll(MiniLm& model, std::span<const std::string> texts) {
  const auto vectors = model.Embed(texts);
  if (!vectors.ok()) Fail(vectors.status().ToString());
}

std::vector<double> QueryTimes(MiniLm& model, size_t count) {
  const std::string queries[] = {"convert a pdf to text", "lightweight web server", "play music in a terminal",
                                 "library for reading image metadata", "compress files quickly"};
  std::vector<double> times_ms;
  for (size_t i = 0; i < count; ++i) {
    const Cost cost = Measure([&] { EmbedAll(model, std::span(&queries[i % std::size(queries)], 1)); });
    times_ms.push_back(cost.wall_s * 1000);
  }
  return times_ms;
}

// Query times while another thread embeds the sample again and again.
std::vector<double> BusyQueryTimes(MiniLm& model, const std::vector<std::string>& texts) {
  std::atomic<bool> stop = false;
  std::thread ingest([&] {
    while (!stop) EmbedAll(model, std::span(texts).first(std::min<size_t>(texts.size(), 500)));
  });
  std::vector<double> times_ms = QueryTimes(model, 100);
  stop = true;
  ingest.join();
  return times_ms;
}

void WriteFvecs(MiniLm& model, const std::vector<std::string>& texts, const std::string& path) {
  const std::string part = path + ".part";  // whoever finds `path` finds all of it
  std::ofstream out(part, std::ios::binary);
  const int64_t start_ns = SystemClock().MonotonicNs();
  const auto dimension = static_cast<int32_t>(model.dimension());
  constexpr size_t kPortion = 4096;
  for (size_t from = 0; from < texts.size(); from += kPortion) {
    const auto portion = std::span(texts).subspan(from, std::min(kPortion, texts.size() - from));
    const auto vectors = model.Embed(portion);
    if (!vectors.ok()) Fail(vectors.status().ToString());
    for (const std::vector<float>& vector : *vectors) {
      out.write(reinterpret_cast<const char*>(&dimension), sizeof(dimension));
      out.write(reinterpret_cast<const char*>(vector.data()), static_cast<std::streamsize>(vector.size() * 4));
    }
    const size_t done = from + portion.size();
    const double spent_s = static_cast<double>(SystemClock().MonotonicNs() - start_ns) / 1e9;
    std::fprintf(stderr, "\r%zu of %zu, %.0f s left    ", done, texts.size(),
                 spent_s * static_cast<double>(texts.size() - done) / static_cast<double>(done));
  }
  out.close();
  if (!out || std::rename(part.c_str(), path.c_str()) != 0) Fail("writing " + path);
  std::fprintf(stderr, "\n");
}

void Print(const boost::json::object& figures, bool json) {
  if (json) {
    std::printf("%s\n", boost::json::serialize(figures).c_str());
    return;
  }
  for (const auto& [name, value] : figures) {
    const std::string text = value.is_double() ? fmt::format("{:.3f}", value.get_double()) : serialize(value);
    std::printf("%-24s %s\n", std::string(name).c_str(), text.c_str());
  }
}

double Round(double value) { return std::round(value * 1000) / 1000; }

boost::json::object Compare(MiniLm& model, Reference& reference, const Options& options,
                            const std::vector<std::string>& texts, size_t tokens) {
  const Cost first = Measure([&] { EmbedAll(model, texts); });  // kernels for new shapes are made here
  reference.Run();
  std::vector<double> ours;
  std::vector<double> ours_cpu;
  std::vector<double> theirs;
  std::vector<double> wall_ratios;
  std::vector<double> cpu_ratios;
  for (size_t round = 0; round < options.rounds; ++round) {
    const Cost mine = Measure([&] { EmbedAll(model, texts); });
    const Cost other = Measure([&] { reference.Run(); });
    ours.push_back(mine.wall_s);
    ours_cpu.push_back(mine.cpu_s);
    theirs.push_back(other.wall_s);
    wall_ratios.push_back(other.wall_s / mine.wall_s);
    cpu_ratios.push_back(other.cpu_s / mine.cpu_s);
  }
  const std::vector<double> idle = QueryTimes(model, 200);
  const std::vector<double> busy = BusyQueryTimes(model, texts);
  const auto count = static_cast<double>(texts.size());
  return {{"embed_ratio", Round(Quantile(wall_ratios, 0.5))},
          {"embed_cpu_ratio", Round(Quantile(cpu_ratios, 0.5))},
          {"texts_per_s", Round(count / Quantile(ours, 0.5))},
          {"reference_texts_per_s", Round(count / Quantile(theirs, 0.5))},
          {"tokens_per_s", Round(static_cast<double>(tokens) / Quantile(ours, 0.5))},
          {"tokens_per_cpu_s", Round(static_cast<double>(tokens) / Quantile(ours_cpu, 0.5))},
          {"first_run_texts_per_s", Round(count / first.wall_s)},
          {"texts", texts.size()},
          {"tokens", tokens},
          {"padding_share", Round(1 - static_cast<double>(tokens) / static_cast<double>(reference.padded_tokens()))},
          {"batches", reference.batches()},
          {"precision", model.precision()},
          {"threads", model.threads()},
          {"query_ms_p50", Round(Quantile(idle, 0.5))},
          {"query_ms_p99", Round(Quantile(idle, 0.99))},
          {"query_busy_ms_p50", Round(Quantile(busy, 0.5))},
          {"query_busy_ms_p99", Round(Quantile(busy, 0.99))}};
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Embedding throughput against OpenVINO's asynchronous API");
  app.add_option("input", options.input,
                 "texts, one a line, or JSON objects with \"text\"; else the package descriptions");
  app.add_option("--fvecs", options.fvecs, "embed every text, write the vectors there, measure nothing");
  app.add_option("--model-dir", options.model_dir, "folder of the model; found by itself when near the program");
  app.add_option("--precision", options.precision, "auto, f32 or bf16");
  app.add_option("--texts", options.texts, "size of the sample");
  app.add_option("--rounds", options.rounds)->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads, "0: every core");
  app.add_option("--batch-tokens", options.batch.tokens_max);
  app.add_flag("--json", options.json, "one JSON object");
  CLI11_PARSE(app, argc, argv);

  const auto parsed = ParsePrecision(options.precision);
  if (!parsed.ok()) Fail(parsed.status().ToString());
  const Precision precision = *parsed;
  if (options.model_dir.empty()) {
    auto found = FindModelFolder();
    if (!found.ok()) Fail(found.status().ToString());
    options.model_dir = *found;
  }
  auto model = MiniLm::Open(
      {.model_dir = options.model_dir, .precision = precision, .threads = options.threads, .batch = options.batch});
  if (!model.ok()) Fail(model.status().ToString());
  const std::vector<std::string> all = ReadTexts(options.input);
  if (!options.fvecs.empty()) {
    WriteFvecs(**model, all, options.fvecs);
    return 0;
  }
  const std::vector<std::string> texts = Sample(all, options.texts);
  auto tokenizer = WordPiece::Load(options.model_dir + "/vocab.txt");
  if (!tokenizer.ok()) Fail(tokenizer.status().ToString());
  Reference reference(options.model_dir, precision, (*model)->threads());
  const size_t tokens = reference.Prepare(*tokenizer, texts, options.batch);
  Print(Compare(**model, reference, options, texts, tokens), options.json);
  if (reference.answers() != texts.size() * (options.rounds + 1)) Fail("the reference lost texts");
  return 0;
}

}  // namespace
}  // namespace rhizome::pipeline

int main(int argc, char** argv) { return rhizome::pipeline::Main(argc, argv); }
