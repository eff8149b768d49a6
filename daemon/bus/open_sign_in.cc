#include "daemon/bus/open_sign_in.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "common/protocol_limits.h"
#include "daemon/bus/caller.h"
#include "daemon/bus/session_id.h"
#include "daemon/prompts/texts.h"
#include "daemon/runtime/journal.h"
#include "daemon/runtime/metrics.h"
#include "daemon/runtime/wiping.h"

namespace pamcognito::bus {
namespace {

using runtime::Level;
using sign_in::ConversationError;
using sign_in::Goal;
using sign_in::Notice;
using sign_in::SignInResult;

constexpr std::chrono::seconds kStep = protocol::kDaemonStepTime;
constexpr std::chrono::seconds kAck{10};
constexpr std::chrono::seconds kMaxTime = protocol::kMaxConversationTime;
// libpam asks the user nothing between authentication and the account phase.
constexpr std::chrono::seconds kAccount{60};

// For the log: the field, and the beginning of the line.
std::string_view goal_word(Goal goal) {
  switch (goal) {
    case Goal::sign_in:
      return "sign-in";
    case Goal::change_password:
      return "password-change";
    case Goal::change_factors:
      return "factor-change";
  }
  return "sign-in";
}

}  // namespace

OpenSignIn::OpenSignIn(runtime::EventLoop& loop, sign_in::SignInServices services,
                       sign_in::SignInRequest request, limits::SignInPlace place, Holder* holder,
                       std::uint64_t number, Fd socket)
    : loop_(loop),
      place_(std::move(place)),
      holder_(holder),
      number_(number),
      clock_(*services.clock),
      opened_(loop.now()),
      socket_(std::move(socket)),
      watch_(loop, socket_.get(), static_cast<std::uint32_t>(EPOLLIN),
             [this](std::uint32_t) { readable(); }) {
  if (request.log_id.empty()) request.log_id = random_log_id();
  sign_in_id_ = sign_in_id_of(request.log_id);
  sign_in::Conversation* const conversation = this;
  flow_ = std::make_unique<sign_in::SignIn>(std::move(services), std::move(request), conversation);
}

void OpenSignIn::start() {
  ends_at_ = clock_.now() + kMaxTime;
  if (flow_->profile().deadline_from == policy::DeadlineFrom::opening)
    start_deadline();
  else
    hard_deadline_.emplace(loop_, opened_ + kMaxTime, [this] {
      cut_short(Outcome::failed, "deadline", prompts::time_is_up());
    });
  running_ = loop_.spawn(run_flow(), [this](bool threw) { flow_done(threw); });
}

std::chrono::seconds OpenSignIn::deadline_for_module() const {
  const policy::ServiceProfile& profile = flow_->profile();
  // One step longer than cognitod's own deadline, so that the user gets its outcome and not a
  // silence.
  const auto seconds = profile.deadline_from == policy::DeadlineFrom::opening
                           ? profile.sign_in_timeout + kStep
                           : kMaxTime;
  return std::min(seconds, kMaxTime);
}

void OpenSignIn::stop() {
  holder_ = nullptr;
  cut_short(Outcome::failed, "daemon-stops", prompts::pool_failed());
}

runtime::Task<void> OpenSignIn::run_flow() {
  result_ = co_await flow_->run();
}

void OpenSignIn::flow_done(bool threw) {
  if (threw || !result_)
    result_ = sign_in::make_end(Outcome::unforeseen, "internal-fault", prompts::pool_failed(),
                                Level::error);
  end(std::move(result_));
}

void OpenSignIn::start_deadline() {
  const std::chrono::seconds left = std::min(flow_->profile().sign_in_timeout, kMaxTime);
  ends_at_ = std::min(clock_.now() + left, ends_at_);
  deadline_.emplace(loop_, loop_.now() + left,
                    [this] { cut_short(Outcome::failed, "deadline", prompts::time_is_up()); });
}

// Not a coroutine: a set-up's text holds a secret, and no frame is to keep it while the person
// types.
runtime::Task<std::expected<Secret, ConversationError>> OpenSignIn::ask(sign_in::Prompt prompt) {
  const FrameType type = prompt.echo ? FrameType::ask_visible : FrameType::ask_hidden;
  const bool sent =
      !gone_ && send_notice(prompt.notice) &&
      send_text(socket_.get(), type, prompt.purpose, printable(prompt.text, kMaxText)).has_value();
  return await_answer(sent);
}

runtime::Task<std::expected<Secret, ConversationError>> OpenSignIn::await_answer(bool sent) {
  if (!sent) co_return std::unexpected(ConversationError::gone);
  // Steps that are cancelled take their question with them.
  struct OpenQuestion {
    explicit OpenQuestion(OpenSignIn& sign_in) : owner(sign_in) { owner.question_ = &answer; }
    OpenQuestion(const OpenQuestion&) = delete;
    OpenQuestion& operator=(const OpenQuestion&) = delete;
    ~OpenQuestion() { owner.question_ = nullptr; }
    OpenSignIn& owner;
    runtime::OneShot<std::expected<Secret, ConversationError>> answer;
  };
  OpenQuestion question(*this);
  step_.reset();  // the person has the time now
  std::expected<Secret, ConversationError> answer = co_await question.answer;
  co_return answer;
}

bool OpenSignIn::send_notice(const Notice& notice) {
  if (notice.kind == Notice::Kind::none) return true;
  const FrameType type = notice.kind == Notice::Kind::error ? FrameType::error : FrameType::info;
  return send_text(socket_.get(), type, Purpose::other, printable(notice.text, kMaxText))
      .has_value();
}

bool OpenSignIn::send_end(Outcome outcome, const SignInId& id, const Notice& notice) {
  return !gone_ && send_notice(notice) && send_outcome(socket_.get(), outcome, id).has_value();
}

// The decision is no sign-in, and has no id.
void OpenSignIn::send_account(Outcome outcome) {
  if (!gone_) (void)send_outcome(socket_.get(), outcome, SignInId{});
}

std::expected<ModuleFrame, FrameError> OpenSignIn::receive() const {
  const runtime::StallGuard guard;
  return receive_from_module(socket_.get());
}

void OpenSignIn::readable() {
  std::expected<ModuleFrame, FrameError> frame = receive();
  if (!frame && frame.error() == FrameError::would_block) return;

  const auto take_question = [this] { return std::exchange(question_, nullptr); };
  if (frame && frame->type == FrameType::answer && question_ != nullptr) {
    answered();
    take_question()->report(std::move(frame->answer));
    return;
  }
  if (frame && frame->type == FrameType::abort && question_ != nullptr) {
    answered();
    take_question()->report(std::unexpected(ConversationError::aborted));
    return;
  }
  if (frame && frame->type == FrameType::ack && state_ == State::awaiting_ack) return acked();
  if (frame && frame->type == FrameType::abort && state_ == State::awaiting_ack) return declined();
  if (frame && frame->type == FrameType::account && state_ == State::committed)
    return account_asked();

  // Nothing that can follow makes this end well, and a socket at its end is readable for ever.
  gone_ = true;
  watch_.set_events(0);
  gone();
}

void OpenSignIn::answered() {
  if (!deadline_) start_deadline();
  step_.emplace(loop_, loop_.now() + kStep,
                [this] { cut_short(Outcome::failed, "step-deadline", prompts::pool_failed()); });
}

void OpenSignIn::cut_short(Outcome outcome, std::string cause, const std::string& text) {
  switch (state_) {
    case State::running:
      // Cancelling destroys the coroutine's frame: attempts count, tokens are revoked.
      running_.cancel();
      {
        auto result = std::make_unique<SignInResult>(outcome, std::move(cause),
                                                     text.empty() ? Notice() : Notice::error(text));
        result->calls = flow_->calls();
        end(std::move(result));
      }
      return;
    case State::awaiting_ack:
      result_->outcome = Outcome::conversation_broken;
      result_->cause = "not-acknowledged";
      log_end(*result_);
      close();
      return;
    case State::committed:  // the transaction ended without an account phase, or with one elsewhere
    case State::deciding_account:
      close();
      return;
    case State::closed:
      return;
  }
}

void OpenSignIn::end(sign_in::SignInEnd result) {
  step_.reset();
  if (result->outcome != Outcome::success) {
    // The line first: who sees the refusal finds the line.
    log_end(*result);
    if (flow_->profile().one_text && result->notice.kind == Notice::Kind::error)
      result->notice.kind = Notice::Kind::info;
    if (!result->notice.text.empty())
      result->notice.text = prompts::with_reference(result->notice.text, flow_->request().log_id);
    (void)send_end(result->outcome, SignInId{}, result->notice);
    close();
    return;
  }
  result_ = std::move(result);
  state_ = State::awaiting_ack;
  hard_deadline_.reset();
  deadline_.emplace(loop_, loop_.now() + kAck, [this] { cut_short(Outcome::failed, {}, {}); });
  if (!send_end(Outcome::success, sign_in_id_, result_->notice)) gone();
}

void OpenSignIn::acked() {
  if (flow_->request().is_test) {
    tested();
    return;
  }
  commit();
  log_end(*result_);
  const bool has_account_phase = flow_->request().goal == Goal::sign_in;
  if (has_account_phase) account_ = holder_->decide_account(flow_->request(), sign_in_id_);
  result_.reset();
  flow_.reset();
  place_.reset();
  loop_.post([] { runtime::wipe_stack(); });
  if (!has_account_phase || !holder_->may_wait()) {
    close();
    return;
  }
  state_ = State::committed;
  deadline_.emplace(loop_, loop_.now() + kAccount, [this] { close(); });
}

// The sign-in counts from here on.
void OpenSignIn::commit() {
  const sign_in::SignInServices& services = flow_->services();
  const sign_in::SignInRequest& request = flow_->request();
  sessions::VerifiedIdentity identity;
  identity.verified = services.clock->boot_time();
  if (result_->accepted) {
    // The name has an account now.
    if (request.is_first_login)
      services.account_failures->remember(request.user, request.origin);
    else
      services.failures->signed_in(request.user, request.origin);
    // Nothing else is kept of it, and no later question goes by it; its tokens are revoked.
    if (request.goal == Goal::change_factors) return;
    if (result_->tells_of_change)
      services.known->told_factor_changes(request.user, request.origin.key(),
                                          services.clock->wall_time());
    identity.sub = result_->accepted->verified.sub;
    identity.groups = result_->accepted->verified.groups;
  } else if (result_->reused) {
    // A session replaced the sign-in: nothing new is kept, and the session's groups count.
    const auto session = services.sessions->find(*result_->reused);
    if (!session) return;
    identity.sub = session->sub;
    identity.groups = session->groups;
    identity.verified = session->verified;
  } else {
    return;
  }
  holder_->recent_sign_ins().remember(sign_in_id_, request.user, request.service,
                                      std::move(identity));
  // A password that was changed is no login: its tokens go with the result.
  if (!result_->accepted || request.goal != Goal::sign_in) return;

  sessions::NewSession session;
  session.id = sign_in_id_;
  session.user = request.user;
  session.service = request.service;
  session.origin = request.origin.key();
  session.address = request.remote_address();
  session.factor = result_->factor;
  session.binding = request.binding;
  session.pool = sessions::pool_fingerprint(services.config->pool);  // a reload may have changed it
  session.verified = std::move(result_->accepted->verified);
  session.password = std::move(result_->accepted->password);
  services.sessions->keep(std::move(session), std::move(result_->accepted->tokens));
}

// Everything that policy asks for was given: a success, of which nothing is kept.
void OpenSignIn::tested() {
  if (result_->accepted && !flow_->request().is_first_login)
    flow_->services().failures->signed_in(flow_->request().user, flow_->request().origin);
  result_->cause = "tested";
  log_end(*result_);
  close();  // ~PendingTokens revokes
}

void OpenSignIn::declined() {
  if (flow_->request().is_test) {
    tested();
    return;
  }
  result_->outcome = Outcome::conversation_broken;
  result_->cause = "not-taken-over";
  result_->level = Level::info;
  log_end(*result_);
  close();  // ~PendingTokens revokes
}

void OpenSignIn::gone() {
  cut_short(Outcome::conversation_broken, "caller-gone", {});
}

void OpenSignIn::account_asked() {
  state_ = State::deciding_account;
  deadline_.reset();
  running_ = loop_.spawn(answer_account(), [this](bool threw) {
    if (threw) send_account(Outcome::unforeseen);
    close();
  });
}

runtime::Task<void> OpenSignIn::answer_account() {
  const Outcome outcome = co_await std::move(account_);
  send_account(outcome);
}

// journald counts cognitod's lines together: too many of one user's would suppress those of others.
// A line about a password or code that was tried is always written: the budgets of limits/ bound
// these.
Level OpenSignIn::level_of(const SignInResult& result) const {
  const limits::Origin& origin = flow_->request().origin;
  if (flow_->tried_anything() || holder_ == nullptr) return result.level;
  if (origin.is_uid() && result.outcome == Outcome::conversation_broken) return Level::debug;
  return holder_->level_of_line(flow_->request(), result.level);
}

void OpenSignIn::log_end(const SignInResult& result) const {
  const sign_in::SignInRequest& request = flow_->request();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(loop_.now() - opened_);
  const std::string message = std::string(goal_word(request.goal)) + " of " + request.user +
                              " by " + request.service + " from " + request.origin.key() + ": " +
                              std::string(to_string(result.outcome)) + " (" + result.cause +
                              ") id=" + request.log_id;
  runtime::log(level_of(result), message,
               {{"ID", request.log_id},
                {"GOAL", goal_word(request.goal)},
                {"USER", request.user},
                {"SERVICE", request.service},
                {"ORIGIN", request.origin.key()},
                {"OUTCOME", to_string(result.outcome)},
                {"CAUSE", result.cause},
                {"FACTOR", to_string(result.factor)},
                {"REQUEST_ID", result.request_id},
                {"DETAIL", result.detail},
                {"CALLS", result.calls},
                {"DURATION_MS", std::to_string(took.count())}});
  runtime::metrics().count("pam_cognito_sign_ins_total",
                           {{"outcome", to_string(result.outcome)}, {"service", request.service}});
}

void OpenSignIn::close() {
  state_ = State::closed;
  deadline_.reset();
  hard_deadline_.reset();
  step_.reset();
  if (holder_ == nullptr) return;
  loop_.post(
      [holder = std::exchange(holder_, nullptr), number = number_] { holder->finished(number); });
}

}  // namespace pamcognito::bus
