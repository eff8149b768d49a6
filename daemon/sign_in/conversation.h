#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

#include "common/frame.h"
#include "common/secret.h"
#include "daemon/runtime/clock.h"
#include "daemon/runtime/task.h"

namespace pamcognito::sign_in {

// One message that needs no answer, shown together with the prompt or the end that follows it.
struct Notice {
  enum class Kind : std::uint8_t { none, info, error };
  Kind kind = Kind::none;
  std::string text;

  Notice() = default;
  static Notice info(std::string text) { return {Kind::info, std::move(text)}; }
  static Notice error(std::string text) { return {Kind::error, std::move(text)}; }

 private:
  Notice(Kind kind_, std::string text_) : kind(kind_), text(std::move(text_)) {}
};

// A question to the user. `text` contains all that must be seen: OpenSSH withholds notices.
struct Prompt {
  std::string text;
  Purpose purpose;
  bool echo;
  Notice notice;

  Prompt(std::string text_, Purpose purpose_, bool echo_, Notice notice_ = {})
      : text(std::move(text_)), purpose(purpose_), echo(echo_), notice(std::move(notice_)) {}
};

enum class ConversationError : std::uint8_t {
  gone,     // the host process died or hung up
  aborted,  // the caller cannot answer, or the person cancelled
};

// The user at the other end of a sign-in. Waiting for the answer ends with the sign-in's own
// deadline, which the owner of the task enforces by cancelling it.
class Conversation {
 public:
  Conversation() = default;
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  virtual ~Conversation() = default;

  // Await the result at once: the question may have gone out already.
  virtual runtime::Task<std::expected<Secret, ConversationError>> ask(Prompt prompt) = 0;

  // When the whole sign-in will be ended, for steps that must not begin without time for them.
  // Before the first answer it may not be known yet: the farthest that it can be.
  [[nodiscard]] virtual runtime::MonotonicTime ends_at() const = 0;
};

}  // namespace pamcognito::sign_in
