// Client: calls a Rhizome server over HTTP. One object per thread.
#pragma once

#include <boost/json/value.hpp>
#include <memory>
#include <string>

#include "base/status.h"

namespace rhizome::app {

class Client {
 public:
  // `server` is a base URL such as http://127.0.0.1:8000.
  Client(std::string server, std::string api_key);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Sends `body` as JSON and returns the answer's JSON. A problem document becomes a Status with its detail and
  // field; Unavailable when nobody listens, saying how to start a server. What the server sheds (429, 503) is repeated
  // after the time it asks for and some more at random, a few times, and no more than a tenth of all requests.
  Result<boost::json::value> Post(const std::string& path, const boost::json::value& body);
  // The same with another method; `body` null for none.
  Result<boost::json::value> Send(const std::string& method, const std::string& path,
                                  const boost::json::value& body = nullptr);

 private:
  struct State;
  Result<boost::json::value> SendOnce(const std::string& method, const std::string& path, const std::string& body,
                                      int& retry_after_s);
  std::unique_ptr<State> state_;
};

}  // namespace rhizome::app
