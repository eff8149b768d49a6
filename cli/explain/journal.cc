#include "cli/explain/journal.h"

#include <systemd/sd-journal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "common/outcome.h"
#include "common/text.h"

namespace pamcognito::cli {
namespace {

constexpr std::size_t kMaxLines = 200'000;
constexpr std::size_t kMaxFound = 200;
constexpr std::size_t kMaxField = 2048;
constexpr std::uint64_t kMicroseconds = 1'000'000;
constexpr std::uint64_t kLookBack = 7ULL * 24 * 3600 * kMicroseconds;
// A sign-in takes 15 minutes at most; its session's end may write a line later.
constexpr std::uint64_t kAround = 20ULL * 60 * kMicroseconds;

// Lines of other users than root and cognitod: their number is the writer's choice.
constexpr std::size_t kMaxUnverified = 20;

// The fields that cli/explain/story.cc reads.
constexpr std::array kFields = {"_UID",
                                "_SYSTEMD_UNIT",
                                "MESSAGE",
                                "PAM_COGNITO_ID",
                                "SYSLOG_IDENTIFIER",
                                "PAM_COGNITO_GOAL",
                                "PAM_COGNITO_USER",
                                "PAM_COGNITO_SERVICE",
                                "PAM_COGNITO_ORIGIN",
                                "PAM_COGNITO_CAUSE",
                                "PAM_COGNITO_OUTCOME",
                                "PAM_COGNITO_FACTOR",
                                "PAM_COGNITO_CALLS",
                                "PAM_COGNITO_DETAIL",
                                "PAM_COGNITO_DURATION_MS"};

struct CloseJournal {
  void operator()(sd_journal* journal) const noexcept { ::sd_journal_close(journal); }
};
using Journal = std::unique_ptr<sd_journal, CloseJournal>;

// Any process may write fields such as PAM_COGNITO_ID; this one is journald's own.
constexpr std::string_view kByUnit = "_SYSTEMD_UNIT=cognitod.service";

std::unexpected<std::string> cannot(int error) {
  return std::unexpected("the journal cannot be read: " + std::string(errno_name(-error)) +
                         (error == -EACCES ? " (run it as root)" : ""));
}

// This machine's journal, or `file`.
std::expected<Journal, int> open_journal(const std::string& file) {
  sd_journal* raw = nullptr;
  std::array<const char*, 2> files = {file.c_str(), nullptr};
  const int result = file.empty() ? ::sd_journal_open(&raw, SD_JOURNAL_LOCAL_ONLY)
                                  : ::sd_journal_open_files(&raw, files.data(), 0);
  if (result < 0) return std::unexpected(result);
  (void)::sd_journal_set_data_threshold(raw, kMaxField);
  return Journal(raw);
}

std::string field_of(sd_journal* journal, const char* name) {
  const void* data = nullptr;
  std::size_t size = 0;
  if (::sd_journal_get_data(journal, name, &data, &size) < 0) return {};
  const std::size_t prefix = std::strlen(name) + 1;  // "NAME="
  if (size < prefix) return {};
  return printable({static_cast<const char*>(data) + prefix, size - prefix}, kMaxField);
}

JournalEntry entry_of(sd_journal* journal) {
  JournalEntry entry;
  (void)::sd_journal_get_realtime_usec(journal, &entry.time_us);
  for (const char* name : kFields)
    if (std::string value = field_of(journal, name); !value.empty())
      entry.fields[name] = std::move(value);
  return entry;
}

std::uint64_t now_us() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

// Collects, from `from` on, the lines that match and that `wanted` accepts, until `found` has
// `most` of them.
template <class Wanted>
int collect(sd_journal* journal, std::uint64_t from, std::uint64_t to, Wanted wanted,
            std::size_t most, std::vector<JournalEntry>* found) {
  int result = ::sd_journal_seek_realtime_usec(journal, from);
  std::size_t lines = 0;
  while (result >= 0 && lines++ < kMaxLines && found->size() < most) {
    result = ::sd_journal_next(journal);
    if (result <= 0) break;
    std::uint64_t time = 0;
    if (::sd_journal_get_realtime_usec(journal, &time) >= 0 && time > to) break;
    if (wanted()) found->push_back(entry_of(journal));
  }
  return result;
}

bool mentions(sd_journal* journal, const std::string& needle) {
  const void* data = nullptr;
  std::size_t size = 0;
  if (::sd_journal_get_data(journal, "MESSAGE", &data, &size) < 0) return false;
  return ::memmem(data, size, needle.data(), needle.size()) != nullptr;
}

}  // namespace

std::expected<std::vector<JournalEntry>, std::string> journal_of(const std::string& id,
                                                                 const std::string& file) {
  const std::expected<Journal, int> journal = open_journal(file);
  if (!journal) return cannot(journal.error());
  sd_journal* const raw = journal->get();

  std::vector<JournalEntry> found;
  const std::string by_id = "PAM_COGNITO_ID=" + id;
  const std::uint64_t now = now_us();
  // A file may be older than that, and is no larger than it is.
  const std::uint64_t oldest = file.empty() ? now - kLookBack : 0;
  int result = ::sd_journal_add_match(raw, by_id.data(), by_id.size());
  if (result >= 0) result = ::sd_journal_add_match(raw, kByUnit.data(), kByUnit.size());
  if (result >= 0)
    result = collect(raw, oldest, UINT64_MAX, [] { return true; }, kMaxFound, &found);
  if (result < 0) return cannot(result);

  // The module writes by syslog(3), without fields of its own: its lines are near those of the
  // daemon. If the daemon wrote none, they may be anywhere.
  const std::uint64_t from = found.empty() ? oldest : found.front().time_us - kAround;
  const std::uint64_t to = found.empty() ? UINT64_MAX : found.back().time_us + kAround;
  const std::string by_text = "id=" + id;
  ::sd_journal_flush_matches(raw);
  result = ::sd_journal_add_match(raw, "_TRANSPORT=syslog", 0);
  // Root's first: any user can write as many lines with this id as it likes.
  const auto of_root = [raw] { return field_of(raw, "_UID") == "0"; };
  if (result >= 0)
    result = collect(
        raw, from, to, [&] { return of_root() && mentions(raw, by_text); }, kMaxFound, &found);
  if (result >= 0)
    result = collect(
        raw, from, to, [&] { return !of_root() && mentions(raw, by_text); },
        found.size() + kMaxUnverified, &found);
  if (result < 0) return cannot(result);
  std::ranges::sort(found, {}, &JournalEntry::time_us);
  return found;
}

std::expected<std::vector<JournalEntry>, std::string> sign_ins_of(const SignInFilter& filter,
                                                                  const std::string& file) {
  const std::expected<Journal, int> journal = open_journal(file);
  if (!journal) return cannot(journal.error());
  sd_journal* const raw = journal->get();
  const std::uint64_t oldest =
      file.empty() ? std::max(filter.since_us, now_us() - kLookBack) : filter.since_us;

  int result = ::sd_journal_add_match(raw, kByUnit.data(), kByUnit.size());
  const std::string by_user = "PAM_COGNITO_USER=" + filter.user;
  if (result >= 0 && !filter.user.empty())
    result = ::sd_journal_add_match(raw, by_user.data(), by_user.size());
  if (result >= 0) result = ::sd_journal_seek_tail(raw);
  std::vector<JournalEntry> found;
  for (std::size_t lines = 0; result >= 0 && lines < kMaxLines && found.size() < filter.most;
       ++lines) {
    result = ::sd_journal_previous(raw);
    if (result <= 0) break;
    JournalEntry entry = entry_of(raw);
    if (entry.time_us < oldest) break;
    // The line of a decision about an account has an outcome, too, but no goal.
    const std::string outcome = entry.field("PAM_COGNITO_OUTCOME");
    if (outcome.empty() || entry.field("PAM_COGNITO_GOAL").empty()) continue;
    if (filter.failed && outcome == to_string(Outcome::success)) continue;
    found.push_back(std::move(entry));
  }
  if (result < 0) return cannot(result);
  return found;
}

}  // namespace pamcognito::cli
