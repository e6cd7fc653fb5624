#include "config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <sstream>

namespace rhizome::app {
namespace {

ConfigOption Text(std::string name, std::string Config::*member, std::string meaning) {
  return {std::move(name),
          std::move(meaning),
          "",
          false,
          [member](Config& config, const std::string& text) {
            config.*member = text;
            return Status::Ok();
          },
          [member](const Config& config) { return config.*member; }};
}

ConfigOption Choice(std::string name, std::string Config::*member, std::vector<std::string> choices,
                    std::string meaning) {
  std::string bounds;
  for (size_t i = 0; i < choices.size(); ++i) {
    bounds += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i];
  }
  ConfigOption option = Text(std::move(name), member, std::move(meaning));
  option.bounds = bounds;
  option.set = [member, choices, bounds](Config& config, const std::string& text) {
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
      return Status::InvalidArgument("", "must be " + bounds + ", not '" + text + "'");
    }
    config.*member = text;
    return Status::Ok();
  };
  return option;
}

ConfigOption Number(std::string name, uint64_t Config::*member, uint64_t min, uint64_t max, std::string meaning) {
  const std::string bounds = std::to_string(min) + " to " + std::to_string(max);
  return {std::move(name),
          std::move(meaning),
          bounds,
          false,
          [member, min, max, bounds](Config& config, const std::string& text) {
            uint64_t value = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            if (error != std::errc() || end != text.data() + text.size() || value < min || value > max) {
              return Status::InvalidArgument("", "must be a whole number from " + bounds + ", not '" + text + "'");
            }
            config.*member = value;
            return Status::Ok();
          },
          [member](const Config& config) { return std::to_string(config.*member); }};
}

ConfigOption Switch(std::string name, bool Config::*member, std::string meaning) {
  return {std::move(name),
          std::move(meaning),
          "true or false",
          true,
          [member](Config& config, const std::string& text) {
            if (text != "true" && text != "false") {
              return Status::InvalidArgument("", "must be true or false, not '" + text + "'");
            }
            config.*member = text == "true";
            return Status::Ok();
          },
          [member](const Config& config) { return config.*member ? "true" : "false"; }};
}

ConfigOption CommaList(std::string name, std::vector<std::string> Config::*member, std::string meaning) {
  return {std::move(name),
          std::move(meaning),
          "comma-separated",
          false,
          [member](Config& config, const std::string& text) {
            (config.*member).clear();
            std::stringstream items(text);
            for (std::string item; std::getline(items, item, ',');) {
              if (!item.empty()) (config.*member).push_back(item);
            }
            return Status::Ok();
          },
          [](const Config&) { return std::string(); }};  // keys are not shown
}

std::vector<ConfigOption> DeclareOptions() {
  return {
      Text("data_dir", &Config::data_dir, "folder that holds everything; made when absent"),
      Text("listen", &Config::listen, "address and port; port 0 takes a free one"),
      CommaList("api_keys", &Config::api_keys, "keys that clients must send as 'Authorization: Bearer KEY'"),
      Switch("insecure_bind", &Config::insecure_bind, "listen beyond loopback without API keys"),
      Text("default_collection", &Config::default_collection,
           "collection that requests mean when they name none; made with its first document"),
      Choice("embedder", &Config::embedder, {"minilm", "http", "none"}, "what turns text into vectors"),
      Text("model_dir", &Config::model_dir, "folder of the MiniLM weights; empty: found beside the program"),
      Choice("precision", &Config::precision, {"auto", "f32", "bf16"}, "arithmetic of the local model"),
      Text("embedder_url", &Config::embedder_url, "base URL of an OpenAI-compatible server, for embedder = http"),
      Text("embedder_model", &Config::embedder_model, "model to ask that server for"),
      Text("embedder_api_key", &Config::embedder_api_key, "key for that server"),
      Number("embedder_dimension", &Config::embedder_dimension, 0, 4096, "length of that model's vectors"),
      Number("io_threads", &Config::io_threads, 0, 1024, "threads that serve connections; 0: one per core"),
      Number("index_threads", &Config::index_threads, 0, 1024, "threads that link vectors; 0: one per core"),
      Number("body_mib_max", &Config::body_mib_max, 1, 4096, "largest request body in MiB"),
      Number("connections_max", &Config::connections_max, 1, 1'000'000, "open connections at most"),
      Number("checkpoint_log_mib", &Config::checkpoint_log_mib, 1, 65536,
             "MiB of log after which a snapshot is written; bounds the replay after a crash"),
      Choice("log_level", &Config::log_level, {"trace", "debug", "info", "warning", "error", "off"},
             "least severe line logged"),
  };
}

