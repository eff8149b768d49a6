#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "common/secret.h"

namespace pamcognito::cli {

// The user's terminal. If standard input is a terminal, questions go to /dev/tty, so that they are
// seen when the output is redirected; otherwise answers are the lines of standard input, and
// questions go to standard error.
class Terminal {
 public:
  enum class Error : std::uint8_t {
    ended,        // end of the input, or it cannot be read
    too_long,     // more than a Secret holds
    interrupted,  // `watched` became readable or was closed meanwhile
  };

  Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() = default;

  [[nodiscard]] bool interactive() const noexcept { return interactive_; }

  void show(std::string_view text) const;
  // Shows `prompt` and reads one line, without its newline. With echo off nothing typed is shown;
  // the terminal is as before when this returns and when a signal ends the process. `watched`: a
  // descriptor that ends the wait, or -1.
  std::expected<Secret, Error> ask(std::string_view prompt, bool echo, int watched = -1) const;
  // A yes or no; an empty answer is `otherwise`. The end of the input is a no.
  bool confirm(std::string_view question, bool otherwise) const;

 private:
  bool interactive_;
  Fd tty_;
  int input_;
  int output_;
};

// Does the locale of the environment (LC_ALL, LC_CTYPE, LANG) use UTF-8?
bool locale_is_utf8();
// Is standard output a terminal that shows colours, and does nothing in the environment forbid
// them (https://no-color.org, TERM=dumb)?
bool output_wants_colour();

}  // namespace pamcognito::cli
