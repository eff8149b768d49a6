#pragma once

#include <json/value.h>

#include <cstdint>
#include <deque>
#include <string>

namespace pamcognito::pool {

// The requests of clients, for tests to count and to examine.
class RequestLog {
 public:
  struct Entry {
    int64_t n = 0;
    int64_t unix_ms = 0;
    std::string operation;
    std::string name;  // AuthFlow or ChallengeName
    std::string username;
    std::string client_id;
    std::string access_key_id;
    Json::Value metadata;
    std::string ip;
    int peer_port = 0;
    std::string user_agent;
    std::string body;
    bool processed = false;
    bool answered = false;
    int status = 0;
    std::string result;
    std::string fault;
  };
  // Empty members match everything.
  struct Filter {
    std::string operation;
    std::string name;
    std::string username;
  };

  // The number by which at() finds it.
  int64_t add(Entry entry);
  // Null when it was dropped meanwhile.
  [[nodiscard]] Entry* at(int64_t n);
  [[nodiscard]] Json::Value list(const Filter& filter, bool with_bodies) const;
  [[nodiscard]] Json::Value counts(const Filter& filter) const;
  [[nodiscard]] int64_t count(const Filter& filter, bool answered_only) const;
  void clear() { entries_.clear(); }

 private:
  std::deque<Entry> entries_;
  int64_t last_n_ = 0;
};

}  // namespace pamcognito::pool
