// `rhizome distill`: makes the static embedder's model.
#include "pipeline/distill.h"

#include <fmt/format.h>

#include "commands.h"
#include "io/disk.h"
#include "progress.h"

namespace rhizome::app {
namespace {

Result<pipeline::StaticModel> DistillTo(const std::string& model_dir, const std::string& path,
                                        const DistillArguments& arguments) {
  ASSIGN_OR_RETURN(const auto teacher, pipeline::MiniLm::Open({.model_dir = model_dir}));
  Progress progress(teacher->tokenizer().size(), arguments.quiet, "word pieces");
  size_t told = 0;
  ASSIGN_OR_RETURN(pipeline::StaticModel model,
                   pipeline::Distill(*teacher, {.dimension = arguments.dimension}, [&](size_t done, size_t) {
                     progress.Advance(done - told, done - told);
                     told = done;
                   }));
  RETURN_IF_ERROR(io::WriteFileAtomically(io::RealDisk(), path, pipeline::EncodeStaticModel(model)));
  return model;
}

Result<std::string> Distilled(const DistillArguments& arguments) {
  std::string folder = arguments.model_dir, path = arguments.out;
  if (folder.empty()) {
    ASSIGN_OR_RETURN(folder, pipeline::FindModelFolder());
  }
  if (path.empty()) path = folder + "/" + std::string(pipeline::kStaticModelFile);
  ASSIGN_OR_RETURN(const pipeline::StaticModel model, DistillTo(folder, path, arguments));
  return fmt::format("{}: {}\n", path, model.name);
}

}  // namespace

int Distill(const DistillArguments& arguments) {
  const auto said = Distilled(arguments);
  if (!said.ok()) {
    fmt::print(stderr, "rhizome distill: {}\n", said.status().ToString());
    return 1;
  }
  fmt::print("{}", *said);
  fmt::print(stderr,
             "A server started from now on offers it: create a collection with {{\"name\": …, \"embedder\": "
             "\"static\"}}, or start it with --embedder static.\n");
  return 0;
}

}  // namespace rhizome::app
