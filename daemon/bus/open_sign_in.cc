#include "daemon/bus/open_sign_in.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include "daemon/prompts/texts.h"
#include "daemon/runtime/journal.h"

namespace pamcognito::bus {
namespace {

using flows::Notice;
using flows::SignInResult;
using runtime::Level;

constexpr std::chrono::seconds kStep{8};
constexpr std::chrono::seconds kAck{10};
constexpr std::chrono::seconds kLongest{900};  // the module's own cap

void fill_randomly(std::span<std::uint8_t> bytes) {
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw std::system_error(errno, std::generic_category(), "getrandom");
}

SignInId random_id() {
  SignInId id{};
  fill_randomly(id);
  return id;
}

std::string random_log_id() {
  std::array<std::uint8_t, 8> bytes{};
  fill_randomly(bytes);
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

std::string_view factor_word(const std::optional<policy::Method>& factor) {
  if (!factor) return "none";
  switch (*factor) {
    case policy::Method::totp:
      return "totp";
    case policy::Method::email:
      return "email";
    case policy::Method::sms:
      return "sms";
    case policy::Method::custom:
      return "custom";
  }
  return "none";
}

// For the log: the field, and the beginning of the line.
std::string_view goal_word(flows::Goal goal) {
  return goal == flows::Goal::change_password ? "password-change" : "sign-in";
}

}  // namespace

OpenSignIn::OpenSignIn(runtime::EventLoop& loop, flows::SignInServices services,
                       flows::SignInRequest request, limits::SignInPlace place,
                       sessions::VerifiedFactsStore& facts, Fd socket,
                       std::function<void()> finished)
    : loop_(loop),
      services_(std::move(services)),
      request_(std::move(request)),
      place_(std::move(place)),
      facts_(facts),
      finished_(std::move(finished)),
      rendering_(prompts::rendering_for(*services_.config, request_.program)),
      opened_(loop.now()),
      log_id_(random_log_id()),
      sign_in_id_(random_id()),
      conversation_(
          loop, std::move(socket),
          SocketConversation::Events{
              .asked = [this] { asked(); },
              .answered = [this] { answered(); },
              .acked = [this] { acked(); },
              .gone = [this] { cut_short(Outcome::conversation_broken, "caller-gone", {}); },
          }),
      flow_(services_, request_, &conversation_) {}

void OpenSignIn::start() {
  conversation_.set_ends_at(opened_ + kLongest);
  if (rendering_.deadline_from == prompts::DeadlineFrom::opening)
    start_deadline();
  else
    hard_deadline_.emplace(loop_, opened_ + kLongest, [this] {
      cut_short(Outcome::failed, "deadline", prompts::time_is_up());
    });
  running_ = loop_.spawn(run_flow(), [this](bool threw) { flow_done(threw); });
}

std::chrono::seconds OpenSignIn::deadline_for_module() const {
  // Longer than ours by a step, so that the person gets our word and not a silence.
  const auto seconds = rendering_.deadline_from == prompts::DeadlineFrom::opening
                           ? rendering_.deadline + kStep
                           : kLongest;
  return std::min(seconds, kLongest);
}

runtime::Task<void> OpenSignIn::run_flow() {
  result_ = co_await flow_.run();
}

void OpenSignIn::flow_done(bool threw) {
  if (threw || !result_)
    result_.emplace(Outcome::unforeseen, "internal-fault", Notice::error(prompts::pool_failed()),
                    Level::error);
  SignInResult result = std::move(*result_);
  result_.reset();
  end(std::move(result));
}

void OpenSignIn::start_deadline() {
  const auto end = loop_.now() + std::min(rendering_.deadline, kLongest);
  conversation_.set_ends_at(std::min(end, conversation_.ends_at()));
  deadline_.emplace(loop_, end,
                    [this] { cut_short(Outcome::failed, "deadline", prompts::time_is_up()); });
}

void OpenSignIn::asked() {
  step_.reset();
}

void OpenSignIn::answered() {
  if (!deadline_) start_deadline();
  step_.emplace(loop_, loop_.now() + kStep,
                [this] { cut_short(Outcome::failed, "step-deadline", prompts::pool_failed()); });
}

void OpenSignIn::cut_short(Outcome outcome, std::string cause, const std::string& text) {
  switch (state_) {
    case State::running:
      // Whatever the flow holds goes with its frame: attempts count, tokens are revoked.
      running_.cancel();
      end(SignInResult(outcome, std::move(cause), text.empty() ? Notice() : Notice::error(text)));
      return;
    case State::awaiting_ack:
      result_->outcome = Outcome::conversation_broken;
      result_->cause = "not-acknowledged";
      log_end(*result_);
      close();
      return;
    case State::closed:
      return;
  }
}

void OpenSignIn::end(SignInResult result) {
  step_.reset();
  if (result.outcome != Outcome::success) {
    // The line first: who sees the refusal finds the line.
    log_end(result);
    conversation_.finish(result.outcome, SignInId{}, result.notice);
    close();
    return;
  }
  result_ = std::move(result);
  state_ = State::awaiting_ack;
  deadline_.emplace(loop_, loop_.now() + kAck, [this] { cut_short(Outcome::failed, {}, {}); });
  conversation_.finish(Outcome::success, sign_in_id_, result_->notice);
}

void OpenSignIn::acked() {
  services_.failures->signed_in(request_.user, request_.origin);
  facts_.remember(sign_in_id_, request_.user, request_.service,
                  {result_->accepted->verified.sub, result_->accepted->verified.groups,
                   services_.clock->boot_time()});
  log_end(*result_);
  // Nothing uses the tokens once the sign-in stands, so nothing keeps them: ~PendingTokens revokes.
  close();
}

void OpenSignIn::log_end(const SignInResult& result) const {
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(loop_.now() - opened_);
  const std::string message = std::string(goal_word(request_.goal)) + " of " + request_.user +
                              " by " + request_.service + " from " + request_.origin.key() + ": " +
                              std::string(to_string(result.outcome)) + " (" + result.cause +
                              ") id=" + log_id_;
  runtime::log(result.level, message,
               {{"ID", log_id_},
                {"GOAL", goal_word(request_.goal)},
                {"USER", request_.user},
                {"SERVICE", request_.service},
                {"ORIGIN", request_.origin.key()},
                {"OUTCOME", to_string(result.outcome)},
                {"CAUSE", result.cause},
                {"FACTOR", factor_word(result.factor)},
                {"REQUEST_ID", result.request_id},
                {"DETAIL", result.detail},
                {"DURATION_MS", std::to_string(took.count())}});
}

void OpenSignIn::close() {
  state_ = State::closed;
  deadline_.reset();
  hard_deadline_.reset();
  step_.reset();
  if (finished_) loop_.post(std::exchange(finished_, {}));
}

}  // namespace pamcognito::bus
