#include "tests/pool/request_log.h"

#include <utility>

namespace pamcognito::pool {

namespace {

// A bound for a benchmark that runs all night.
constexpr size_t kMost = 50'000;

bool fits(const RequestLog::Entry& entry, const RequestLog::Filter& filter) {
  return (filter.operation.empty() || filter.operation == entry.operation) &&
         (filter.name.empty() || filter.name == entry.name) &&
         (filter.username.empty() || filter.username == entry.username);
}

Json::Value to_json(const RequestLog::Entry& entry, bool with_body) {
  Json::Value out;
  out["n"] = Json::Int64{entry.n};
  out["time"] = static_cast<double>(entry.unix_ms) / 1000.0;
  out["operation"] = entry.operation;
  out["name"] = entry.name;
  out["username"] = entry.username;
  out["client_id"] = entry.client_id;
  out["access_key_id"] = entry.access_key_id;
  out["metadata"] = entry.metadata;
  out["ip"] = entry.ip;
  out["peer_port"] = entry.peer_port;
  out["user_agent"] = entry.user_agent;
  out["processed"] = entry.processed;
  out["answered"] = entry.answered;
  out["status"] = entry.status;
  out["result"] = entry.result;
  out["fault"] = entry.fault;
  if (with_body) out["body"] = entry.body;
  return out;
}

}  // namespace

int64_t RequestLog::add(Entry entry) {
  entry.n = ++last_n_;
  entries_.push_back(std::move(entry));
  if (entries_.size() > kMost) entries_.pop_front();
  return last_n_;
}

RequestLog::Entry* RequestLog::at(int64_t n) {
  if (entries_.empty() || n < entries_.front().n || n > entries_.back().n) return nullptr;
  return &entries_[static_cast<size_t>(n - entries_.front().n)];
}

Json::Value RequestLog::list(const Filter& filter, bool with_bodies) const {
  Json::Value out(Json::arrayValue);
  for (const Entry& entry : entries_) {
    if (fits(entry, filter)) out.append(to_json(entry, with_bodies));
  }
  return out;
}

Json::Value RequestLog::counts(const Filter& filter) const {
  Json::Value out(Json::objectValue);
  const auto count_one = [&out](const std::string& key) {
    out[key] = Json::Int64{out.get(key, Json::Int64{0}).asInt64() + 1};
  };
  for (const Entry& entry : entries_) {
    if (!fits(entry, filter)) continue;
    count_one(entry.operation);
    if (!entry.name.empty()) count_one(entry.operation + "/" + entry.name);
  }
  return out;
}

int64_t RequestLog::count(const Filter& filter, bool answered_only) const {
  int64_t count = 0;
  for (const Entry& entry : entries_) {
    if (fits(entry, filter) && (entry.answered || !answered_only)) ++count;
  }
  return count;
}

}  // namespace pamcognito::pool
