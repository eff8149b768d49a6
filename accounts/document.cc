#include "accounts/document.h"

#include <json/json.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <expected>
#include <initializer_list>
#include <memory>
#include <utility>

#include "accounts/files.h"
#include "accounts/names.h"

namespace pamcognito::accounts {
namespace {

constexpr char kFormat[] = "pam-cognito-accounts";
constexpr int kFormatVersion = 1;

std::unexpected<Error> malformed(const std::string& what) {
  return refused(Refusal::malformed,
                 "The document has " + what + ": use one that `users export` has written");
}

std::string text_of(const Json::Value& object, const char* key) {
  const Json::Value& value = object[key];
  return value.isString() ? value.asString() : std::string();
}

// An absent text is empty; anything else is a fault.
bool has_texts(const Json::Value& object, std::initializer_list<const char*> keys) {
  for (const char* const key : keys)
    if (object.isMember(key) && !object[key].isString()) return false;
  return true;
}

std::int64_t time_of(const Json::Value& object, const char* key) {
  const Json::Value& value = object[key];
  return value.isInt64() && value.asInt64() > 0 ? value.asInt64() : 0;
}

bool read_uid(const Json::Value& object, uid_t& uid) {
  const Json::Value& value = object["uid"];
  if (!value.isInt64() || !is_uid(value.asInt64())) return false;
  uid = static_cast<uid_t>(value.asInt64());
  return true;
}

bool is_pinned(const std::string& pool, const std::string& sub) {
  return (pool.empty() || is_pool(pool)) && (sub.empty() || (is_sub(sub) && !pool.empty()));
}

bool read_account(const Json::Value& object, Account& account) {
  if (!object.isObject() ||
      !has_texts(object, {"name", "state", "pool", "sub", "shell", "locked_by"}))
    return false;
  account.name = text_of(object, "name");
  account.pool = text_of(object, "pool");
  account.sub = text_of(object, "sub");
  account.shell = text_of(object, "shell");
  account.locked_by = text_of(object, "locked_by");
  account.created_at = time_of(object, "created_at");
  account.verified_at = time_of(object, "verified_at");
  const std::string state = text_of(object, "state");
  account.state = state == "active" ? State::active : State::locked;
  const Json::Value& groups = object["cognito_groups"];
  if (!groups.isNull() && !groups.isArray()) return false;
  for (const Json::Value& group : groups) {
    if (!group.isString()) return false;
    account.cognito_groups.push_back(group.asString());
  }
  const bool is_locker =
      account.locked_by == kLockedByAdministrator || account.locked_by == kLockedByPool;
  return is_name(account.name) && read_uid(object, account.uid) &&
         (state == "active" ? account.locked_by.empty() : state == "locked" && is_locker) &&
         is_pinned(account.pool, account.sub) &&
         (account.shell.empty() || is_shell(account.shell)) && are_groups(account.cognito_groups);
}

bool read_tombstone(const Json::Value& object, Tombstone& tombstone) {
  if (!object.isObject() || !has_texts(object, {"name", "pool", "sub", "renamed_to"})) return false;
  tombstone.name = text_of(object, "name");
  tombstone.pool = text_of(object, "pool");
  tombstone.sub = text_of(object, "sub");
  tombstone.renamed_to = text_of(object, "renamed_to");
  tombstone.at = time_of(object, "removed_at");
  return is_name(tombstone.name) && read_uid(object, tombstone.uid) &&
         is_pinned(tombstone.pool, tombstone.sub) &&
         (tombstone.renamed_to.empty() || is_name(tombstone.renamed_to));
}

Result<Document> read_value(const Json::Value& value) {
  if (!value.isObject() || text_of(value, "format") != kFormat || !value["version"].isInt() ||
      value["version"].asInt() != kFormatVersion)
    return malformed("another format");
  const Json::Value& accounts = value["accounts"];
  const Json::Value& tombstones = value["tombstones"];
  if (!accounts.isArray() || !tombstones.isArray()) return malformed("no list of accounts");
  Document document;
  for (const Json::Value& object : accounts) {
    Account account;
    if (!read_account(object, account))
      return malformed("a fault in account " + std::to_string(document.accounts.size() + 1));
    document.accounts.push_back(std::move(account));
  }
  for (const Json::Value& object : tombstones) {
    Tombstone tombstone;
    if (!read_tombstone(object, tombstone))
      return malformed("a fault in tombstone " + std::to_string(document.tombstones.size() + 1));
    document.tombstones.push_back(std::move(tombstone));
  }
  return document;
}

}  // namespace

Json::Value to_json(const Account& account) {
  Json::Value object(Json::objectValue);
  object["name"] = account.name;
  object["uid"] = account.uid;
  object["state"] = account.state == State::active ? "active" : "locked";
  object["pool"] = account.pool;
  object["sub"] = account.sub;
  object["shell"] = account.shell;
  object["locked_by"] = account.locked_by;
  object["created_at"] = Json::Int64{account.created_at};
  object["verified_at"] = Json::Int64{account.verified_at};
  Json::Value& groups = object["cognito_groups"] = Json::Value(Json::arrayValue);
  for (const std::string& group : account.cognito_groups) groups.append(group);
  return object;
}

std::string write_document(const Content& content) {
  Json::Value document(Json::objectValue);
  document["format"] = kFormat;
  document["version"] = kFormatVersion;
  Json::Value& accounts = document["accounts"] = Json::Value(Json::arrayValue);
  for (const auto& [name, account] : content.accounts) {
    accounts.append(to_json(account));
  }
  Json::Value& tombstones = document["tombstones"] = Json::Value(Json::arrayValue);
  for (const auto& [name, tombstone] : content.tombstones) {
    Json::Value object(Json::objectValue);
    object["name"] = name;
    object["uid"] = tombstone.uid;
    object["pool"] = tombstone.pool;
    object["sub"] = tombstone.sub;
    object["renamed_to"] = tombstone.renamed_to;
    object["removed_at"] = Json::Int64{tombstone.at};
    tombstones.append(std::move(object));
  }
  Json::StreamWriterBuilder builder;
  builder["indentation"] = " ";
  builder["emitUTF8"] = true;
  return Json::writeString(builder, document) + "\n";
}

Result<Document> read_document(std::string_view text) {
  if (text.size() > kMaxDocument) return malformed("more than 64 MiB");
  // jsoncpp throws where it is used with care, too: for a nesting that is too deep.
  try {
    Json::CharReaderBuilder builder;
    Json::CharReaderBuilder::strictMode(&builder.settings_);
    builder["stackLimit"] = 16;
    builder["failIfExtra"] = true;
    const std::unique_ptr<Json::CharReader> reader(builder.newCharReader());
    Json::Value value;
    if (!reader->parse(text.data(), text.data() + text.size(), &value, nullptr))
      return malformed("no JSON object");
    return read_value(value);
  } catch (const Json::Exception&) {
    return malformed("no JSON object");
  }
}

}  // namespace pamcognito::accounts
