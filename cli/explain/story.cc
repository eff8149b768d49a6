#include "cli/explain/story.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <set>
#include <system_error>
#include <utility>

#include "common/hexadecimal.h"
#include "common/outcome.h"

namespace pamcognito::cli {
namespace {

// "12:00:01.123", local time.
std::string clock_text(std::uint64_t time_us) {
  constexpr std::uint64_t second = 1'000'000;
  const auto time = static_cast<std::time_t>(time_us / second);
  std::tm parts{};
  char text[16];
  if (::localtime_r(&time, &parts) == nullptr ||
      std::strftime(text, sizeof(text), "%H:%M:%S", &parts) == 0)
    return "?";
  const std::string milliseconds = std::to_string(time_us % second / 1000);
  return std::string(text) + "." + std::string(3 - milliseconds.size(), '0') + milliseconds;
}

std::string day_text(std::uint64_t time_us) {
  return time_text(time_us / 1'000'000).substr(0, 10);
}

// Takes the next word off `text`.
std::string take_word(std::string_view& text) {
  const std::size_t space = text.find(' ');
  const std::string word(text.substr(0, space));
  text = space == std::string_view::npos ? std::string_view{} : text.substr(space + 1);
  return word;
}

// The number at the start of "54ms" and "54".
std::optional<std::uint64_t> milliseconds_in(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

// "none" is the absence of a factor.
std::string factor_of(const JournalEntry& entry) {
  const std::string factor = entry.field("PAM_COGNITO_FACTOR");
  return factor == "none" ? std::string() : factor;
}

// The word after "cause=": the module's lines have no fields.
std::string cause_in(std::string_view message) {
  constexpr std::string_view key = " cause=";
  const std::size_t found = message.find(key);
  if (found == std::string_view::npos) return {};
  message.remove_prefix(found + key.size());
  return take_word(message);
}

Event event_of(const JournalEntry& entry) {
  Event event;
  event.time_us = entry.time_us;
  event.who = entry.field("SYSLOG_IDENTIFIER");
  if (event.who.empty()) event.who = "?";
  if (!entry.is_verified()) {
    event.written_by_uid = entry.field("_UID");
    if (event.written_by_uid.empty()) event.written_by_uid = "?";
  }
  event.outcome = entry.field("PAM_COGNITO_OUTCOME");
  if (event.outcome.empty()) event.message = entry.field("MESSAGE");
  event.goal = entry.field("PAM_COGNITO_GOAL");
  event.user = entry.field("PAM_COGNITO_USER");
  event.service = entry.field("PAM_COGNITO_SERVICE");
  event.origin = entry.field("PAM_COGNITO_ORIGIN");
  event.cause = entry.field("PAM_COGNITO_CAUSE");
  if (event.cause.empty()) event.cause = cause_in(event.message);
  event.factor = factor_of(entry);
  event.detail = entry.field("PAM_COGNITO_DETAIL");
  event.duration_ms = milliseconds_in(entry.field("PAM_COGNITO_DURATION_MS"));
  event.calls = calls_of(entry.field("PAM_COGNITO_CALLS"));
  return event;
}

std::string what_text(const Event& event) {
  std::string text = event.goal.empty() ? "account" : event.goal;
  text += " of " + event.user + " by " + event.service;
  if (!event.origin.empty()) text += " from " + place_text(event.origin);
  return text;
}

Style style_of(const std::string& outcome) {
  return outcome == to_string(Outcome::success) ? Style::good : Style::bad;
}

// Empty: the line itself is enough.
std::string ending_text(const Event& event) {
  const std::string cause = cause_text(event.cause);
  if (event.outcome.empty()) return cause == event.cause ? std::string() : cause;
  std::string text = event.outcome + ": " + cause;
  if (!event.factor.empty()) text += "; second factor " + event.factor;
  if (event.duration_ms) text += "; took " + std::to_string(*event.duration_ms) + " ms";
  return text;
}

void tell_event(const Output& out, const Event& event) {
  const std::string indent(16, ' ');
  const bool ended = !event.outcome.empty();
  const std::string writer =
      event.written_by_uid.empty()
          ? std::string()
          : " (not verified, written by uid " + out.paint(Style::plain, event.written_by_uid) + ")";
  out.line("  " + clock_text(event.time_us) + "  " + out.paint(Style::strong, event.who) + writer +
           ": " + out.paint(Style::plain, ended ? what_text(event) : event.message));
  for (const PoolCall& call : event.calls)
    out.line(
        indent +
        out.paint(Style::faint,
                  "user pool: " + call.operation + " " + call.ending +
                      (call.took_ms ? ", " + std::to_string(*call.took_ms) + " ms" : "") +
                      (call.request_id.empty() ? std::string() : ", request " + call.request_id)));
  if (const std::string ending = ending_text(event); !ending.empty())
    out.line(indent + out.paint(ended ? style_of(event.outcome) : Style::plain, ending));
  if (!event.detail.empty()) out.line(indent + out.paint(Style::plain, event.detail));
}

// The uid, or null if the journal has none.
Json::Value uid_to_json(std::string_view text) {
  std::uint32_t uid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
  const bool is_uid = error == std::errc() && end == text.data() + text.size();
  return is_uid ? Json::Value(uid) : Json::Value();
}

Json::Value to_json(const Event& event, std::uint64_t first_us) {
  Json::Value object;
  object["logged_at"] = Json::Value::UInt64(event.time_us / 1'000'000);
  object["after_us"] = Json::Value::UInt64(event.time_us - std::min(first_us, event.time_us));
  if (!event.written_by_uid.empty()) object["written_by_uid"] = uid_to_json(event.written_by_uid);
  for (const auto& [name, value] : {std::pair<const char*, const std::string&>{"who", event.who},
                                    {"message", event.message},
                                    {"goal", event.goal},
                                    {"user", event.user},
                                    {"service", event.service},
                                    {"origin", event.origin},
                                    {"outcome", event.outcome},
                                    {"cause", event.cause},
                                    {"factor", event.factor},
                                    {"detail", event.detail}})
    if (!value.empty()) object[name] = value;
  if (event.duration_ms) object["duration_ms"] = Json::Value::UInt64(*event.duration_ms);
  if (!event.cause.empty()) object["cause_text"] = cause_text(event.cause);
  for (const PoolCall& call : event.calls) {
    Json::Value one;
    one["operation"] = call.operation;
    one["ending"] = call.ending;
    if (call.took_ms) one["took_ms"] = Json::Value::UInt64(*call.took_ms);
    if (!call.request_id.empty()) one["request_id"] = call.request_id;
    object["calls"].append(std::move(one));
  }
  return object;
}

Json::Value to_json(const SignInLine& line) {
  Json::Value object;
  object["id"] = line.id;
  object["ended_at"] = Json::Value::UInt64(line.at);
  object["goal"] = line.goal;
  object["user"] = line.user;
  object["service"] = line.service;
  object["origin"] = line.origin;
  object["outcome"] = line.outcome;
  object["cause"] = line.cause;
  object["factor"] = line.factor.empty() ? Json::Value() : line.factor;
  return object;
}

}  // namespace

std::vector<PoolCall> calls_of(std::string_view text) {
  std::vector<PoolCall> calls;
  while (!text.empty()) {
    const std::size_t semicolon = text.find("; ");
    std::string_view one = text.substr(0, semicolon);
    text = semicolon == std::string_view::npos ? std::string_view{} : text.substr(semicolon + 2);
    PoolCall call;
    call.operation = take_word(one);
    call.ending = take_word(one);
    call.took_ms = milliseconds_in(take_word(one));
    call.request_id = std::string(one);
    calls.push_back(std::move(call));
  }
  return calls;
}

SignInLine sign_in_line(const JournalEntry& entry) {
  SignInLine line;
  line.id = entry.field("PAM_COGNITO_ID");
  line.at = entry.time_us / 1'000'000;
  line.goal = entry.field("PAM_COGNITO_GOAL");
  line.user = entry.field("PAM_COGNITO_USER");
  line.service = entry.field("PAM_COGNITO_SERVICE");
  line.origin = entry.field("PAM_COGNITO_ORIGIN");
  line.outcome = entry.field("PAM_COGNITO_OUTCOME");
  line.cause = entry.field("PAM_COGNITO_CAUSE");
  line.factor = factor_of(entry);
  return line;
}

std::set<std::string> ids_beginning(std::string_view prefix,
                                    const std::vector<JournalEntry>& entries) {
  std::set<std::string> ids;
  for (const JournalEntry& entry : entries)
    if (std::string id = entry.field("PAM_COGNITO_ID"); is_log_id(id) && id.starts_with(prefix))
      ids.insert(std::move(id));
  return ids;
}

std::vector<Event> events_of(const std::vector<JournalEntry>& entries) {
  std::vector<Event> events;
  events.reserve(entries.size());
  for (const JournalEntry& entry : entries) events.push_back(event_of(entry));
  return events;
}

void tell(const Output& out, const std::string& id, const std::vector<Event>& events) {
  if (events.empty()) return;
  out.line("Sign-in " + id + ", " + day_text(events.front().time_us));
  for (const Event& event : events) tell_event(out, event);
}

Json::Value sign_ins_to_json(const std::vector<JournalEntry>& entries) {
  Json::Value object;
  object["sign_ins"] = Json::arrayValue;
  for (const JournalEntry& entry : entries) object["sign_ins"].append(to_json(sign_in_line(entry)));
  return object;
}

Json::Value story_to_json(const std::string& id, const std::vector<Event>& events) {
  Json::Value object;
  object["id"] = id;
  object["events"] = Json::arrayValue;
  for (const Event& event : events) object["events"].append(to_json(event, events.front().time_us));
  return object;
}

}  // namespace pamcognito::cli
