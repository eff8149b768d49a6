#pragma once

#include <json/value.h>

#include <cstdint>
#include <expected>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "tests/pool/tokens.h"

namespace pamcognito::pool {

// Something that shall go wrong with a request; README.md lists the kinds and their members.
struct Fault {
  int64_t id = 0;
  std::string on = "*";
  std::string kind;
  std::string username;
  int64_t times = 1;
  int64_t skip = 0;
  int64_t delay_ms = 0;

  int64_t status = 0;
  std::string name;
  std::string message;
  std::string body;
  std::string content_type = "text/plain";
  Json::Value headers;
  std::string member;
  Json::Value set;
  std::vector<std::string> remove;
  int64_t ms = 0;
  Forgery forgery;
};

// The properties of a request that select a fault.
struct FaultTarget {
  std::string operation;
  std::string name;
  std::string username;
};

class FaultList {
 public:
  // The new fault's id, or what is wrong with it.
  std::expected<int64_t, std::string> add(const Json::Value& from);
  // The oldest fault that fits, counted as used. A request's head matches only `cut_before_body`;
  // everything else waits for the whole request.
  [[nodiscard]] std::optional<Fault> take_at_head(const std::string& operation);
  [[nodiscard]] std::optional<Fault> take(const FaultTarget& target);
  void clear() { faults_.clear(); }
  [[nodiscard]] Json::Value list() const;

 private:
  [[nodiscard]] std::optional<Fault> take_if(const FaultTarget& target, bool at_head);

  std::list<Fault> faults_;
  int64_t last_id_ = 0;
};

// Makes a right answer wrong: `wrong_types`, `missing_members` and `patch`.
void spoil(Json::Value& answer, const Fault& fault);

}  // namespace pamcognito::pool
