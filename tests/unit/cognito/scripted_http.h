#pragma once

#include <chrono>
#include <ctime>
#include <expected>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/cognito/http.h"
#include "daemon/runtime/event_loop.h"

namespace pamcognito::test {

// Http that answers by a function and keeps what it was asked. Each answer comes from the loop, so
// that concurrent callers do overlap.
class ScriptedHttp final : public cognito::Http {
 public:
  using Answer = std::function<cognito::HttpResult(const cognito::HttpRequest&)>;

  ScriptedHttp(runtime::EventLoop& loop, Answer answer) : loop_(loop), answer_(std::move(answer)) {}

  runtime::Task<cognito::HttpResult> send(cognito::HttpRequest request) override {
    requests.push_back(request);
    co_await runtime::SleepUntil(loop_, loop_.now());
    co_return answer_(request);
  }
  [[nodiscard]] bool has_warm_connection() const override { return warm; }

  std::vector<cognito::HttpRequest> requests;
  bool warm = false;

 private:
  runtime::EventLoop& loop_;
  Answer answer_;
};

inline cognito::HttpResult answered(int status, std::string body, std::string error_type = {}) {
  cognito::HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  response.error_type = std::move(error_type);
  response.request_id = "request-1";
  return response;
}

inline cognito::HttpResult failed(cognito::HttpFailure failure) {
  return std::unexpected(cognito::HttpError(failure, "scripted"));
}

// The loop's time, a wall clock that never advances, and no waiting.
class TestClock final : public runtime::Clock {
 public:
  explicit TestClock(runtime::EventLoop& loop) : loop_(loop) {}

  [[nodiscard]] runtime::MonotonicTime now() const override { return loop_.now() + ahead; }
  [[nodiscard]] runtime::BootTime boot_time() const override { return {}; }
  [[nodiscard]] std::time_t wall_time() const override { return wall; }
  runtime::Task<void> sleep_until(runtime::MonotonicTime) override {
    ++sleeps;
    co_return;
  }

  std::time_t wall = 1'795'000'000;
  std::chrono::seconds ahead{0};
  int sleeps = 0;

 private:
  runtime::EventLoop& loop_;
};

}  // namespace pamcognito::test
