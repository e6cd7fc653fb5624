#include "config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "base/scratch_testing.h"

namespace rhizome::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<Config> Load(const std::string& toml, std::map<std::string, std::string> environment = {},
                    FlagValues flags = {}) {
  const ScratchFolder folder;
  std::string file;
  if (!toml.empty()) {
    file = folder.File("rhizome.toml");
    std::ofstream(file) << toml;
  }
  return LoadConfig(
      file,
      [&environment](const char* name) {
        const auto it = environment.find(name);
        return it == environment.end() ? nullptr : it->second.c_str();
      },
      flags);
}

TEST(Config, FlagsWinOverTheEnvironmentWhichWinsOverTheFile) {
  const std::string toml = "data_dir = 'file'\nlisten = 'file:1'\nmodel_dir = 'file'\n";
  const Config config =
      Load(toml, {{"RHIZOME_DATA_DIR", "env"}, {"RHIZOME_LISTEN", "env:1"}}, {{"data_dir", "flag"}}).value();
  EXPECT_EQ(config.data_dir, "flag");
  EXPECT_EQ(config.listen, "env:1");
  EXPECT_EQ(config.model_dir, "file");
}

TEST(Config, EveryKindOfValueIsRead) {
  const Config config =
      Load("api_keys = ['a', 'b']\ninsecure_bind = true\nio_threads = 3\nembedder = 'none'\n").value();
  EXPECT_THAT(config.api_keys, ElementsAre("a", "b"));
  EXPECT_TRUE(config.insecure_bind);
  EXPECT_EQ(config.io_threads, 3u);
  EXPECT_EQ(config.embedder, "none");
}

TEST(Config, ErrorsNameTheOptionAndItsOrigin) {
  const Status bounds = Load("", {{"RHIZOME_IO_THREADS", "100000"}}).status();
  EXPECT_EQ(bounds.field(), "io_threads");
  EXPECT_THAT(bounds.message(), HasSubstr("RHIZOME_IO_THREADS"));
  EXPECT_EQ(Load("", {}, {{"embedder", "word2vec"}}).status().field(), "embedder");
  EXPECT_EQ(Load("io_threads = 'three'").status().field(), "io_threads");
  EXPECT_EQ(Load("io_threads = 1.5").status().field(), "io_threads");
  EXPECT_EQ(Load("insecure_bind = 'maybe'").status().field(), "insecure_bind");
  EXPECT_EQ(Load("api_keys = [1]").status().field(), "api_keys");
}

TEST(Config, AnUnknownKeyInTheFileIsAnError) { EXPECT_EQ(Load("data_dri = 'x'").status().field(), "data_dri"); }

TEST(Config, BrokenTomlIsAnErrorWithItsPlace) { EXPECT_THAT(Load("a = [").status().message(), HasSubstr("line")); }

TEST(Config, AMissingFileIsAnError) {
  EXPECT_FALSE(LoadConfig("/does/not/exist.toml", [](const char*) { return nullptr; }, {}).ok());
}

// docs/configuration.md is generated: rhizome serve --print-options.
TEST(Config, TheReferencePageIsUpToDate) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/docs/configuration.md");
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_THAT(page.str(), HasSubstr(ConfigReference()));
}

}  // namespace
}  // namespace rhizome::app
