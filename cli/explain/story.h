#pragma once

#include <json/json.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/explain/journal.h"
#include "cli/output.h"

namespace pamcognito::cli {

// One of the calls that a sign-in made at the pool, out of the field CALLS.
struct PoolCall {
  std::string operation;
  std::string ending;
  std::optional<std::uint64_t> took_ms;  // nothing: the line has no number
  std::string request_id;                // what AWS support asks for; may be empty
};
std::vector<PoolCall> calls_of(std::string_view text);

// A sentence for a cause; the cause itself if this version does not know it.
std::string cause_text(std::string_view cause);

// One line of the log, told.
struct Event {
  std::uint64_t time_us = 0;  // since the epoch
  std::string who;            // "cognitod", "sshd"; if not verified, the writer's own claim
  std::string
      written_by_uid;   // of a line that may be forged (JournalEntry::is_verified()); else ""
  std::string message;  // the line itself; empty where there is an outcome
  std::string goal;
  std::string user;
  std::string service;
  std::string origin;
  std::string outcome;
  std::string cause;  // the daemon's field, or the word of the module's own line
  std::string factor;
  std::string detail;
  std::optional<std::uint64_t> duration_ms;
  std::vector<PoolCall> calls;
};
// One sign-in of cognitoctl log.
struct SignInLine {
  std::string id;
  std::uint64_t at = 0;  // when it ended, in seconds since the epoch
  std::string goal;
  std::string user;
  std::string service;
  std::string origin;
  std::string outcome;
  std::string cause;
  std::string factor;  // empty: none
};
SignInLine sign_in_line(const JournalEntry& entry);

// The log ids of the entries that begin with `prefix`.
std::set<std::string> ids_beginning(std::string_view prefix,
                                    const std::vector<JournalEntry>& entries);
std::vector<Event> events_of(const std::vector<JournalEntry>& entries);

// Only known fields of the lines are told, so that nothing else in them can be shown.
void tell(const Output& out, const std::string& id, const std::vector<Event>& events);
// The object of cognitoctl log.
Json::Value sign_ins_to_json(const std::vector<JournalEntry>& entries);
// The object of cognitoctl explain.
Json::Value story_to_json(const std::string& id, const std::vector<Event>& events);

}  // namespace pamcognito::cli
