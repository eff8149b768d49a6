#include "tests/pool/inbox.h"

#include <utility>

namespace pamcognito::pool {

namespace {

// Enough for any test, and a bound for a benchmark that runs all night.
constexpr size_t kMost = 100'000;

}  // namespace

void Inbox::deliver(Message message) {
  message.id = ++last_id_;
  messages_.push_back(std::move(message));
  if (messages_.size() > kMost) messages_.pop_front();
}

std::optional<Inbox::Message> Inbox::next(const std::string& username) {
  for (Message& message : messages_) {
    if (message.read || (!username.empty() && message.username != username)) continue;
    message.read = true;
    return message;
  }
  return std::nullopt;
}

Json::Value to_json(const Inbox::Message& message) {
  Json::Value out;
  out["id"] = Json::Int64{message.id};
  out["username"] = message.username;
  out["medium"] = message.medium;
  out["destination"] = message.destination;
  out["code"] = message.code;
  out["text"] = message.text;
  out["time"] = Json::Int64{message.unix_s};
  return out;
}

}  // namespace pamcognito::pool