const ConfigOption* FindOption(const std::string& name) {
  for (const ConfigOption& option : ConfigOptions()) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

Status Set(const ConfigOption& option, const std::string& text, const std::string& origin, Config& config) {
  const Status status = option.set(config, text);
  if (status.ok()) return status;
  return Status::InvalidArgument(option.name, std::string(status.message()) + " (from " + origin + ")");
}

Result<std::string> TextOf(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<int64_t>()) return std::to_string(*number);
  if (const auto flag = node.value_exact<bool>()) return std::string(*flag ? "true" : "false");
  const toml::array* list = node.as_array();
  if (list == nullptr)
    return Status::InvalidArgument("", "must be a string, a whole number, true, false or a list of strings");
  std::string joined;
  for (const toml::node& item : *list) {
    const auto text = item.value_exact<std::string>();
    if (!text) return Status::InvalidArgument("", "must be a list of strings");
    joined += (joined.empty() ? "" : ",") + *text;
  }
  return joined;
}

Status ReadFile(const std::string& path, Config& config) {
  toml::table table;
  try {
    table = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    std::ostringstream where;
    where << error.source().begin;
    return Status::InvalidArgument("config", path + ": " + std::string(error.description()) + " at " + where.str());
  }
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const ConfigOption* option = FindOption(name);
    if (option == nullptr) return Status::InvalidArgument(name, "is not an option (from " + path + ")");
    const Result<std::string> text = TextOf(node);
    if (!text.ok()) return Status::InvalidArgument(name, std::string(text.status().message()) + " (from " + path + ")");
    RETURN_IF_ERROR(Set(*option, *text, path, config));
  }
  return Status::Ok();
}

}  // namespace

std::string ConfigOption::Flag() const {
  std::string flag = "--" + name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string ConfigOption::Environment() const {
  std::string variable = "RHIZOME_" + name;
  std::transform(variable.begin(), variable.end(), variable.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return variable;
}

const std::vector<ConfigOption>& ConfigOptions() {
  static const std::vector<ConfigOption> options = DeclareOptions();
  return options;
}

Result<Config> LoadConfig(const std::string& file, const std::function<const char*(const char*)>& environment,
                          const FlagValues& flags) {
  Config config;
  if (!file.empty()) RETURN_IF_ERROR(ReadFile(file, config));
  for (const ConfigOption& option : ConfigOptions()) {
    const char* text = environment(option.Environment().c_str());
    if (text != nullptr) RETURN_IF_ERROR(Set(option, text, option.Environment(), config));
  }
  for (const auto& [name, text] : flags) {
    const ConfigOption* option = FindOption(name);
    CHECK(option != nullptr);  // flags are made from the same table
    RETURN_IF_ERROR(Set(*option, text, option->Flag(), config));
  }
  return config;
}

std::string ConfigReference() {
  const Config defaults;
  std::string page = "| option | default | allowed | meaning |\n|---|---|---|---|\n";
  for (const ConfigOption& option : ConfigOptions()) {
    const std::string value = option.show(defaults);
    page += "| `" + option.name + "` | " + (value.empty() ? "" : "`" + value + "`") + " | " + option.bounds + " | " +
            option.meaning + " |\n";
  }
  return page;
}

}  // namespace rhizome::app
