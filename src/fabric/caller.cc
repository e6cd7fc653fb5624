#include "fabric/caller.h"

#include <algorithm>

namespace rhizome::fabric {

Task<Result<std::string>> Caller::Exchange(MemberNumber to, std::string message, CallContext context) {
  const int64_t began_ns = loop_.NowNs();
  if (!context.background) {
    context.deadline_ns = std::min(context.deadline_ns, began_ns + settings_.call_timeout_ms * 1'000'000);
  }
  if (context.deadline_ns <= began_ns) co_return Status::Unavailable("no time was left to ask");
  Result<std::string> answer = co_await network_.Call(to, std::move(message), std::move(context));
  // Any word from the member itself is a sign of life; silence and broken connections are not.
  const Code code = answer.status().code();
  if (code == Code::kUnavailable || code == Code::kDeadlineExceeded) {
    peers_.Failed(to);
  } else if (code != Code::kCancelled) {
    peers_.Answered(to, loop_.NowNs() - began_ns);
  }
  co_return answer;
}

}  // namespace rhizome::fabric
