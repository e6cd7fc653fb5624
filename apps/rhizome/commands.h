// The client side of the program: ingest, search and salvage. Each prints its result and returns the exit code:
// 0 done, 1 failed, 2 partly failed (ingest).
#pragma once

#include <string>
#include <vector>

namespace rhizome::app {

struct IngestArguments {
  std::vector<std::string> paths;  // files, folders or "-"
  std::string server = "http://127.0.0.1:8000";
  std::string api_key;
  std::string collection;  // "": the server's default
  std::string format;      // "": by name and content
  unsigned batch_documents = 64;
  unsigned connections = 2;
  bool quiet = false;
};
int Ingest(const IngestArguments& arguments);

struct SearchArguments {
  std::string query;
  std::string server = "http://127.0.0.1:8000";
  std::string api_key;
  std::string collection;
  std::string mode = "hybrid";
  std::string filter;  // JSON
  unsigned top_k = 5;
  bool json = false;
};
int Search(const SearchArguments& arguments);

int Salvage(const std::string& data_dir);

}  // namespace rhizome::app
