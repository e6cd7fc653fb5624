// Any bytes as a message, before a server that answers any JSON: no crash, and what is answered is one object of
// JSON-RPC on one line.
#include <boost/json/parse.hpp>
#include <cstdlib>

#include "mcp/session.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // The first line is what the server answers, the rest the message.
  const size_t end = std::min(bytes.find('\n'), size);
  boost::json::error_code error;
  boost::json::value answer = boost::json::parse(bytes.substr(0, end), error);
  const mcp::Session session(
      [&](const std::string&, const std::string&, const boost::json::value&) -> Result<boost::json::value> {
        if (error) return Status::Unavailable("away");
        return answer;
      },
      "0");
  const auto said = session.Handle(end == size ? bytes : bytes.substr(end + 1));
  if (!said) return 0;
  const boost::json::value parsed = boost::json::parse(*said, error);
  if (error || !parsed.is_object() || said->find('\n') != std::string::npos) std::abort();
  if (parsed.get_object().contains("result") == parsed.get_object().contains("error")) std::abort();
  return 0;
}
