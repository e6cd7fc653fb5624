// `rhizome mcp`: the Model Context Protocol on standard input and output, one message a line, or as streamable HTTP on
// a loopback port of its own. What a tool does is one request to a Rhizome server.
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <iostream>
#include <memory>
#include <thread>

#include "ask.h"
#include "client.h"
#include "mcp/session.h"
#include "rpc/address.h"

namespace rhizome::app {
namespace {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;

constexpr size_t kMessageBytesMax = 16 << 20;
constexpr int kConnectionsMax = 64;
constexpr int kIdleSeconds = 120;

// Each call has a client of its own: they are one thread's.
mcp::Call CallOf(const McpArguments& arguments) {
  return [arguments](const std::string& method, const std::string& path, const boost::json::value& body) {
    Client client(arguments.server, arguments.api_key);
    return client.Send(method, path, body);
  };
}

// One line; false at the end of the input. A line that is too long is thrown away and left empty, with `too_long`.
bool ReadLine(std::string& line, bool& too_long) {
  line.clear();
  too_long = false;
  for (int c = std::cin.get(); c != std::char_traits<char>::eof(); c = std::cin.get()) {
    if (c == '\n') return true;
    if (line.size() < kMessageBytesMax) {
      line.push_back(static_cast<char>(c));
    } else {
      too_long = true;
    }
  }
  return !line.empty();
}

int ServeLines(const mcp::Session& session) {
  std::string line;
  for (bool too_long = false; ReadLine(line, too_long);) {
    if (!too_long && line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto answer = session.Handle(too_long ? std::string_view("[]") : std::string_view(line));
    if (!answer) continue;
    std::cout << *answer << '\n' << std::flush;
    if (!std::cout) return 1;  // nobody reads any more
  }
  return 0;
}

using HttpRequest = http::request<http::string_body>;
using HttpResponse = http::response<http::string_body>;

// A page in a browser must not reach a memory through the browser's access to this machine.
bool IsLocalOrigin(std::string_view origin) {
  const size_t host = origin.find("://");
  if (host == std::string_view::npos) return false;
  std::string_view name = origin.substr(host + 3);
  const bool bracketed = name.starts_with('[');
  const size_t end = bracketed ? name.find(']') + 1 : name.find(':');
  name = name.substr(0, end);
  return name == "localhost" || name == "127.0.0.1" || name == "[::1]";
}

HttpResponse Respond(const mcp::Session& session, const HttpRequest& request) {
  HttpResponse response{http::status::ok, request.version()};
  response.keep_alive(request.keep_alive());
  const auto refuse = [&](http::status status, const std::string& why) {
    response.result(status);
    response.set(http::field::content_type, "text/plain");
    response.body() = why + "\n";
    response.prepare_payload();
    return response;
  };
  const auto origin = request.find(http::field::origin);
  if (origin != request.end() && !IsLocalOrigin(origin->value())) {
    return refuse(http::status::forbidden, "only pages of this machine may come here");
  }
  if (request.target() != "/mcp") return refuse(http::status::not_found, "the endpoint is /mcp");
  if (request.method() != http::verb::post) {
    response.set(http::field::allow, "POST");  // no stream of its own, no sessions to end
    return refuse(http::status::method_not_allowed, "only POST");
  }
  const auto version = request.find("MCP-Protocol-Version");
  if (version != request.end() && !mcp::IsProtocolVersion(version->value())) {
    return refuse(http::status::bad_request, "this protocol version is not spoken here");
  }
  const auto answer = session.Handle(request.body());
  if (answer) {
    response.set(http::field::content_type, "application/json");
    response.body() = *answer;
  } else {
    response.result(http::status::accepted);
  }
  response.prepare_payload();
  return response;
}

void ServeConnection(const mcp::Session& session, tcp::socket stream) {
  boost::beast::flat_buffer buffer;
  boost::system::error_code error;
  const timeval idle{kIdleSeconds, 0};
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    if (setsockopt(stream.native_handle(), SOL_SOCKET, option, &idle, sizeof idle) != 0) return;
  }
  for (;;) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(kMessageBytesMax);
    http::read(stream, buffer, parser, error);
    if (error) return;
    HttpResponse response = Respond(session, parser.get());
    const bool keep = response.keep_alive();
    http::write(stream, response, error);
    if (error || !keep) return;
  }
}

int ServeHttp(const mcp::Session& session, const McpArguments& arguments) {
  const auto fail = [](const std::string& why) {
    fmt::print(stderr, "rhizome mcp: {}\n", why);
    return 1;
  };
  const auto address = rpc::ParseAddress(arguments.listen);
  if (!address.ok()) return fail(address.status().ToString());
  boost::system::error_code error;
  const auto ip = boost::asio::ip::make_address(address->host, error);
  if (error || !ip.is_loopback()) return fail("--listen must be a loopback address such as 127.0.0.1:8765");
  boost::asio::io_context context;
  tcp::acceptor acceptor(context);
  const tcp::endpoint endpoint(ip, address->port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
  if (error) return fail("cannot listen at " + arguments.listen + ": " + error.message());
  fmt::print(stderr, "rhizome mcp: http://{}:{}/mcp\n", address->host, acceptor.local_endpoint().port());
  const auto open = std::make_shared<std::atomic<int>>(0);
  for (;;) {
    tcp::socket socket(context);
    acceptor.accept(socket, error);
    if (error == boost::asio::error::interrupted || error == boost::asio::error::connection_aborted) continue;
    if (error) return fail("cannot take connections any more: " + error.message());
    if (open->fetch_add(1) >= kConnectionsMax) {
      --*open;
      continue;  // closed as the socket goes
    }
    std::thread([&session, open, stream = std::move(socket)]() mutable {
      ServeConnection(session, std::move(stream));
      --*open;
    }).detach();
  }
}

}  // namespace

CLI::App* AddMcp(CLI::App& app, McpArguments& arguments) {
  CLI::App* const command = app.add_subcommand(
      "mcp", "Offer a server's memory to a model's host by the Model Context Protocol, on standard input and output");
  command->add_option("-s,--server", arguments.server, "Base URL of the server")
      ->envname("RHIZOME_SERVER")
      ->capture_default_str();
  command->add_option("--api-key", arguments.api_key, "Key of that server")->envname("RHIZOME_API_KEY");
  command->add_option("--listen", arguments.listen,
                      "As streamable HTTP at this loopback address instead: 127.0.0.1:8765");
  return command;
}

int Mcp(const McpArguments& arguments) {
  signal(SIGPIPE, SIG_IGN);
  std::ios::sync_with_stdio(false);
  // Lives until the process ends: connections' threads are detached.
  static const auto* const session = new mcp::Session(CallOf(arguments), RHIZOME_VERSION);
  return arguments.listen.empty() ? ServeLines(*session) : ServeHttp(*session, arguments);
}

}  // namespace rhizome::app
