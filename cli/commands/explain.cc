#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/explain/journal.h"
#include "cli/explain/story.h"
#include "common/frame.h"
#include "common/hexadecimal.h"

// `log` lists sign-ins, and `explain` shows one of them. Both read the journal.
namespace pamcognito::cli {
namespace {

constexpr std::size_t kDefaultCount = 10;
constexpr std::size_t kMostCount = 1000;

// The whole text as a decimal number, without a sign.
std::optional<std::uint32_t> number_in(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "90s", "30min", "2h", "3d". The journal is read for seven days at most.
std::optional<std::chrono::seconds> age_in(std::string_view text) {
  using namespace std::chrono;
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == std::string_view::npos) return std::nullopt;
  const auto value = number_in(text.substr(0, digits));
  if (!value) return std::nullopt;
  const std::string_view unit = text.substr(digits);
  if (unit == "s") return seconds(*value);
  if (unit == "min") return minutes(*value);
  if (unit == "h") return hours(*value);
  if (unit == "d") return days(*value);
  return std::nullopt;
}

Result<SignInFilter> filter_of(const LogOptions& options) {
  SignInFilter filter;
  filter.user = options.user;
  filter.failed = options.failed;
  filter.most = kDefaultCount;
  if (!options.count.empty()) {
    const auto count = number_in(options.count);
    if (!count || *count == 0 || *count > kMostCount)
      return failure(ExitCode::usage, "invalid-number", "-n takes a number from 1 to 1000");
    filter.most = *count;
  }
  if (!options.since.empty()) {
    const auto age = age_in(options.since);
    if (!age)
      return failure(ExitCode::usage, "invalid-time",
                     "--since takes a number and one of the units s, min, h and d, such as 2h");
    const auto since = std::chrono::system_clock::now() - *age;
    filter.since_us = static_cast<std::uint64_t>(std::max<std::int64_t>(
        0,
        std::chrono::duration_cast<std::chrono::microseconds>(since.time_since_epoch()).count()));
  }
  return filter;
}

Failure no_sign_in() {
  return {ExitCode::not_found, "no-lines",
          "the journal of the last seven days has no such sign-in, or you may not read it: run it "
          "as root"};
}

// The log id that begins with these digits: of a session that the caller may see, or else of a
// recent sign-in. A journal file may be another machine's, so its sessions are not asked for.
Result<std::string> id_beginning(const std::string& prefix, const std::string& file) {
  if (file.empty()) {
    const auto session = session_beginning(prefix);
    if (session) return session->substr(0, kLogIdSize);
    if (session.error().word == kAmbiguousId) return std::unexpected(session.error());
  }
  SignInFilter filter;
  filter.most = kMostCount;
  const auto sign_ins = sign_ins_of(filter, file);
  if (!sign_ins) return failure(ExitCode::failed, "journal", sign_ins.error());
  const std::set<std::string> found = ids_beginning(prefix, *sign_ins);
  if (found.empty()) return std::unexpected(no_sign_in());
  if (found.size() > 1)
    return failure(ExitCode::failed, kAmbiguousId,
                   "more than one sign-in begins with " + prefix +
                       ": give more digits; cognitoctl log lists ids");
  return *found.begin();
}

// The log id that the options ask for.
Result<std::string> wanted_id(const ExplainOptions& options) {
  if (options.last == !options.id.empty() || (!options.last && !options.user.empty()))
    return failure(ExitCode::usage, "not-an-id",
                   "give an id, or --last and, if you like, --user: cognitoctl log lists ids");
  if (options.last) {
    SignInFilter filter;
    filter.user = options.user;
    const auto found = sign_ins_of(filter, options.file);
    if (!found) return failure(ExitCode::failed, "journal", found.error());
    if (found->empty()) return std::unexpected(no_sign_in());
    return found->front().field("PAM_COGNITO_ID");
  }
  if (options.id.size() < kShortestIdPrefix || options.id.size() > 2 * kSignInIdSize ||
      !has_hex_digits_only(options.id))
    return failure(
        ExitCode::usage, "not-an-id",
        "an id has 16 hexadecimal digits, and a session's 32: give those that cognitoctl "
        "log or sessions list shows, or at least the first four");
  // A session's id begins with the log id of its sign-in.
  if (options.id.size() >= kLogIdSize) return options.id.substr(0, kLogIdSize);
  return id_beginning(options.id, options.file);
}

}  // namespace

ExitCode list_sign_ins(const Context& context, const LogOptions& options) {
  const Output& out = context.out;
  const auto filter = filter_of(options);
  if (!filter) return out.fail(filter.error());
  const auto found = sign_ins_of(*filter, options.file);
  if (!found) return out.fail({ExitCode::failed, "journal", found.error()});

  out.object(sign_ins_to_json(*found));
  std::vector<Row> rows;
  for (const JournalEntry& entry : *found) {
    const SignInLine line = sign_in_line(entry);
    rows.push_back({line.id, time_text(line.at), line.user, line.service, place_text(line.origin),
                    line.outcome});
  }
  if (found->empty()) {
    out.line("No sign-ins in the journal that you may read. Root sees all.");
    return ExitCode::ok;
  }
  print_table(out,
              {{"ID"},
               {"ENDED"},
               {"USER", Fit::cut},
               {"SERVICE", Fit::cut},
               {"FROM", Fit::cut},
               {"OUTCOME", Fit::cut}},
              rows);
  out.line("Details: cognitoctl explain ID");
  return ExitCode::ok;
}

ExitCode explain(const Context& context, const ExplainOptions& options) {
  const Output& out = context.out;
  const auto id = wanted_id(options);
  if (!id) return out.fail(id.error());
  const auto entries = journal_of(*id, options.file);
  if (!entries) return out.fail({ExitCode::failed, "journal", entries.error()});
  if (entries->empty()) return out.fail(no_sign_in());
  const auto events = events_of(*entries);
  out.object(story_to_json(*id, events));
  tell(out, *id, events);
  return ExitCode::ok;
}

}  // namespace pamcognito::cli
