#include "tests/pool/faults.h"

#include <set>
#include <utility>

#include "tests/pool/json_reader.h"

namespace pamcognito::pool {

namespace {

const std::set<std::string> kKinds = {"delay",       "cut_before_body", "cut_after_reading",
                                      "lose_answer", "throttle",        "server_error",
                                      "waf",         "error",           "raw",
                                      "wrong_types", "missing_members", "patch",
                                      "truncated",   "endless",         "forged_tokens",
                                      "claims"};

const std::set<std::string> kForgeries = {
    "",         "alg_none",     "hs256",        "other_kid", "wrong_key",  "bad_signature",
    "expired",  "wrong_client", "other_issuer", "other_sub", "other_user", "swapped",
    "no_expiry"};

// The object that holds the last name of a dotted path, and that name; null when a step is missing.
struct Place {
  Json::Value* parent = nullptr;
  std::string name;
};

Place find_place(Json::Value& root, const std::string& path, bool make_missing) {
  Json::Value* at = &root;
  size_t start = 0;
  for (size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', start)) {
    const std::string step = path.substr(start, dot - start);
    if (!at->isObject() || (!make_missing && !at->isMember(step))) return {};
    at = &(*at)[step];
    if (at->isNull() && make_missing) *at = Json::objectValue;
    start = dot + 1;
  }
  if (!at->isObject()) return {};
  return {at, path.substr(start)};
}

Json::Value of_another_type(const Json::Value& value) {
  if (value.isString()) return {42};
  if (value.isObject()) return {"an object was here"};
  if (value.isArray()) return Json::objectValue;
  return {"neither number nor boolean"};
}

}  // namespace

std::expected<int64_t, std::string> FaultList::add(const Json::Value& from) {
  Fault fault;
  JsonReader reader(from, "fault");
  reader.read("on", fault.on)
      .read_word("kind", fault.kind, kKinds)
      .read("username", fault.username)
      .read("times", fault.times)
      .read("skip", fault.skip)
      .read("delay_ms", fault.delay_ms)
      .read("status", fault.status)
      .read("name", fault.name)
      .read("message", fault.message)
      .read("body", fault.body)
      .read("content_type", fault.content_type)
      .read("headers", fault.headers)
      .read("member", fault.member)
      .read("set", fault.set)
      .read("remove", fault.remove)
      .read("ms", fault.ms)
      .read_word("forgery", fault.forgery.kind, kForgeries)
      .read_word("token", fault.forgery.token, {"both", "id", "access"})
      .read("id", fault.forgery.id_claims)
      .read("access", fault.forgery.access_claims);
  if (const auto read = reader.finish(); !read) return std::unexpected(read.error());
  if (fault.kind.empty()) return std::unexpected("fault: \"kind\" is missing");
  if (fault.kind == "forged_tokens" && fault.forgery.kind.empty()) {
    return std::unexpected("fault: \"forgery\" is missing");
  }
  fault.id = ++last_id_;
  faults_.push_back(std::move(fault));
  return last_id_;
}

std::optional<Fault> FaultList::take_at_head(const std::string& operation) {
  return take_if({operation, "", ""}, true);
}

std::optional<Fault> FaultList::take(const FaultTarget& target) {
  return take_if(target, false);
}

std::optional<Fault> FaultList::take_if(const FaultTarget& target, bool at_head) {
  for (auto fault = faults_.begin(); fault != faults_.end(); ++fault) {
    if ((fault->kind == "cut_before_body") != at_head) continue;
    if (fault->on != "*" && fault->on != target.operation && fault->on != target.name) continue;
    if (!fault->username.empty() && fault->username != target.username) continue;
    if (fault->skip > 0) {
      --fault->skip;
      continue;
    }
    const Fault taken = *fault;
    if (fault->times > 0 && --fault->times == 0) faults_.erase(fault);
    return taken;
  }
  return std::nullopt;
}

Json::Value FaultList::list() const {
  Json::Value out(Json::arrayValue);
  for (const Fault& fault : faults_) {
    Json::Value entry;
    entry["id"] = Json::Int64{fault.id};
    entry["on"] = fault.on;
    entry["kind"] = fault.kind;
    entry["username"] = fault.username;
    entry["times"] = Json::Int64{fault.times};
    entry["skip"] = Json::Int64{fault.skip};
    entry["forgery"] = fault.forgery.kind;
    out.append(entry);
  }
  return out;
}

void spoil(Json::Value& answer, const Fault& fault) {
  if (fault.kind == "wrong_types" || fault.kind == "missing_members") {
    const bool all = fault.member.empty();
    const Place place = all ? Place{} : find_place(answer, fault.member, false);
    if (fault.kind == "missing_members" && all) {
      answer = Json::objectValue;
    } else if (fault.kind == "missing_members" && place.parent != nullptr) {
      place.parent->removeMember(place.name);
    } else if (all) {
      for (const std::string& name : answer.getMemberNames()) {
        answer[name] = of_another_type(answer[name]);
      }
    } else if (place.parent != nullptr && place.parent->isMember(place.name)) {
      (*place.parent)[place.name] = of_another_type((*place.parent)[place.name]);
    }
    return;
  }
  if (fault.kind != "patch") return;
  if (fault.set.isObject()) {
    for (const std::string& path : fault.set.getMemberNames()) {
      const Place place = find_place(answer, path, true);
      if (place.parent != nullptr) (*place.parent)[place.name] = fault.set[path];
    }
  }
  for (const std::string& path : fault.remove) {
    const Place place = find_place(answer, path, false);
    if (place.parent != nullptr) place.parent->removeMember(place.name);
  }
}

}  // namespace pamcognito::pool
