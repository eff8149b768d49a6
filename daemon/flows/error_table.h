#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/outcome.h"
#include "daemon/cognito/errors.h"
#include "daemon/cognito/user_pool.h"
#include "daemon/runtime/journal.h"

namespace pamcognito::flows {

// The one place where a failure of the pool becomes an outcome, a text and a log level. A flow
// deals with some kinds itself (a wrong code is asked for again); what it does not deal with ends
// here.
struct ErrorRow {
  cognito::ErrorKind kind;
  std::string_view word;  // stable, for the log
  Outcome at_password;    // before the pool has accepted the password
  Outcome later;          // after: never Outcome::unavailable, or a local password would do instead
  std::string (*text)();  // for the person
  runtime::Level level;

  constexpr ErrorRow(cognito::ErrorKind kind_, Outcome at_password_, Outcome later_,
                     std::string (*text_)(), runtime::Level level_)
      : kind(kind_),
        word(cognito::word_of(kind_)),
        at_password(at_password_),
        later(later_),
        text(text_),
        level(level_) {}
};

std::span<const ErrorRow> error_rows();
// Every kind has a row.
const ErrorRow& error_row(cognito::ErrorKind kind);

}  // namespace pamcognito::flows
