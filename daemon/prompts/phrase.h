#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "daemon/cognito/bounds.h"

// The tools that make the texts. A text is written tr("…"), so that xgettext finds it, and its
// variable parts are {1}, {2}, …, because a translation may need another order.
namespace pamcognito::prompts {

inline constexpr std::size_t kMaxForeign = cognito::kMaxShownName;

// `text` with each {N} replaced by the N-th value. A value's own braces stay as they are, and so
// does a number without a value.
std::string fill(std::string_view text, std::initializer_list<std::string_view> values);

// Foreign text, fit for a terminal's single line: newlines become `for_newline`, other control
// characters '?', and what is longer than max_bytes is cut.
std::string one_line(std::string_view foreign, std::size_t max_bytes = kMaxForeign,
                     char for_newline = '?');

}  // namespace pamcognito::prompts
