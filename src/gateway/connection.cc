#include "gateway/connection.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <limits>
#include <optional>

#include "gateway/problem.h"

namespace rhizome::gateway {
namespace {

namespace http = boost::beast::http;
using ErrorCode = boost::system::error_code;

constexpr asio::use_awaitable_t<LoopExecutor> kAwait;
constexpr auto kAwaitTuple = asio::as_tuple(asio::use_awaitable_t<LoopExecutor>{});
constexpr size_t kHeaderStepBytes = 4 << 10;
constexpr size_t kBodyStepBytes = 64 << 10;
constexpr size_t kWriteStepBytes = 256 << 10;
constexpr size_t kChunkHeaderBytesMax = 4 << 10;
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kNsPerMs = 1'000'000;
constexpr auto kStreamLookEvery = std::chrono::milliseconds(500);
constexpr int kQuietLooksMax = 30;

std::string Value(const http::fields& fields, http::field name) {
  const auto value = fields[name];
  return {value.data(), value.size()};
}
std::string Value(const http::fields& fields, std::string_view name) {
  const auto value = fields[boost::beast::string_view(name.data(), name.size())];
  return {value.data(), value.size()};
}

// Whether the other end has closed its side or is gone: who closes no longer waits for an answer. Any thread.
bool HasGone(int socket) {
  pollfd state{socket, POLLRDHUP, 0};
  return poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace

// What one request needs while it is under way.
struct Connection::Work {
  explicit Work(ByteBudget& budget) : held(budget) {}
  http::request_parser<http::string_body> parser;
  RequestHead head;
  Exchange exchange;
  Response response;
  ByteBudget::Reservation held;
  bool expects_continue = false;
  bool keep_alive = false;
};

Connection::Connection(EventLoop& loop, Socket socket, Admission admission, std::string address)
    : loop_(loop),
      shared_(loop.shared()),
      socket_(std::move(socket)),
      admission_(admission),
      address_(std::move(address)),
      place_(loop.Enter(this)) {
  shared_.connections_open.Add(1);
  ErrorCode ignored;  // a socket that is gone already shows at the first read
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
}

Connection::~Connection() {
  loop_.Leave(place_);
  shared_.connections_open.Add(-1);
  shared_.connections.fetch_sub(1);
  if (address_.empty()) return;
  const MutexLock lock(shared_.mutex);
  const auto found = shared_.by_address.find(address_);
  if (found != shared_.by_address.end() && --found->second == 0) shared_.by_address.erase(found);
}

void Connection::Enter(Phase phase, int64_t deadline_ns) {
  phase_ = phase;
  deadline_ns_ = deadline_ns;
}

void Connection::CheckDeadline(int64_t now_ns) {
  if (cancelled_ != nullptr && HasGone(socket_.native_handle())) cancelled_->store(true);
  if (now_ns < deadline_ns_) return;
  ErrorCode ignored;
  if (phase_ == Phase::kReading) {
    expired_ = true;
    socket_.cancel(ignored);  // wakes the read, which answers 408
    return;                   // should bytes win that race, the next sweep is due again
  }
  deadline_ns_ = kNever;
  if (phase_ == Phase::kWriting) shared_.connections_timed_out.Add();
  socket_.close(ignored);
}

void Connection::BeginDrain() {
  ErrorCode ignored;
  if (phase_ == Phase::kIdle) socket_.close(ignored);
}

void Connection::Cut() {
  if (cancelled_ != nullptr) cancelled_->store(true);
  ErrorCode ignored;
  socket_.close(ignored);
}

// Average rate demanded once the grace is over, and an end in any case.
int64_t Connection::TransferDeadline(int64_t started_ns, uint64_t bytes) const {
  const ServerOptions& options = shared_.options;
  const uint64_t earned_ms = bytes * 1000 / options.transfer_bytes_per_s_min;
  const uint64_t allowed_ms = std::min<uint64_t>(options.body_timeout_ms, options.transfer_grace_ms + earned_ms);
  return started_ns + static_cast<int64_t>(allowed_ms) * kNsPerMs;
}

Task<void> Connection::Serve(std::shared_ptr<Connection> self) {
  if (self->admission_ == Admission::kTooManyFromHim) {
    Work work(self->shared_.budget);
    self->Refuse(work, 429, "too_many_connections", "too many connections from this address");
    const std::string head = self->RenderHead(work, false);
    if (co_await self->Write(head, std::move(work.response.body))) co_await self->Linger();
    co_return;
  }
  while (co_await self->WaitForRequest()) {
    if (!co_await self->ServeOne()) break;
  }
}

Task<bool> Connection::WaitForRequest() {
  if (loop_.draining()) co_return false;
  if (buffer_.size() > 0) co_return true;  // pipelined behind the last one
  buffer_.shrink_to_fit();
  const ServerOptions& options = shared_.options;
  const bool brief = admission_ == Admission::kReserved;
  Enter(Phase::kIdle, NowNs() + int64_t{brief ? options.header_timeout_ms : options.idle_timeout_ms} * kNsPerMs);
  const auto [error] = co_await socket_.async_wait(Socket::wait_read, kAwaitTuple);
  co_return !error;
}

// True when the connection can carry another request.
Task<bool> Connection::ServeOne() {
  const auto work = std::make_unique<Work>(shared_.budget);
  work->exchange.started_ns = NowNs();
  const Progress progress = co_await ReadRequest(work.get());
  if (progress == Progress::kClosed) co_return false;
  if (progress == Progress::kDone) co_await Execute(work.get());
  shared_.dispatcher.Finish(work->exchange, work->response);

  const bool unread = progress == Progress::kRefused && !work->parser.is_done();
  const bool keep = work->keep_alive && !unread && !loop_.draining() && admission_ == Admission::kFull &&
                    work->response.stream == nullptr;
  const std::string head = RenderHead(*work, keep);
  if (work->response.stream != nullptr && work->exchange.request.method != "HEAD") {
    co_return co_await WriteStream(head, std::move(work->response.stream));
  }
  std::string body = work->exchange.request.method == "HEAD" ? std::string() : std::move(work->response.body);
  const bool written = co_await Write(head, std::move(body));
  if (written && unread) co_await Linger();
  co_return written&& keep;
}

Task<Connection::Progress> Connection::ReadRequest(Work* work) {
  const Progress header = co_await ReadHeader(work);
  if (header != Progress::kDone) co_return header;
  if (!ReadHead(*work)) co_return Progress::kRefused;
  auto refused = shared_.dispatcher.Admit(work->head, admission_ == Admission::kReserved, work->exchange);
  if (refused) {
    work->response = std::move(*refused);
    co_return Progress::kRefused;
  }
  if (!work->head.has_body) co_return Progress::kDone;
  if (work->expects_continue && buffer_.size() == 0) {
    const bool written = co_await Write("HTTP/1.1 100 Continue\r\n\r\n", {});
    if (!written) co_return Progress::kClosed;
  }
  co_return co_await ReadBody(work);
}

Task<Connection::Progress> Connection::ReadHeader(Work* work) {
  const uint32_t header_bytes_max = shared_.options.header_bytes_max;
  auto& parser = work->parser;
  parser.header_limit(header_bytes_max);
  parser.body_limit(boost::none);  // the dispatcher judges the announced length, ReadBody the real one
  Enter(Phase::kReading, work->exchange.started_ns + int64_t{shared_.options.header_timeout_ms} * kNsPerMs);
  while (true) {
    if (buffer_.size() > 0) {
      ErrorCode error;
      buffer_.consume(parser.put(buffer_.data(), error));
      if (error == http::error::header_limit || (!parser.is_header_done() && buffer_.size() > header_bytes_max)) {
        co_return Refuse(*work, 431, "header_too_large",
                         "the limit is " + std::to_string(header_bytes_max) + " bytes of headers");
      }
      if (error == http::error::bad_version) {
        co_return Refuse(*work, 505, "version_not_supported", "this server speaks HTTP/1.1 and HTTP/1.0");
      }
      if (error && error != http::error::need_more) {
        co_return Refuse(*work, 400, "malformed_request", "the request is not HTTP/1.1: " + error.message());
      }
      if (parser.is_header_done()) co_return Progress::kDone;
    }
    const bool more = co_await ReadMore(kHeaderStepBytes);
    if (expired_) co_return Refuse(*work, 408, "request_timeout", "the headers took too long");
    if (!more) co_return Progress::kClosed;
  }
}

// Copies what counts out of the parsed header. False: refused.
bool Connection::ReadHead(Work& work) {
  const auto& message = work.parser.get();
  RequestHead& head = work.head;
  head.method = std::string(message.method_string().data(), message.method_string().size());
  head.target = std::string(message.target().data(), message.target().size());
  head.authorization = Value(message, http::field::authorization);
  head.api_key = Value(message, "api-key");
  head.content_type = Value(message, http::field::content_type);
  head.content_encoding = Value(message, http::field::content_encoding);
  head.request_id = Value(message, "X-Request-Id");
  head.timeout_ms = Value(message, "X-Request-Timeout-Ms");
  head.traceparent = Value(message, "traceparent");
  head.idempotency_key = Value(message, "Idempotency-Key");
  head.tenant = Value(message, "X-Scope-OrgID");
  const auto length = work.parser.content_length();
  head.content_length = length ? *length : 0;
  head.has_body = head.content_length > 0 || work.parser.chunked();
  work.keep_alive = message.keep_alive();
  const std::string expect = Value(message, http::field::expect);
  work.expects_continue = boost::beast::iequals(expect, "100-continue");

  work.keep_alive = false;  // for the refusals below: what follows cannot be told apart safely
  if (message.count(http::field::host) > 1 || (message.version() == 11 && message.count(http::field::host) == 0)) {
    Refuse(work, 400, "malformed_request", "exactly one Host header is needed");
  } else if (message.count(http::field::transfer_encoding) > 0 &&
             (message.version() == 10 ||
              !boost::beast::iequals(Value(message, http::field::transfer_encoding), "chunked"))) {
    Refuse(work, 501, "transfer_encoding_not_supported", "the only Transfer-Encoding is chunked, on HTTP/1.1");
  } else if (!expect.empty() && !work.expects_continue) {
    Refuse(work, 417, "expectation_failed", "the only expectation known is 100-continue");
  } else {
    work.keep_alive = message.keep_alive();
    return true;
  }
  return false;
}

Task<Connection::Progress> Connection::ReadBody(Work* work) {
  auto& parser = work->parser;
  parser.eager(true);
  parser.body_limit(shared_.options.body_bytes_max);
  const int64_t started_ns = NowNs();
  uint64_t received = 0;
  while (true) {
    if (buffer_.size() > 0) {
      ErrorCode error;
      const size_t used = parser.put(buffer_.data(), error);
      buffer_.consume(used);
      received += used;
      if (error == http::error::body_limit) {
        co_return Refuse(*work, 413, "too_large",
                         "the body is larger than " + std::to_string(shared_.options.body_bytes_max) + " bytes");
      }
      const bool endless_chunk_header = used == 0 && buffer_.size() > kChunkHeaderBytesMax;
      if ((error && error != http::error::need_more) || endless_chunk_header) {
        co_return Refuse(*work, 400, "malformed_request", "the body is badly framed");
      }
      if (!work->held.Grow(used)) {
        co_return Refuse(*work, 503, "unavailable", "overloaded: too many bytes of requests in memory");
      }
    }
    if (parser.is_done()) break;
    Enter(Phase::kReading, TransferDeadline(started_ns, received));
    const bool more = co_await ReadMore(kBodyStepBytes);
    if (expired_) co_return Refuse(*work, 408, "request_timeout", "the body came too slowly");
    if (!more) co_return Progress::kClosed;
  }
  work->exchange.request.body = std::move(parser.get().body());
  co_return Progress::kDone;
}

// False: the client is gone, or the sweep woke us.
Task<bool> Connection::ReadMore(size_t bytes) {
  const auto [error, count] = co_await socket_.async_read_some(buffer_.prepare(bytes), kAwaitTuple);
  if (error) co_return false;
  buffer_.commit(count);
  expired_ = false;  // bytes won the race against the sweep
  co_return true;
}

Connection::Progress Connection::Refuse(Work& work, int status, std::string_view type, std::string detail) {
  if (status == 408) shared_.connections_timed_out.Add();
  // Refused before the dispatcher saw it, it still gets an id, and the log a line with it.
  shared_.dispatcher.Identify(work.head, work.exchange);
  work.keep_alive = false;
  work.response =
      ProblemFrom(HttpProblem{status, type, ReasonPhrase(status), std::move(detail)}, work.exchange.request.id);
  return Progress::kRefused;
}

Task<void> Connection::Execute(Work* work) {
  Enter(Phase::kHandling, kNever);
  work->exchange.gone = [socket = socket_.native_handle()] { return HasGone(socket); };
  const auto initiate = [this, work](auto handler) {
    auto shared_handler = std::make_shared<decltype(handler)>(std::move(handler));
    auto guard = asio::make_work_guard(socket_.get_executor());  // the loop must not end before the answer
    shared_.dispatcher.Run(work->exchange, [shared_handler, guard](Response response) {
      asio::post(guard.get_executor(), [shared_handler, response = std::move(response)]() mutable {
        std::move (*shared_handler)(std::move(response));
      });
    });
  };
  if (work->exchange.route->lane == Lane::kInline) {
    shared_.dispatcher.Run(work->exchange, [work](Response response) { work->response = std::move(response); });
  } else {
    cancelled_ = &work->exchange.cancelled;
    work->response =
        co_await asio::async_initiate<const asio::use_awaitable_t<LoopExecutor>&, void(Response)>(initiate, kAwait);
    cancelled_ = nullptr;
  }
  work->held.Release();
  if (!work->held.Grow(work->response.body.size())) {
    Refuse(*work, 503, "unavailable", "overloaded: too many bytes of answers in memory");
  }
}

std::string Connection::RenderHead(const Work& work, bool keep_alive) {
  const Response& response = work.response;
  std::string head;
  head.reserve(320);
  head.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ").append(ReasonPhrase(response.status));
  head.append("\r\nDate: ").append(loop_.HttpDate());
  if (response.status != 204) {
    head.append("\r\nContent-Type: ").append(response.content_type);
    // Without a length the end of the connection is the end of the body.
    if (response.stream == nullptr) head.append("\r\nContent-Length: ").append(std::to_string(response.body.size()));
  }
  head.append("\r\nX-Request-Id: ").append(work.exchange.request.id);
  head.append("\r\ntraceparent: ").append(work.exchange.request.traceparent);
  for (const auto& [name, value] : response.headers) head.append("\r\n").append(name).append(": ").append(value);
  head.append("\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store");
  head.append(keep_alive ? "\r\nConnection: keep-alive\r\n\r\n" : "\r\nConnection: close\r\n\r\n");
  return head;
}

// Both must be small or whole in memory; in steps, so that a stalled reader is noticed by its rate.
Task<bool> Connection::Write(std::string head, std::string body) {
  const int64_t started_ns = NowNs();
  size_t head_left = head.size();
  size_t done = 0;
  while (head_left > 0 || done < body.size()) {
    Enter(Phase::kWriting, TransferDeadline(started_ns, done));
    const size_t step = std::min(kWriteStepBytes, body.size() - done);
    const std::array<asio::const_buffer, 2> buffers{asio::buffer(head.data(), head_left),
                                                    asio::buffer(body.data() + done, step)};
    const auto [error, count] = co_await asio::async_write(socket_, buffers, kAwaitTuple);
    if (error) co_return false;
    head_left = 0;
    done += step;
  }
  co_return true;
}

Task<bool> Connection::WriteStream(std::string head, std::shared_ptr<BodyStream> stream) {
  struct Waker {
    explicit Waker(const LoopExecutor& executor) : timer(executor) {}
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, LoopExecutor>
        timer;
    bool woken = false;
  };
  const auto waker = std::make_shared<Waker>(socket_.get_executor());
  stream->OnMore([weak = std::weak_ptr(waker), executor = socket_.get_executor()] {
    asio::post(executor, [weak] {
      const auto found = weak.lock();
      if (found == nullptr) return;
      found->woken = true;
      found->timer.cancel();
    });
  });
  bool alive = co_await Write(std::move(head), {});
  int quiet = 0;
  while (alive && !loop_.draining()) {
    waker->woken = false;
    std::optional<std::string> piece = stream->Next();
    if (!piece) break;
    // A comment now and then tells both ends that the other is there.
    if (piece->empty() && quiet >= kQuietLooksMax) *piece = ":\n\n";
    if (!piece->empty()) {
      quiet = 0;
      alive = co_await Write(std::move(*piece), {});
      continue;
    }
    ++quiet;
    Enter(Phase::kHandling, kNever);
    if (!waker->woken) {
      waker->timer.expires_after(kStreamLookEvery);
      (void)co_await waker->timer.async_wait(kAwaitTuple);
    }
    alive = !HasGone(socket_.native_handle());
  }
  co_return false;
}

// Closing with unread input would reset the connection and could destroy the answer on its way, so what still
// comes is thrown away for a moment (RFC 9112 section 9.6).
Task<void> Connection::Linger() {
  ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  Enter(Phase::kWriting, NowNs() + int64_t{shared_.options.linger_timeout_ms} * kNsPerMs);
  uint64_t thrown_away = 0;
  buffer_.clear();
  while (thrown_away < shared_.options.body_bytes_max) {
    const auto [error, count] = co_await socket_.async_read_some(buffer_.prepare(kBodyStepBytes), kAwaitTuple);
    if (error) break;
    thrown_away += count;
  }
}

}  // namespace rhizome::gateway
