#pragma once

#include <json/value.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace pamcognito::pool {

// The SMS and e-mails that the pool "sent". A test or a person reads them by the admin API.
class Inbox {
 public:
  struct Message {
    int64_t id = 0;
    std::string username;
    std::string medium;  // SMS or EMAIL
    std::string destination;
    std::string code;
    std::string text;
    int64_t unix_s = 0;
    bool read = false;
  };

  void deliver(Message message);
  // The oldest unread one for `username` ("": for anybody), now marked as read.
  [[nodiscard]] std::optional<Message> next(const std::string& username);
  [[nodiscard]] const std::deque<Message>& all() const { return messages_; }
  void clear() { messages_.clear(); }

 private:
  std::deque<Message> messages_;
  int64_t last_id_ = 0;
};

[[nodiscard]] Json::Value to_json(const Inbox::Message& message);

}  // namespace pamcognito::pool
