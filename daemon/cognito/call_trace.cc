#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "common/ascii.h"
#include "daemon/cognito/user_pool.h"

namespace pamcognito::cognito {

namespace {

constexpr std::size_t kMaxTrace = 1500;    // bytes, beyond which no call is added
constexpr std::size_t kMaxRequestId = 64;  // a UUID has 36

// The value of the header x-amzn-RequestId, if it can be an id; otherwise empty.
std::string_view presentable(std::string_view request_id) {
  const auto is_plain = [](char c) { return ascii::is_alphanumeric(c) || c == '-'; };
  return request_id.size() <= kMaxRequestId && std::ranges::all_of(request_id, is_plain)
             ? request_id
             : std::string_view();
}

}  // namespace

void CallTrace::note(std::string_view operation, std::string_view ending,
                     std::chrono::milliseconds took, std::string_view request_id) {
  constexpr std::string_view kMore = "; …";
  if (text_.size() > kMaxTrace) {
    if (!text_.ends_with(kMore)) text_ += kMore;
    return;
  }
  if (!text_.empty()) text_ += "; ";
  text_.append(operation).append(" ").append(ending).append(" ");
  text_.append(std::to_string(took.count())).append("ms");
  request_id = presentable(request_id);
  if (!request_id.empty()) text_.append(" ").append(request_id);
}

void CallTrace::add(const CallTrace& other) {
  if (other.text_.empty() || text_.size() > kMaxTrace) return;
  if (!text_.empty()) text_ += "; ";
  text_ += other.text_;
}

}  // namespace pamcognito::cognito
